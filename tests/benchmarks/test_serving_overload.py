"""What becomes of requests when more come than can be done, and under load that goes on."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving import overload, soak
from benchmarks.serving.phases import Course, Phase, due_in

needs = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not shutil.which("wrk") or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux, wrk and two CPUs",
)
PHASES = [Phase(name=name, rate=rate, seconds=2.0) for name, rate in (("a", 100.0), ("b", 300.0), ("c", 100.0))]


def course(*, took: float = 0.01, slow_until: float = 0.0) -> Course:
    """Return one in which a third of the requests of the second phase are refused, and times rise until some time."""
    due = due_in(PHASES)
    status = np.where((due >= 2.0) & (due < 4.0) & (np.arange(len(due)) % 3 == 0), 503, 200)
    times = np.where((due >= 2.0) & (due < slow_until), 1.0, took)
    memory = np.array([[0.0, 100.0], [1.5, 100.0], [3.0, 110.0], [5.0, 105.0]])
    return Course(due=due, took=times, status=status, behind=np.zeros(len(due)), memory=memory)


def test_phases_follow_one_another_each_with_its_rate() -> None:
    due = due_in(PHASES)
    assert (np.diff(due) >= 0).all()
    assert due[-1] < 6.0
    assert np.histogram(due, [0, 2, 4, 6])[0] == pytest.approx([200, 600, 200], rel=0.15)


def test_figures_tell_the_phases_apart() -> None:
    found = overload.figures(course(slow_until=5.0), PHASES)
    assert found["refusal_p99_ms"] == pytest.approx(1000.0)
    assert found["accepted_p99_over_before"] == pytest.approx(100.0)
    assert found["memory_growth"] == pytest.approx(1.1)
    assert found["recovery_seconds"] == pytest.approx(1.0)
    assert overload.figures(course(), PHASES)["recovery_seconds"] == 0.0


def test_a_soak_tells_what_was_not_answered_and_memory_early_and_late() -> None:
    found = soak.figures(course())
    assert found["requests"] == len(course().due)
    assert found["not_answered"] == (course().status == 503).sum()
    assert found["memory_late_mb"] == 105.0


@needs
@pytest.mark.slow
def test_both_programs_print_their_figures_and_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = tmp_path / "overload.svg"
    assert overload.main(["--seconds", "2", "--json", "--plot", str(plot)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(overload.figures(course(), PHASES))
    assert "refused" in plot.read_text() or found["refusal_p99_ms"] != found["refusal_p99_ms"]
    assert soak.main(["--minutes", "0.1", "--swaps", "0.5", "--keys", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["requests"] > 20
    assert found["memory_late_mb"] > 20
    assert found["swaps"] > 0
    assert found["failed_swaps"] == 0
