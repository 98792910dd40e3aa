"""What is measured of thresholds and decisions is what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_sets import write_set

from benchmarks.quality.experiments.decisions import DECISIONS, PYOD_RULE, pyod_rule, work
from benchmarks.quality.experiments.thresholds import RATES, THRESHOLDS, halves
from benchmarks.quality.experiments.thresholds import plan as plan_thresholds
from benchmarks.quality.jobs import Choice, Job
from benchmarks.quality.methods import method_of
from benchmarks.quality.page import write_page
from benchmarks.quality.results import Row
from benchmarks.quality.sections.thresholds import sections
from benchmarks.quality.splits import read_set
from models.errors import ConfigError


def promise(*, flagged: int, fresh: int = 500, calibration_rows: int = 99, refused: str = "") -> Row:
    figures = {"fresh": str(fresh), "flagged": str(flagged), "false_alarm_rate": "0.01", "recall": "0.5"}
    key = {"set": f"s{flagged}", "protocol": "S", "method": "ours", "seed": "0"}
    rule = {"rule": "fpr", "rate": "0.1", "about": "normal rows", "calibration_rows": str(calibration_rows)}
    return key | rule | (dict.fromkeys(figures, "") if refused else figures) | {"refused": refused}


def test_unlabelled_test_rows_are_unseen(tmp_path: Path) -> None:
    labelled = read_set(write_set(tmp_path / "a.npz"))
    split = halves(labelled, protocol="U", seed=0)
    fitted, tested = {tuple(row) for row in split.fitting}, {tuple(row) for row in split.test}
    assert not fitted & tested
    assert len(fitted) + len(tested) == len(labelled.X)
    novelty = halves(labelled, protocol="S", seed=0)
    assert np.array_equal(novelty.fitting, labelled.split(protocol="S", seed=0).fitting)


def test_a_broken_promise_is_told_from_chance() -> None:
    rows = [promise(flagged=50), promise(flagged=68), promise(flagged=150), promise(flagged=0, refused="too few")]
    [line] = sections(rows)[0].parts[0].rows
    cells = [getattr(cell, "text", cell) for cell in line]
    assert cells[3:13] == ["normal rows", "10%", "3", "1", "17.9%", "13.6%", "30.0%", "s150", "1 of 3", "1.0%"]


def test_only_ours_has_thresholds_of_ours(tmp_path: Path) -> None:
    write_set(tmp_path / "1_near.npz")
    with pytest.raises(ConfigError, match="KNN is not ours"):
        plan_thresholds(
            Choice(data=tmp_path, methods=[method_of("KNN")], protocols=["S"], seeds=[0], sets=[]),
        )


def test_pyods_rule_flags_what_scores_above_the_highest_tenth() -> None:
    fitted = np.arange(101.0)
    assert pyod_rule(fitted, np.array([89.0, 90.0, 90.5, 200.0])).tolist() == [False, False, True, True]


def test_the_figures_of_decisions_are_those_of_its_definition(tmp_path: Path) -> None:
    path = write_set(tmp_path / "1_near.npz", anomalies=20)
    key = {"set": "1_near", "protocol": "S", "method": "made_up_sets:distance", "rules": "own", "seed": "0"}
    [row] = work(Job(experiment="f1", key=key, data=str(path)))
    assert row["rule"] == PYOD_RULE
    f1, precision, recall, flagged = (float(row[name]) for name in ("f1", "precision", "recall", "flagged"))
    assert recall == 1.0, "anomalies that far away are all found"
    assert flagged * 70 * precision == pytest.approx(20, abs=1e-2)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-4)


@pytest.mark.filterwarnings("ignore::training.estimator.errors.DetectorWarning")  # one epoch is few
@pytest.mark.slow  # starts workers
def test_ours_is_evaluated_by_each_of_its_rules_and_shown_on_the_page(tmp_path: Path) -> None:
    method = "ours:epochs=1"
    path = write_set(tmp_path / "1_near.npz", rows=400, anomalies=40)
    for experiment, more in ((THRESHOLDS, {}), (DECISIONS, {"rules": "own"})):
        for protocol in "SU":
            key = {"set": "1_near", "protocol": protocol, "method": method, **more, "seed": "0"}
            rows = experiment.work(Job(experiment=experiment.name, key=key, data=str(path)))
            assert all(list(row)[: len(experiment.key)] == list(experiment.key) for row in rows)
            assert all(set(row) <= {*experiment.key, *experiment.figures} for row in rows)
            if experiment is THRESHOLDS:
                rules = {"fpr", "evt", "contamination"} | ({"labels"} if protocol == "U" else set())
                assert {(row["rule"], row["rate"]) for row in rows} == {
                    (rule, f"{rate:g}") for rule in rules for rate in RATES
                }
                assert any(not row["refused"] for row in rows)
                assert all(row["refused"] for row in rows if row["rule"] == "evt"), "there are too few rows"
            else:
                assert [row["rule"] for row in rows] == ["default", PYOD_RULE]
            experiment.results(tmp_path / "out").append(rows)
    write_page(tmp_path / "out")
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert f"| {method} | U | labels | normal rows | 10% | 1 | 0 |" in tables
    assert "Mean F1 by method and rule, protocol U" in tables
