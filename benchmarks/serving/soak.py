"""Measures the service under continuous load: memory, latencies, errors.

    python -m benchmarks.serving.soak [--minutes 30] [--share 0.7] [--plot FILE] [--json]

Requests of sixteen records, every second one with five reasons, arrive in an open loop (Poisson), as many as 70 % of
what the service answers in a closed loop. The service has one CPU, the load another. Times count from when a request
was due. Needs wrk; Linux.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.serving.batches import of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.load import closed_loop, require_wrk
from benchmarks.serving.overload import draw, two_cpus
from benchmarks.serving.phases import Course, Phase, phases_beside
from benchmarks.serving.server import free_port, started
from models.errors import DetectorError

_RECORDS: Final = 16
_FIFTH: Final = 0.2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        course = _measured(arguments)
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    found = figures(course)
    if arguments.plot:
        draw(course, arguments.plot)
    print(json.dumps(found) if arguments.json else _page(found))
    return 0


def figures(course: Course) -> dict[str, float]:
    """Return the figures by name: answers, latencies, and the memory in the second and the last fifth of the time."""
    seconds, megabytes = course.memory.T
    early = megabytes[(seconds >= _FIFTH * seconds[-1]) & (seconds < 2 * _FIFTH * seconds[-1])]
    late = megabytes[seconds >= (1 - _FIFTH) * seconds[-1]]
    p50, p99 = (1e3 * np.percentile(course.took, [50, 99])).tolist()
    return {
        "requests": len(course.due),
        "not_answered": int((~course.answered).sum()),
        "requests_a_second": len(course.due) / float(course.due[-1]),
        "p50_ms": p50,
        "p99_ms": p99,
        "memory_early_mb": float(np.median(early)),
        "memory_late_mb": float(np.median(late)),
        "memory_peak_mb": float(megabytes.max()),
    }


def _measured(arguments: argparse.Namespace) -> Course:
    server_cpu, load_cpu = two_cpus()
    require_wrk()
    plain = of_ours(COLUMNS)["JSON, records"](made_up_rows(_RECORDS))
    explained = replace(plain, path="/score?explain=5")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train_detectors(folder, names=["fast"])
        port = free_port()
        with started(our_service(bundles_in(folder)["fast"])(port), port, request=plain, cpu=server_cpu) as server:
            rates = []
            for request in (plain, explained):
                rates.append(closed_loop(port, request, connections=64, seconds=5, cpu=load_cpu, folder=folder).rate)
                server.settle()
            rate = arguments.share * 2 / sum(1 / item for item in rates)  # each of them is half of the requests
            phase = Phase(name="soak", rate=rate, seconds=60 * arguments.minutes)
            return phases_beside(server, [plain, explained], [phase], connections=64, cpu=load_cpu)


def _page(found: dict[str, float]) -> str:
    lines = ["| figure | |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {value:,.5g} |" for name, value in found.items())])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it goes on (default: 30)")
    parser.add_argument("--share", type=float, default=0.7, help="of what it answers at most (default: 0.7)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draws requests, times and memory over the time")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
