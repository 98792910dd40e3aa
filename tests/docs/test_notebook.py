"""The notebook in docs/examples: its code cells run one after the other, and find what its words say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from page_examples import DOCS

NOTEBOOK = json.loads((DOCS / "examples" / "anomalies.ipynb").read_text(encoding="utf-8"))


def cells(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_one_that_jupyter_reads_and_holds_no_output() -> None:
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    assert all(not cell["outputs"] for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code")
    assert cells("markdown")[0].startswith("# ")


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
