"""Anomalies among the fitting rows: only their share changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_sets import write_set

from benchmarks.quality.experiments.contamination import CONTAMINATION, SHARES, contaminated, plan, work
from benchmarks.quality.jobs import Choice
from benchmarks.quality.methods import METHODS, method_of
from benchmarks.quality.page import write_page
from benchmarks.quality.splits import read_set


def test_the_share_is_kept_and_nothing_else_changes(tmp_path: Path) -> None:
    labelled = read_set(write_set(tmp_path / "a.npz", rows=400, anomalies=90))
    kind = {tuple(row): anomaly for row, anomaly in zip(labelled.X, labelled.is_anomaly, strict=True)}
    judged = None
    for share in SHARES:
        split = contaminated(labelled, share=share, seed=1)
        assert split is not None
        assert len(split.fitting) == min(310 // 2, int(45 / SHARES[-1]))
        odd = [kind[tuple(row)] for row in split.fitting]
        assert sum(odd) == round(share * len(odd))
        assert not {tuple(row) for row in split.fitting} & {tuple(row) for row in split.test}
        assert judged is None or np.array_equal(judged, split.test)
        judged = split.test
        assert split.is_anomaly.sum() == 45


def test_a_set_with_few_anomalies_is_not_planned_nor_is_a_method_that_is_told_a_lie(tmp_path: Path) -> None:
    write_set(tmp_path / "1_few.npz", rows=400, anomalies=30)
    write_set(tmp_path / "2_many.npz", rows=400, anomalies=90)
    methods = [METHODS["KNN"], METHODS["ours_clean"]]
    jobs = plan(Choice(data=tmp_path, methods=methods, protocols=["S"], seeds=[0, 1], sets=[]))
    assert {(job.key["set"], job.key["method"]) for job in jobs} == {("2_many", "KNN")}
    assert len(jobs) == len(SHARES) * 2


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0, 1])
def test_curves_are_drawn_of_what_was_found(tmp_path: Path, missing: int) -> None:
    write_set(tmp_path / "1_near.npz", rows=400, anomalies=90)
    methods = [method_of("made_up_sets:distance"), method_of("made_up_sets:forest")]
    jobs = plan(Choice(data=tmp_path, methods=methods, protocols=["S"], seeds=[0], sets=[]))
    results = CONTAMINATION.results(tmp_path / "out")
    for job in jobs[: len(jobs) - missing]:
        results.append(work(job))
    write_page(tmp_path / "out")
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert "| method | 0% | 1% | 5% | 10% | 20% | mean | fall, points |" in tables
    assert ("made_up_sets:forest: it has figures of 0 splits, the others of 1" in tables) == bool(missing)
    assert (tmp_path / "out" / "index.html").read_text().count("<svg") == 2
