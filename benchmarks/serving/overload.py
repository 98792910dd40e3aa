"""Measures overload: answers and refusals above the capacity of the service, and the time to recover.

    python -m benchmarks.serving.overload [--seconds 20] [--times 3] [--connections 512] [--plot FILE] [--json]

Requests of sixteen records arrive in an open loop (Poisson): for some seconds at 70 % of what the service answers in a
closed loop, then at three times that, then at 70 % again. The service has one CPU, the load another. Times count from
when a request was due. Needs wrk; Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.serving.batches import of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.load import closed_loop, require_wrk
from benchmarks.serving.phases import Course, Phase, phases_beside
from benchmarks.serving.server import free_port, started
from models.errors import ConfigError, DetectorError

_RECORDS: Final = 16
_USUAL: Final = 0.7
_TRIES: Final = 3  # measurements of the capacity, of which the median counts
_WINDOW: Final = 0.25  # seconds
_NEAR: Final = 2.0  # ratio to the latency before, below which the overload counts as over
_CALM: Final = 1.0  # seconds for which that must hold


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        course, phases = _measured(arguments)
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    found = figures(course, phases)
    if arguments.plot:
        draw(course, arguments.plot)
    print(json.dumps(found) if arguments.json else _page(course, phases, found))
    return 0


def figures(course: Course, phases: Sequence[Phase]) -> dict[str, float]:
    """Return the figures by name: refusals, answers, memory, and the time to recover."""
    before, over, _ = _told(course, phases)
    end = phases[0].seconds + phases[1].seconds
    usual = course.memory[course.memory[:, 0] < phases[0].seconds, 1]
    return {
        "refusal_p99_ms": over.refusal_p99,
        "accepted_p99_over_before": over.p99 / before.p99,
        "accepted_a_second_over_before": over.answered / before.answered,
        "memory_growth": float(course.memory[:, 1].max() / usual.max()),
        "recovery_seconds": _recovery(course, end, before.p99),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Figures of a phase: requests a second, and latencies in milliseconds."""

    offered: float
    answered: float
    refused: float
    p50: float
    p99: float
    refusal_p99: float


def _told(course: Course, phases: Sequence[Phase]) -> list[_Told]:
    told, start = [], 0.0
    for phase in phases:
        own = course.within(start, start + phase.seconds)
        answered, refused = course.took[own & course.answered], course.took[own & course.refused]
        told.append(
            _Told(
                offered=float(own.sum() / phase.seconds),
                answered=float(len(answered) / phase.seconds),
                refused=float(len(refused) / phase.seconds),
                p50=_ms(answered, 50),
                p99=_ms(answered, 99),
                refusal_p99=_ms(refused, 99),
            )
        )
        start += phase.seconds
    return told


def _recovery(course: Course, end: float, usual: float) -> float:
    """Return the seconds from the end of the overload to the first second without refusals and with usual latencies.

    Infinite where there is no such second.
    """
    starts = np.arange(end, course.due[-1] - _WINDOW, _WINDOW)
    good = [not _is_bad(course, float(start), usual) for start in starts]
    windows = round(_CALM / _WINDOW)
    first = next((i for i in range(len(good)) if all(good[i : i + windows])), None)
    return float("inf") if first is None else first * _WINDOW


def _is_bad(course: Course, start: float, usual: float) -> bool:
    own = course.within(start, start + _WINDOW)
    return bool((own & course.refused).any() or _ms(course.took[own], 50) > _NEAR * usual)


def _ms(took: np.ndarray[tuple[int], np.dtype[np.float64]], percent: float) -> float:
    return float(1e3 * np.percentile(took, percent)) if len(took) else float("nan")


def draw(course: Course, path: Path) -> None:
    """Draw requests, times and memory over the time."""
    from matplotlib.figure import Figure

    width = max(_WINDOW, float(course.due[-1]) / 200)
    edges = np.arange(0.0, float(course.due[-1]) + width, width)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = Figure(figsize=(7, 7), layout="constrained")
    requests, times, memory = figure.subplots(3, 1, sharex=True)
    for name, mask, style in (("offered", course.due >= 0, ":"), ("answered", course.answered, "-")):
        requests.plot(middles, np.histogram(course.due[mask], edges)[0] / width, style, label=name)
    if course.refused.any():
        requests.plot(middles, np.histogram(course.due[course.refused], edges)[0] / width, "--", label="refused")
    requests.set_ylabel("requests a second")
    for name, mask, percent in (
        ("answered, p50", course.answered, 50),
        ("answered, p99", course.answered, 99),
        ("refused, p99", course.refused, 99),
    ):
        if mask.any():
            own = [course.took[mask & course.within(a, b)] for a, b in pairwise(edges)]
            times.plot(middles, [_ms(item, percent) for item in own], label=name)
    times.set(yscale="log", ylabel="ms from when it was due")
    memory.plot(course.memory[:, 0], course.memory[:, 1])
    memory.set(ylabel="memory, MB", xlabel="seconds", ylim=(0, 1.2 * course.memory[:, 1].max()))
    for axes in (requests, times):
        axes.legend(frameon=False)
    figure.savefig(path)


def _measured(arguments: argparse.Namespace) -> tuple[Course, list[Phase]]:
    server_cpu, load_cpu = two_cpus()
    require_wrk()
    request = of_ours(COLUMNS)["JSON, records"](made_up_rows(_RECORDS))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train_detectors(folder, names=["fast"])
        port = free_port()
        with started(our_service(bundles_in(folder)["fast"])(port), port, request=request, cpu=server_cpu) as server:
            rates = [
                closed_loop(port, request, connections=64, seconds=2, cpu=load_cpu, folder=folder).rate
                for _ in range(_TRIES)
            ]
            most = float(np.median(rates))
            usual = _USUAL * most
            phases = [
                Phase(name="before", rate=usual, seconds=arguments.seconds),
                Phase(name="overload", rate=arguments.times * most, seconds=arguments.seconds),
                Phase(name="after", rate=usual, seconds=arguments.seconds),
            ]
            server.settle()
            return phases_beside(server, [request], phases, connections=arguments.connections, cpu=load_cpu), phases


def two_cpus() -> tuple[int, int]:
    """Return the CPU of the server and that of the load.

    Raises:
        ConfigError: There is one only.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise ConfigError("the server and the load need a CPU each, there is one.")
    return cpus[0], cpus[1]


def _page(course: Course, phases: Sequence[Phase], found: dict[str, float]) -> str:
    lines = [
        "| phase | offered a second | answered | refused | answered: p50, ms | p99, ms | refused: p99, ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for phase, told in zip(phases, _told(course, phases), strict=True):
        rates = " | ".join(f"{rate:,.0f}" for rate in (told.offered, told.answered, told.refused))
        times = " | ".join("–" if np.isnan(ms) else f"{ms:.1f}" for ms in (told.p50, told.p99, told.refusal_p99))
        lines.append(f"| {phase.name} | {rates} | {times} |")
    late = 1e3 * np.percentile(course.behind, 99)
    lines += ["", f"The generator was late by {late:.1f} ms (p99).", "", "| figure | |", "| --- | --- |"]
    lines += [f"| {name} | {value:.3g} |" for name, value in found.items()]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase (default: 20)")
    parser.add_argument("--times", type=float, default=3.0, help="what it can do, in the overload (default: 3)")
    parser.add_argument("--connections", type=int, default=512, help="of the load (default: 512)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draws requests, times and memory over the time")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
