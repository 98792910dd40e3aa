"""Plants errors that a person would call odd into tables, and measures which are found, flagged and blamed.

    python -m benchmarks.planted [--data DIR] [--tables A,B…] [--seeds 0,1,2] [--methods A,B…] [--out DIR] [--json]
    python -m benchmarks.planted --tables invoices --seeds 0 --methods ours                   # one fit
    python -m benchmarks.planted --out after --against before      # what a change of the program changes

Three tables are made by rules, with 3,000 rows to fit and 1,000 fresh ones; the real ones are files of --data. In each
part up to twelve errors are planted, one of a kind, by the seed. The same command resumes a run that was stopped: name
another --out to measure anew. The peers need the extra `bench`: pip install '.[train,bench]'.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from benchmarks.planted.against import comparison_of
from benchmarks.planted.experiment import DEFAULT_METHODS, Choice, results_of, write_tables
from benchmarks.planted.kinds import KINDS
from benchmarks.planted.measures import Found, found_of
from benchmarks.planted.page import write_page
from benchmarks.planted.planting import MOST
from benchmarks.planted.tables.table import TABLES
from benchmarks.planted.text import plain_of, tables_of
from benchmarks.quality.arguments import at_least_one, listed, seeds
from benchmarks.quality.methods import Method, chosen_methods, names_of
from benchmarks.quality.ours import is_ours
from benchmarks.quality.run import Outcome, Way, run_and_record
from models.errors import ConfigError, DetectorError

_DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 where a fit gave no figures."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        return _measure(arguments, console, sys.argv[1:] if argv is None else argv)
    except DetectorError as error:
        console.print(f"error: {escape(str(error))}", style="red", soft_wrap=True)
        return 2


def _measure(arguments: argparse.Namespace, console: Console, command: Sequence[str]) -> int:
    methods, refusals = _methods(arguments.methods)
    choice = Choice(
        tables=_tables(arguments.tables, arguments.data),
        methods=methods,
        seeds=seeds(arguments.seeds),
        errors=arguments.errors,
        folder=arguments.data,
    )
    for refusal in refusals:
        console.print(f"left out: {escape(refusal)}", soft_wrap=True)
    if arguments.write_tables is not None:
        for path in write_tables(choice, arguments.write_tables):
            console.print(f"written: {path}", soft_wrap=True)
        return 0
    outcome = _run(choice, arguments, console, command)
    if outcome.interrupted:
        return _INTERRUPTED
    found = _found(choice, arguments.out)
    if arguments.against is not None:
        before = _found(choice, arguments.against)
        console.print(f"against {arguments.against}", soft_wrap=True)
        print(comparison_of(before, found))
    elif found:
        for path in write_page(found, arguments.write_page) if arguments.write_page else ():
            console.print(f"written: {path}", soft_wrap=True)
        print(json.dumps(plain_of(found), indent=2, ensure_ascii=False) if arguments.json else tables_of(found))
    return 1 if outcome.failed else 0


def _run(choice: Choice, arguments: argparse.Namespace, console: Console, command: Sequence[str]) -> Outcome:
    threads = arguments.threads or (1 if arguments.jobs > 1 else None)
    way = Way(jobs=arguments.jobs, threads=threads, timeout=arguments.timeout, again=arguments.again)
    results = results_of(arguments.out)
    return run_and_record(
        "benchmarks.planted", "planted", command, choice.jobs(), results=results, way=way, console=console
    )


def _found(choice: Choice, folder: Path) -> list[Found]:
    """Return the results of the chosen fits in a folder, in the order of the choice."""
    results = results_of(folder)
    if not results.path.exists():
        raise ConfigError(f"{results.path} is not there; measure first: python -m benchmarks.planted --out {folder}.")
    order = {tuple(job.key.values()): i for i, job in enumerate(choice.jobs())}
    rows = [row for row in results.read() if results.job_of(row) in order and not results.failed(row)]
    return found_of(sorted(rows, key=lambda row: order[results.job_of(row)]))


def _tables(text: str | None, folder: Path | None) -> list[str]:
    """Return the chosen tables: by default those that are made, and the real ones where there is a folder.

    Raises:
        ConfigError: There is no such table, or no folder for a real one.
        TableError: Its file is not in the folder.
    """
    names = [name for name, table in TABLES.items() if folder is not None or table.file is None]
    if text is not None:
        names = listed("--tables", text, tuple(TABLES))
    for name in names:
        TABLES[name].check(folder)
    return names


def _methods(texts: Sequence[str]) -> tuple[list[Method], list[str]]:
    """Return the chosen methods, by default those of `DEFAULT_METHODS` that can be run, and why others cannot.

    Raises:
        ConfigError: A named method does not exist, cannot run here, or gives no verdict.
    """
    names = names_of(texts)
    methods, refusals = chosen_methods(names)
    for method in methods:
        if not method.standardised and not is_ours(method.name):
            raise ConfigError(f"--methods: {method.name} gives scores but no verdict; name ours, settings or peers.")
    if names:
        return methods, refusals
    by_name = {method.name: method for method in methods}
    return (
        [by_name[name] for name in DEFAULT_METHODS if name in by_name],
        [refusal for refusal in refusals if refusal.partition(" ")[0] in DEFAULT_METHODS],
    )


def _parser() -> argparse.ArgumentParser:
    tables = "\n".join(f"{table.name:<28} {table.says}" for table in TABLES.values())
    kinds = "\n".join(f"{kind.name:<28} {kind.says}" for kind in KINDS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.planted",
        description=__doc__,
        epilog=f"tables:\n{tables}\n\nkinds of errors:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the real files; without it those are left out"
    )
    parser.add_argument("--tables", metavar="A,B", help="names of tables (default: all that can be had)")
    parser.add_argument("--seeds", default="0", metavar="A,B", help="such as 0,1,2 (default: %(default)s)")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=[],
        metavar="A,B",
        help="names as python -m benchmarks.quality takes them, ours:KEY=VALUE among them; the first is the one whose "
        f"kinds are listed (default: those of {', '.join(DEFAULT_METHODS)} that can be run)",
    )
    parser.add_argument(
        "--errors",
        type=int,
        default=MOST,
        choices=range(1, MOST + 1),
        metavar="N",
        help=f"errors in each part, 1 to {MOST}, each of another kind (default: %(default)s, or all kinds that fit)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("planted"), help="folder of the results (default: %(default)s)"
    )
    parser.add_argument(
        "--against", type=Path, metavar="DIR", help="print what differs from the results of this folder"
    )
    parser.add_argument("--json", action="store_true", help="print all figures, and which rows were planted, as JSON")
    parser.add_argument(
        "--write-tables",
        type=Path,
        metavar="DIR",
        help="write the rows with the errors as CSV files, and measure nothing",
    )
    parser.add_argument(
        "--write-page",
        type=Path,
        nargs="?",
        const=_DOCS,
        metavar="DIR",
        help="write the page about these results, and its figure, to a folder of pages (default: %(const)s)",
    )
    parser.add_argument("--jobs", type=at_least_one, default=1, help="fits at once (default: %(default)s)")
    parser.add_argument(
        "--threads", type=at_least_one, help="threads of each (default: 1 with --jobs above 1, else the libraries' own)"
    )
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for each (default: %(default)g)")
    parser.add_argument("--again", action="store_true", help="run anew those that gave no figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
