"""The notebook in docs/examples: its code cells run one after the other, and find what its words say."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from page_examples import DOCS

MOST_PICTURE_BYTES = 100_000
MOST_TEXT = 20_000
NOTEBOOK = json.loads((DOCS / "examples" / "anomalies.ipynb").read_text(encoding="utf-8"))


def cells(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == kind]


def outputs() -> list[list[dict[str, Any]]]:
    return [cell["outputs"] for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_one_that_jupyter_reads() -> None:
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    assert cells("markdown")[0].startswith("# ")


def test_a_reader_on_a_page_sees_small_outputs_of_every_cell() -> None:
    assert all(outputs())
    stored = [output for found in outputs() for output in found]
    assert {output["output_type"] for output in stored} <= {"stream", "execute_result", "display_data"}
    pictures = [output["data"]["image/png"] for output in stored if "image/png" in output.get("data", {})]
    assert len(pictures) == 1
    assert len(base64.b64decode(pictures[0])) <= MOST_PICTURE_BYTES
    assert sum("text/html" in output.get("data", {}) for output in stored) >= 2  # tables
    texts = json.dumps([output for output in stored if "image/png" not in output.get("data", {})])
    assert len(texts) <= MOST_TEXT
    assert not [path for path in ("/tmp", "/home", "/root", "/work") if path in texts]


def test_the_stored_outputs_say_what_the_words_say() -> None:
    shown = json.dumps(outputs())
    assert "# alert rate: 10.00% promised" in shown
    flagged = dict(re.findall(r"(True|False) +(0\.\d+)", shown))
    assert float(flagged["True"]) > 0.5 > float(flagged["False"])


@pytest.mark.slow
def test_the_cells_of_the_notebook_run(capsys: pytest.CaptureFixture[str]) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("agg")
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, source in enumerate(cells("code")):
        exec(compile(source, f"anomalies.ipynb, code cell {number}", "exec"), names)
    assert "epochs" in capsys.readouterr().out  # verbose
    flagged = names["scored"].groupby("malignant")["flagged"].mean()
    assert flagged[True] > 0.5 > flagged[False]
    assert names["auc"].mean() > 0.9
    assert len(names["axes"].patches) == 8
    assert (names["folder"] / "biopsies.html").is_file()
    assert (names["again"].anomaly_score(names["unseen"]) == names["detector"].anomaly_score(names["unseen"])).all()
    plt.close("all")
