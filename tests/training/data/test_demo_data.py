"""The demo data set: a newcomer sees the program do its work, with a threshold that its few rows can carry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.train import main


@pytest.mark.parametrize(
    ("flags", "method", "value"),
    [
        ((), "fpr", 0.05),
        (("--alert-rate", "0.2"), "fpr", 0.2),
        (("--threshold-method", "contamination", "--contamination", "0.03"), "contamination", 0.03),
    ],
)
def test_its_threshold_is_for_5_percent_unless_another_is_asked_for(
    capsys: Any, flags: tuple[str, ...], method: str, value: float
) -> None:
    assert main(["--dry-run", "--json", *flags]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["threshold_method"], plan["threshold_value"]) == (method, value)


@pytest.mark.slow
def test_most_malignant_biopsies_are_found_and_the_strangest_are_all_malignant(tmp_path: Path, capsys: Any) -> None:
    assert main(["--output", str(tmp_path / "1"), "--json"]) == 0
    out, err = capsys.readouterr()
    metrics = json.loads(out)["metrics"]
    assert metrics["recall"] > 0.7
    assert metrics["precision"] > 0.9
    listed = err[err.index("The strangest of 569 rows:") :].partition("rows   ")[0]
    assert "normal" not in listed
    assert listed.count("anomaly") == 10
