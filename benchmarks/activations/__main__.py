"""Tests claims about activations over a folder of labelled sets, and reports which hold.

    python -m benchmarks.activations --data DIR [--out DIR] [--some A,B…] [--seeds 3] [--jobs N]

A set is an npz file with X (rows × columns) and y (1 = anomaly). Networks are fitted on normal rows, by the product's
own trial, as `python -m training.compare DATA --label y --fit-on normal` does. The same command resumes a run that was
stopped. Prints Markdown, and writes it to claims.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.activations.claims import page_of
from benchmarks.activations.figures import frame_of
from benchmarks.activations.plan import Case, cases
from benchmarks.activations.run import lines_of
from benchmarks.quality.splits import sets_by_name
from models.errors import DetectorError
from models.threads import allowed_threads

SOME: Final = ("45_wine", "6_cardio", "47_yeast", "30_satellite", "20_letter", "2_annthyroid")
_FILE: Final = "cases.jsonl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        sets = sets_by_name(arguments.data)
        some = list(sets_by_name(arguments.data, arguments.some.split(",")))
    except DetectorError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / _FILE
    wanted = cases(list(sets), some, range(arguments.seeds))
    done = read(file)
    missing = [case for case in wanted if case not in done]
    with _bar(console) as bar:
        task = bar.add_task("fitting", total=len(wanted), completed=len(wanted) - len(missing))
        for line in lines_of(missing, sets, jobs=arguments.jobs):
            with file.open("a", encoding="utf-8") as kept:
                kept.write(line + "\n")
            bar.advance(task)
    found = read(file)
    page = page_of(frame_of({case: found[case] for case in wanted if case in found}))
    (arguments.out / "claims.md").write_text(page, encoding="utf-8")
    print(page)
    return 0


def read(file: Path) -> dict[Case, dict[str, Any]]:
    """Return the figures of each finished case; a line that was cut off is left out."""
    if not file.exists():
        return {}
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            plain = json.loads(line)
        except ValueError:
            continue
        found[Case(**plain["case"])] = plain["figures"]
    return found


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("fitting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("networks"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of npz sets")
    parser.add_argument("--out", type=Path, default=Path("activations"), metavar="DIR", help="where results are kept")
    parser.add_argument(
        "--some", default=",".join(SOME), metavar="A,B…", help="sets for depth, learning rate and noise (default: six)"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="networks of each (default: 3)")
    parser.add_argument("--jobs", type=int, default=allowed_threads(), metavar="N", help="at once (default: one a CPU)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
