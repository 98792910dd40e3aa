"""Measures other engines beside ours, with the networks of the presets fast and balanced, as ratios, all in one run.

    taskset -c 0 python -m benchmarks.engines [--rounds 15] [--presets fast,balanced] [--json]

Uses all allowed CPUs, with as many threads a call. Engines that are not installed are named and left out: OpenVINO
(`openvino`), LiteRT (`ai-edge-litert`) and float16 (`onnxconverter-common`) come with no extra of ours. Prints the time
of a row with ours over that with each engine: the median and, in brackets, the lowest and highest of the rounds, above
1 it is faster; the difference of scores from ours, relative to max(1, score); and size, load time and memory of each
engine. About two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.engines.alone import alone
from benchmarks.engines.beside import beside
from benchmarks.engines.engines import ENGINES
from benchmarks.engines.page import Cost, Found, page_of
from benchmarks.serving.contenders import COLUMNS, train_detectors
from models.bundle.layout import NETWORK_ONNX


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    cpus = sorted(os.sched_getaffinity(0))
    found, presets = Found(cpus=len(cpus)), arguments.presets.split(",")
    with tempfile.TemporaryDirectory() as made:
        train_detectors(Path(made), presets)
        for preset in presets:
            networks = Path(made) / f"{preset}_networks"
            failed = convert(Path(made) / preset, networks)
            found.left_out.update(failed)
            console.print(f"{preset}: {', '.join(path.name for path in sorted(networks.iterdir()))}")
            found.speed[preset] = beside(Path(made) / preset, networks, rounds=arguments.rounds, cpus=cpus)
            for name in found.speed[preset]:
                own = alone(name, networks / name, len(COLUMNS), cpu=cpus[0])
                found.costs.setdefault(name, {})[preset] = Cost(alone=own, package_mb=ENGINES[name].package_mb)
    print(json.dumps(asdict(found)) if arguments.json else page_of(found))
    return 0


def convert(bundle: Path, folder: Path) -> dict[str, str]:
    """Write a bundle's network for each engine; return the engines for which that failed, and why."""
    folder.mkdir()
    graph = (bundle / NETWORK_ONNX).read_bytes()
    left_out = {}
    for name, engine in ENGINES.items():
        if engine.missing:
            left_out[name] = f"{', '.join(engine.missing)} is not installed"
            continue
        try:
            network = engine.convert(graph)
            engine.load(network, 1)
            (folder / name).write_bytes(network)
        except Exception as error:  # any error of a converter or an engine
            left_out[name] = f"does not take it: {' '.join(str(error).split())[:200]}"
    return left_out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (default: 15)")
    parser.add_argument("--presets", default="fast,balanced", help="of the networks (default: fast,balanced)")
    parser.add_argument("--json", action="store_true", help="print the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
