"""The benchmark of the service: real servers in processes of their own, and ratios of the same round."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.serving.contenders import contenders
from benchmarks.serving.load import Load
from benchmarks.serving.server import free_port, started
from benchmarks.serving.table import Figures, Round, figures_by_name, page_of


def figures(*rates: int, start: float = 1.0, memory: float = 100.0) -> Figures:
    rounds = tuple(
        Round(load=Load(requests=rate, seconds=1.0, p50=1.0, p99=2.0, p999=3.0), cpu_seconds=1e-4) for rate in rates
    )
    return Figures(says="made up", start_seconds=start, resident_mb=memory, rounds={64: rounds})


FOUND = {
    "empty": figures(100, 800, 150),  # 2 is the median of the ratios, 4 the ratio of the medians
    "ours": figures(200, 1600, 600),
    "ours_balanced": figures(100, 800, 300),
    "predict": figures(1, 8, 2, start=10.0, memory=800.0),
}


def test_figures_are_medians_of_the_ratios_of_the_same_rounds() -> None:
    assert figures_by_name(FOUND) == {
        "single_over_empty": 2.0,
        "single_over_predict": 200.0,
        "default_over_fast": 0.5,
        "start_over_tensorflow": 0.1,
        "memory_over_tensorflow": 0.125,
    }


def test_the_page_has_every_server_beside_the_empty_one_with_the_ends_of_its_ratios() -> None:
    page = page_of(FOUND)
    assert "| ours | made up | 2.00 (2.00–4.00) | 600 | 1.00 | 2.00 | 3.00 | 100 |" in page
    assert "| predict | 10.00 | 800 |" in page


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("name", ["floor", "empty"])
def test_a_server_answers_and_says_what_it_takes(name: str) -> None:
    bundles = {preset: Path("nowhere") for preset in ("fast", "balanced")}
    [one] = (one for one in contenders(bundles) if one.name == name)
    port, cpu = free_port(), min(os.sched_getaffinity(0))
    with started(one.command(port), port, body=one.body, cpu=cpu) as server:
        assert os.sched_getaffinity(server.pid) == {cpu}
        assert 0 < server.start_seconds < 120
        assert server.cpu_seconds() > 0
        assert server.resident_mb() > 5
    assert not Path(f"/proc/{server.pid}").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_server_that_ends_is_an_error_with_what_it_said() -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    port = free_port()
    with (
        pytest.raises(RuntimeError, match="no such thing"),
        started(command, port, body=b"{}", cpu=min(os.sched_getaffinity(0))),
    ):
        pass
