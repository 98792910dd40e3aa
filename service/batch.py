"""`python -m service.batch`: scores files of any size, each row once and in order, in bounded memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.programs.cli import OneLineParser, clean_up_at_sigterm, run_command
from models.programs.reading_flags import add_reading_flags
from models.tables.formats import OUTPUT_FORMATS, SUFFIXES

_EXAMPLES = """\
examples:
  python -m service.batch models/artifacts/flows new.csv --output scores.csv
  python -m service.batch models/artifacts/flows 'day/*.parquet' --output scores.parquet --explain 3
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    clean_up_at_sigterm()

    def work() -> None:
        from service.files.score_files import score  # a page of help waits for nothing that scores

        score(arguments)

    return run_command(work, debug=arguments.debug)


def _columns_to_explain(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service.batch",
        description="Score files of any size: each row once and in order, with its ids, score, p-value and verdict.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("detector", metavar="DETECTOR", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="files or patterns: CSV, Parquet, Arrow or JSON lines, also as .gz"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="OUT",
        help=f"where the scores go ({', '.join(SUFFIXES)}; text also as .gz);\n"
        "a file that is there is replaced when all is done",
    )
    parser.add_argument("--format", choices=list(OUTPUT_FORMATS), help="format of OUT (default: by its name)")
    parser.add_argument(
        "--explain",
        type=_columns_to_explain,
        default=0,
        metavar="K",
        help="name the K columns that add most to each score, with actual and expected values",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    add_reading_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
