"""Measures scoring of files beside plain Arrow, as ratios, all in one run.

    python -m benchmarks.batch [--rows 1000000] [--rounds 5] [--presets fast,balanced]
                               [--memory 1000000,10000000] [--json]

Plain Arrow reads the same file and writes the same columns, once with the whole file in memory and once in chunks. Each
run is a process of its own on all CPUs, one at a time; its clock starts when all is imported and the detector is
loaded. The order rotates from round to round; ratios are of the same round. Prints the median and, in brackets, the
lowest and highest of the rounds. Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.batch.files import SHAPES, train_detectors, write_csv, write_parquet
from benchmarks.batch.table import Measured, Run, figures_by_name, page_of
from models.errors import DetectorError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    presets = arguments.presets.split(",")
    memory = [int(rows) for rows in arguments.memory.split(",") if rows]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as made, Progress(console=console, transient=True) as bar:
        folder = Path(made)
        try:
            bundles = train_detectors(folder, presets)
        except DetectorError as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return 2
        runs = measure(folder, bundles, rows=arguments.rows, rounds=arguments.rounds, bar=bar)
        peaks = measure_memory(folder, bundles[presets[0]], memory, bar=bar)
    found = Measured(rows=arguments.rows, runs=runs, memory=peaks)
    print(json.dumps(figures_by_name(found)) if arguments.json else page_of(found))
    return 0


def measure(
    folder: Path, bundles: Mapping[str, Path], *, rows: int, rounds: int, bar: Progress
) -> dict[str, tuple[Run, ...]]:
    """Run ours and Arrow alone in turn; return the runs by name.

    Args:
        folder: Folder for the files.
        bundles: The detectors, by preset.
        rows: Rows of the files.
        rounds: Number of rounds.
        bar: The progress bar.
    """
    sources = {"parquet": write_parquet(folder / "in.parquet", rows), "csv": write_csv(folder / "in.csv", rows)}
    scores = folder / "scores.parquet"
    run("ours", sources["parquet"], scores, next(iter(bundles.values())))  # what Arrow writes
    jobs = {
        f"{form}_{preset}": ("ours", source, bundle)
        for form, source in sources.items()
        for preset, bundle in bundles.items()
    }
    for form, source in sources.items():
        jobs |= {f"{form}_arrow{how}": (f"arrow_{form}{how}", source, scores) for how in ("", "_pieces")}
    names = list(jobs)
    found: dict[str, list[Run]] = defaultdict(list)
    task = bar.add_task("speed", total=rounds * len(names))
    for turn in range(rounds):
        for i in range(len(names)):
            name = names[(i + turn) % len(names)]
            contender, source, with_ = jobs[name]
            found[name].append(run(contender, source, folder / f"out{source.suffix}", with_))
            bar.advance(task)
    return {name: tuple(found[name]) for name in names}


def measure_memory(folder: Path, bundle: Path, rows: Sequence[int], *, bar: Progress) -> dict[int, Run]:
    """Score Parquet files of these numbers of rows, one after the other."""
    found = {}
    task = bar.add_task("memory", total=len(rows))
    for many in rows:
        source = write_parquet(folder / "memory.parquet", many)
        found[many] = run("ours", source, folder / "out.parquet", bundle)
        source.unlink()
        bar.advance(task)
    return found


def run(contender: str, source: Path, output: Path, with_: Path) -> Run:
    """Run one in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.batch.contenders", contender, *map(str, (source, output, with_))]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Run(**json.loads(said))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the files (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--presets", default=",".join(SHAPES), help=f"which detectors (default: {','.join(SHAPES)})")
    parser.add_argument(
        "--memory",
        metavar="ROWS,…",
        default="1000000,3000000,10000000",
        help="numbers of rows at which memory is measured, or empty (default: 1000000,3000000,10000000)",
    )
    parser.add_argument("--folder", type=Path, help="where the files are made and removed (default: the system's)")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
