"""Runs the notebook of the examples and stores what its cells show: `python docs/run_notebook.py`.

A page on the web shows a notebook without running it. Stored are texts, small tables and pictures, as Jupyter would;
not the diagram in HTML that scikit-learn draws of an estimator.
"""

from __future__ import annotations

import ast
import base64
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import pandas as pd
from matplotlib import pyplot as plt

NOTEBOOK: Final = Path(__file__).resolve().parent / "examples" / "anomalies.ipynb"
DPI: Final = 72


def main() -> None:
    """Run all code cells, and write the notebook with their outputs."""
    mpl.use("agg")
    pd.set_option("display.width", 120)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "notebook"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        cell["execution_count"] = number
        cell["outputs"] = outputs_of("".join(cell["source"]), names, number=number)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def outputs_of(source: str, names: dict[str, Any], *, number: int) -> list[dict[str, Any]]:
    """Run a cell, and return what it prints, its last value and its pictures, in the form of a notebook."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"
        outputs.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        shown = {"data": _data_of(value), "execution_count": number, "metadata": {}}
        outputs.append({**shown, "output_type": "execute_result"})
    for figure in map(plt.figure, plt.get_fignums()):
        data = {"image/png": _png_of(figure), "text/plain": ["<Figure>"]}
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    plt.close("all")
    return outputs


def _data_of(value: object) -> dict[str, list[str]]:
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    if isinstance(value, pd.DataFrame):
        data["text/html"] = value.to_html().splitlines(keepends=True)
    return data


def _png_of(figure: Any) -> str:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, bbox_inches="tight")
    return base64.b64encode(out.getvalue()).decode() + "\n"


if __name__ == "__main__":
    main()
