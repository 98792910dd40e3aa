"""Measures detection quality over a folder of labelled sets, and writes a page.

    python -m benchmarks.quality --data DIR [--out DIR] [--methods A,B…] [--protocols S,U] [--seeds 0,1,2] [--jobs N]
    python -m benchmarks.quality page --out DIR           # the page again, from the CSV
    python -m benchmarks.quality check --out DIR --against FILE    # our rows compared with those of another program

A set is an npz file with X (rows × columns) and y (1 = anomaly). The same command resumes a run that was stopped.
The peers need the extra `bench`: pip install '.[train,bench]'.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from benchmarks.quality.ablations import WITHOUT
from benchmarks.quality.arguments import at_least_one, listed, seeds
from benchmarks.quality.check import check
from benchmarks.quality.experiments.table import EXPERIMENTS
from benchmarks.quality.jobs import Choice, Experiment
from benchmarks.quality.methods import METHODS, chosen_methods, names_of
from benchmarks.quality.run import Way, run_and_record
from benchmarks.quality.splits import PROTOCOLS
from models.errors import ConfigError, DetectorError

_OUT: Final = Path("quality")
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 where a job gave no figures, or rows differ in a check."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        if arguments.experiment == "page":
            return _page(arguments, console)
        if arguments.experiment == "check":
            return check(EXPERIMENTS["benchmark"].results(arguments.out), arguments.against)
        return _measure(EXPERIMENTS[arguments.experiment], arguments, console, sys.argv[1:] if argv is None else argv)
    except DetectorError as error:
        console.print(f"error: {escape(str(error))}", style="red", soft_wrap=True)
        return 2


def _measure(experiment: Experiment, arguments: argparse.Namespace, console: Console, command: Sequence[str]) -> int:
    if arguments.data is None:
        raise ConfigError("--data DIR is missing: the folder with the data.")
    names = names_of(arguments.methods) or list(experiment.methods)
    methods, refusals = chosen_methods(names)
    choice = Choice(
        data=arguments.data,
        methods=methods,
        protocols=listed("--protocols", arguments.protocols, tuple(PROTOCOLS)),
        seeds=seeds(arguments.seeds),
        sets=[name for text in arguments.sets for name in text.split(",") if name],
    )
    threads = arguments.threads or (1 if arguments.jobs > 1 else None)
    way = Way(jobs=arguments.jobs, threads=threads, timeout=arguments.timeout, again=arguments.again)
    jobs = experiment.plan(choice)
    for refusal in refusals:
        console.print(f"left out: {escape(refusal)}", soft_wrap=True)
    results = experiment.results(arguments.out)
    outcome = run_and_record(
        "benchmarks.quality", experiment.name, command, jobs, results=results, way=way, console=console
    )
    if outcome.interrupted:
        return _INTERRUPTED
    _page(arguments, console)
    return 1 if outcome.failed else 0


def _page(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks.quality.page import write_page  # Matplotlib

    for path in write_page(arguments.out):
        console.print(f"written: {path}", soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    experiments = "\n".join(f"{name:<14} {experiment.says}" for name, experiment in EXPERIMENTS.items())
    methods = "\n".join(f"{method.name:<14} {method.says}" for method in METHODS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description=__doc__,
        epilog=f"what can be measured:\n{experiments}\n\nmethods:\n{methods}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "experiment",
        nargs="?",
        default="benchmark",
        choices=(*EXPERIMENTS, "page", "check"),
        metavar="WHAT",
        help=f"what is measured, one of {', '.join(EXPERIMENTS)} (default: benchmark), or page, or check",
    )
    parser.add_argument("--data", type=Path, help="folder with the data")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder of the results (default: %(default)s)")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=[],
        metavar="A,B",
        help="what is measured: names from below, ours:KEY=VALUE,KEY=VALUE for settings of the estimator (lists with "
        f"hyphens: hidden_units=64-32), without:PART for ours without one of {', '.join(WITHOUT)}, or MODULE:FUNCTION "
        "(default: all that can be run)",
    )
    parser.add_argument("--protocols", default=",".join(PROTOCOLS), help="S, U or both (default: %(default)s)")
    parser.add_argument("--seeds", default="0", help="such as 0,1,2 (default: %(default)s)")
    parser.add_argument("--sets", nargs="+", default=[], metavar="A,B", help="names of sets (default: all)")
    parser.add_argument("--jobs", type=at_least_one, default=1, help="how many run at once (default: %(default)s)")
    parser.add_argument(
        "--threads",
        type=at_least_one,
        help="threads of each (default: 1 with --jobs above 1, else the libraries' own)",
    )
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for each (default: %(default)g)")
    parser.add_argument("--again", action="store_true", help="run anew those that gave no figures")
    parser.add_argument(
        "--against", type=Path, help="for check: a CSV with set, protocol, method, seed and the figures"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
