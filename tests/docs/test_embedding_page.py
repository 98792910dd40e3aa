"""The measured tables of embeddings come from their command, which gives their figures again."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_examples import REPOSITORY

SET = "6_cardio"


@pytest.mark.slow
def test_a_set_of_the_page_has_the_figures_that_its_command_gives(
    shared: Path, tmp_path: Path, run_python: Any
) -> None:
    """Of PCA and the columns almost exactly; other processors add in other orders, and training follows them apart."""
    data = shared / "data" / "adbench"
    done = run_python("-m", "benchmarks.embedding", "--data", data, "--sets", SET, "--out", tmp_path, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "embedding.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    shown = _shown()
    assert set(shown) == {row["method"] for row in rows}
    for method, figure in shown.items():
        found = 100 * np.mean([float(row["logistic"]) for row in rows if row["method"] == method])
        assert found == pytest.approx(figure, abs=0.5 if "columns" in method or "PCA" in method else 8)


def _shown() -> dict[str, float]:
    """Return the figures of the set by method, from the section of eight units with the logistic regression."""
    tables = REPOSITORY / "benchmarks" / "results" / "embedding.md"
    page = tables.read_text(encoding="utf-8").partition("## Eight units")[2]
    lines = page.splitlines()
    head = next(line for line in lines if line.startswith("| set |"))
    line = next(line for line in lines if line.startswith(f"| {SET} |"))
    cells = [[cell.strip(" *") for cell in row.split("|")[2:-1]] for row in (head, line)]
    return {method: float(figure) for method, figure in zip(*cells, strict=True)}
