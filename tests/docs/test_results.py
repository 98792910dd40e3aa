"""The measured tables of real files come from a command, which gives their figures again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from page_examples import REPOSITORY

TABLES = (REPOSITORY / "benchmarks" / "results" / "real_files.md").read_text(encoding="utf-8")
RESULTS = TABLES.partition("| file | detected")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "arguments"),
    [
        ("cardio", ["pyod_cardio.csv", "--label", "label", "--fit-on", "normal"]),
        ("ai4i", ["ai4i2020.csv", "--label", "Machine failure", "--exclude", "TWF", "HDF", "PWF", "OSF", "RNF"]),
        ("bank", ["uci_bank_additional.csv", "--label", "y", "--missing-values", "pdays=999"]),
    ],
)
def test_case_14_a_figure_of_the_results_is_what_its_command_gives(
    shared: Path, tmp_path: Path, run_python: Any, row: str, arguments: list[str]
) -> None:
    """Up to 0.02: other processors add in other orders, and training follows them apart."""
    [line] = [line for line in RESULTS.splitlines() if line.startswith(f"| {row}")]
    cells = [cell.strip() for cell in line.split("|")]
    [roc_auc] = [cells[number] for number, cell in enumerate(_header()) if cell == "ROC AUC"]
    file = shared / "data" / "real" / arguments[0]
    done = run_python("-m", "training.train", file, *arguments[1:], "--output", tmp_path / "b", "--json", "--quiet")
    assert json.loads(done.stdout)["metrics"]["roc_auc"] == pytest.approx(float(roc_auc), abs=0.02)


def _header() -> list[str]:
    [line] = [line for line in RESULTS.splitlines() if line.startswith("| file |")]
    return [cell.strip() for cell in line.split("|")]
