"""Measures what it costs to change the version that answers while requests come, and that none is lost or mixed.

    python -m benchmarks.serving.swaps [--seconds 20] [--every 1] [--connections 64] [--rounds 3] [--json]

Single records in a closed loop, for some seconds without and for as long with a change of the version every second, in
turns. Each answer is looked at: its version, header, threshold and score are those of one version. Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.serving.batches import of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.overload import two_cpus
from benchmarks.serving.server import free_port, started
from benchmarks.serving.soak import two_versions
from benchmarks.serving.swapped_load import Tally, load_with_swaps
from models.errors import DetectorError

_NAME = "machines"
_VERSIONS = ("1", "2")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 if an answer was lost or mixed."""
    arguments = _parser().parse_args(argv)
    try:
        without, beside = _measured(arguments)
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    found = figures(without, beside)
    print(json.dumps(found) if arguments.json else _page(found))
    return 1 if found["failed_or_mixed"] else 0


def figures(without: Sequence[Tally], beside: Sequence[Tally]) -> dict[str, Any]:
    """Return the figures by name: the ratios are medians over the rounds."""
    faults = sum((tally.faults for tally in (*without, *beside)), Counter[str]())
    ratios = {
        f"p{percent}_over_without": float(
            np.median([_ms(b, percent) / _ms(a, percent) for a, b in zip(without, beside, strict=True)])
        )
        for percent in (50, 99)
    }
    return {
        "answers": sum(len(tally.took) for tally in beside),
        "swaps": sum(tally.swaps for tally in beside),
        "failed_or_mixed": sum(faults.values()),
        "faults": dict(faults),
        "p99_ms_without": float(np.median([_ms(tally, 99) for tally in without])),
        "p99_ms_with": float(np.median([_ms(tally, 99) for tally in beside])),
        **ratios,
    }


def _measured(arguments: argparse.Namespace) -> tuple[list[Tally], list[Tally]]:
    server_cpu, load_cpu = two_cpus()
    request = of_ours(COLUMNS)["JSON, records"](made_up_rows(1))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train_detectors(folder, names=["fast"])
        served = two_versions(bundles_in(folder)["fast"], folder / "served" / _NAME)
        port = free_port()
        with started(our_service(served)(port), port, request=request, cpu=server_cpu):
            os.sched_setaffinity(0, {load_cpu})
            tallies = [
                asyncio.run(
                    load_with_swaps(
                        port,
                        request,
                        name=_NAME,
                        versions=_VERSIONS,
                        connections=arguments.connections,
                        seconds=arguments.seconds,
                        every=every,
                    )
                )
                for _ in range(arguments.rounds)
                for every in (None, arguments.every)
            ]
    return tallies[::2], tallies[1::2]


def _ms(tally: Tally, percent: float) -> float:
    return float(1e3 * np.percentile(tally.took, percent)) if tally.took else float("nan")


def _page(found: dict[str, Any]) -> str:
    lines = ["| figure | |", "| --- | --- |"]
    lines += [
        f"| {name} | {value:.3g} |" if isinstance(value, float) else f"| {name} | {value} |"
        for name, value in found.items()
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each part of a round (default: 20)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two changes (default: 1)")
    parser.add_argument("--connections", type=int, default=64, help="of the load (default: 64)")
    parser.add_argument("--rounds", type=int, default=3, help="how often both parts are measured (default: 3)")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
