"""Measures embeddings as features, beside PCA, kernel PCA, ICA and the columns themselves.

    python -m benchmarks.embedding --data DIR [--sets A,B…] [--latent-units 8] [--out DIR] [--jobs 2]

A set is an npz file with X (rows × columns) and y (1 = anomaly), drawn down to --rows. Each is cut into five folds with
their share of the anomalies. Features (of a detector, PCA, …) are learned from four of them, without the labels; simple
probes then learn from the same four, with the labels, and are tested by the average precision on the fifth. No step
sees a test row. By default the sets are the ten of ADBench with 9 to 200 columns, at least 1,000 rows,
at most a quarter of anomalies, and at least 40 of them after the draw.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.embedding.example import Example, example_of
from benchmarks.embedding.features import PEERS
from benchmarks.embedding.measure import FIGURES, FOLDS, KEY, Job, Row, measured
from benchmarks.embedding.probes import PROBES
from benchmarks.embedding.tables import by_set, duels, example_table, overview, sparsity
from benchmarks.quality.slots import THREADS
from benchmarks.quality.splits import sets_by_name
from models.programs.cli import OneLineParser, run_command
from training.settings.presets import PRESETS, TRAINING_ROWS

SETS: Final = (
    *("6_cardio", "7_Cardiotocography", "20_letter", "25_musk", "26_optdigits"),
    *("27_PageBlocks", "28_pendigits", "5_campaign", "8_celeba", "11_donors"),
)
"""Default of ``--sets``."""

FILE: Final = "embedding.csv"

_EXAMPLE_ACTIVATION: Final = "relu"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _run(arguments), debug=arguments.debug)


def _run(arguments: argparse.Namespace) -> None:
    console = Console(stderr=True)
    names = [name for text in arguments.sets for name in text.split(",") if name] or SETS
    paths = sets_by_name(arguments.data, names)
    jobs = [
        Job(
            name=name,
            path=paths[name],
            fold=fold,
            rows=arguments.rows,
            k=arguments.latent_units,
            preset=arguments.preset,
            training_rows=arguments.training_rows,
        )
        for name in names
        for fold in range(FOLDS)
    ]
    with _bar(console) as bar:
        task = bar.add_task("measuring", total=len(jobs) + 1)
        found: dict[Job, list[Row]] = {}
        for job, rows in _measured(jobs, arguments.jobs):
            found[job] = rows
            bar.update(task, advance=1)
        example = example_of(
            k=arguments.latent_units,
            activation=_EXAMPLE_ACTIVATION,
            preset=arguments.preset,
            training_rows=arguments.training_rows,
        )
        bar.update(task, advance=1)
    rows = [row for job in jobs for row in found[job]]
    _write(arguments.out, rows)
    _print(rows, example)


def _measured(jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, list[Row]]]:
    """Run the jobs in parallel, each in one thread; yield each as soon as it is done."""
    if processes == 1:
        yield from ((job, measured(job)) for job in jobs)
        return
    os.environ |= dict.fromkeys(THREADS, "1")  # for child processes
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(measured, job): job for job in jobs}
        try:
            yield from ((waiting[done], done.result()) for done in as_completed(waiting))
        finally:
            pool.shutdown(cancel_futures=True)


def _write(folder: Path, rows: Sequence[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*KEY, *FIGURES), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _print(rows: Sequence[Row], example: Example) -> None:
    for title, text in (
        ("Means over the sets", overview(rows)),
        *((f"Activations against {name}", duels(rows, against=name)) for name in ("columns", "PCA")),
        *((f"{probe.says.capitalize()}: average precision, %", by_set(rows, probe.name)) for probe in PROBES[:2]),
        ("Zeros of relu", sparsity(rows)),
        (f"What drives a unit: {_EXAMPLE_ACTIVATION} on the embedded data set", example_table(example)),
    ):
        print(f"## {title}\n\n{text}")
    for peer in PEERS:
        if not peer.at_hand:
            print(f"Left out, because it is not installed: {peer.says}.")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m benchmarks.embedding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with the sets")
    parser.add_argument(
        "--sets", nargs="+", default=[], metavar="A,B", help=f"names of sets (default: {', '.join(SETS)})"
    )
    parser.add_argument("--rows", type=_at_least_one, default=2000, help="of a set at most (default: %(default)s)")
    parser.add_argument(
        "--latent-units",
        type=_at_least_one,
        default=8,
        metavar="K",
        help="features that are made (default: %(default)s)",
    )
    parser.add_argument(
        "--preset", choices=list(PRESETS), default="fast", help="of the detectors (default: %(default)s)"
    )
    parser.add_argument(
        "--training-rows",
        choices=list(TRAINING_ROWS),
        default="clean",
        help="what these are told of the rows; clean fits the network on all of them (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("embedding"), metavar="DIR", help=f"folder for {FILE} (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=_at_least_one, default=1, help="how many run at once (default: %(default)s)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
