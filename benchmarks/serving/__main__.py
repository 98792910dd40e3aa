"""Measures the service beside other servers with the same network, as ratios, all in one run.

    python -m benchmarks.serving [--rounds 5] [--seconds 2] [--connections 1,16,64,256] [--peers FOLDER]
                                 [--only A,B…] [--sections closed,open,batches,engine] [--json]

The server has one CPU, the load generator another. In each round every server is started, takes all of its load, and
is ended before the next one starts; the order rotates from round to round, ratios are of the same round. One
record a request in a closed loop (wrk), and in an open one at 70 % of what the server can do; many rows a request in
every format; and the network without HTTP. Prints the median and, in brackets, the lowest and highest of the rounds.

Other servers come from environments that `python -m benchmarks.serving.peers.install FOLDER` makes. All of it with them
takes about 30 minutes, without them 15; with `--rounds 1 --seconds 1` four.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Collection, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.serving.contenders import COLUMNS, Contender, bundles_in, contenders, made_up_rows, train_detectors
from benchmarks.serving.load import require_wrk
from benchmarks.serving.measure import SECTIONS, Plan, measure
from benchmarks.serving.page import page_of
from benchmarks.serving.peers.start import PEERS, peer_contenders
from benchmarks.serving.table import figures_by_name
from models.errors import ConfigError, DetectorError

_BATCH_ROWS: Final = 10_000
_VERSIONS: Final = (
    *("numpy", "onnxruntime", "pyarrow", "msgspec", "uvicorn", "uvloop", "httptools", "fastapi"),
    *("keras", "tensorflow", "tensorflow-cpu"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        with (
            tempfile.TemporaryDirectory() as made,
            Progress(console=console, transient=True, refresh_per_second=1) as bar,
        ):
            print(_measured(arguments, Path(made), bar))
    except DetectorError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    return 0


def _measured(arguments: argparse.Namespace, folder: Path, bar: Progress) -> str:
    """Run the chosen measurements; return the output."""
    sections = frozenset(_names(arguments.sections, SECTIONS, "section"))
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise ConfigError("the server and the load need a CPU each, there is one.")
    if sections - {"engine"}:
        require_wrk()
    bundles = bundles_in(folder)
    chosen, missing = contenders(bundles), {}
    wanted = arguments.only and _names(arguments.only, [*(item.name for item in chosen), *PEERS], "server")
    train_detectors(folder)
    if arguments.peers:
        peers, absent = peer_contenders(arguments.peers, bundles["fast"], folder, made_up_rows()[:1])
        chosen += peers
        missing = dict.fromkeys(absent, "it is not installed")
    plan = Plan(
        sections=sections,
        connections=tuple(map(int, arguments.connections.split(","))),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        server_cpu=cpus[0],
        load_cpu=cpus[1],
        folder=folder,
        rows=made_up_rows(_BATCH_ROWS),
        score=_expected_score(bundles["fast"]),
    )
    found = measure(_chosen(chosen, wanted), plan, bundle=bundles["fast"], missing=missing, bar=bar)
    return json.dumps(figures_by_name(found)) if arguments.json else page_of(found, about=_about(arguments))


def _chosen(all_of_them: Sequence[Contender], wanted: Sequence[str] | None) -> list[Contender]:
    """Return the chosen servers, and the empty endpoint, the reference of all."""
    return [item for item in all_of_them if not wanted or item.name in {"empty", *wanted}]


def _names(given: str, known: Collection[str], what: str) -> list[str]:
    names = given.split(",")
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"there is no {what} {unknown[0]!r}; there are {', '.join(known)}.")
    return names


def _expected_score(bundle: Path) -> float:
    """Return the score of the record in all requests."""
    from models.bundle import load_detector

    record = dict(zip(COLUMNS, made_up_rows()[0].tolist(), strict=True))
    return float(load_detector(bundle).score_records([record]).anomaly_score[0])


def _about(arguments: argparse.Namespace) -> str:
    """Return a paragraph on the machine, the versions and the method."""
    installed = {item.name.lower().replace("_", "-"): item.version for item in distributions()}
    versions = ", ".join(f"{name} {installed[name]}" for name in _VERSIONS if name in installed)
    return (
        f"{_processor()}; one CPU for the server, one for the load. Python {platform.python_version()}, {versions}. "
        f"{arguments.rounds} rounds, {arguments.seconds} s a measurement."
    )


def _processor() -> str:
    """Return the processor's name and the number of allowed CPUs."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    wide = any("avx512f" in line for line in lines)
    cpus = len(os.sched_getaffinity(0))
    return f"{names[0] if names else platform.machine()}{' with AVX-512' if wide else ''}, {cpus} CPUs"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--seconds", type=int, default=2, help="how long each takes (default: 2)")
    parser.add_argument("--connections", default="1,16,64,256", help="numbers of connections (default: 1,16,64,256)")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="where peers are installed (default: no peers)")
    parser.add_argument("--only", metavar="A,B…", help="names of servers, beside the empty endpoint (default: all)")
    sections = "; ".join(f"{name}: {says}" for name, says in SECTIONS.items())
    parser.add_argument("--sections", metavar="A,B…", default=",".join(SECTIONS), help=f"{sections} (default: all)")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
