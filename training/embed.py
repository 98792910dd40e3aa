"""`python -m training.embed`: the bottleneck of each record, as a table of features for other programs."""

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
  python -m training.train flows.csv --latent-units 8
  python -m training.embed models/artifacts/flows new.csv --output features.parquet
  python -m training.embed models/artifacts/flows 'day/*.parquet' --output features.csv --reconstruction
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    clean_up_at_sigterm()

    def work() -> None:
        from training.programs.embedding import embed  # a page of help waits for nothing that embeds

        embed(arguments)

    return run_command(work, debug=arguments.debug)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.embed",
        description="Write the bottleneck of each record: its ids, then one number for each unit, as features for "
        "other programs.\nBy default a detector's bottleneck is as wide as its hidden layer, 256 units; "
        "training.train --latent-units K makes one of K.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("detector", metavar="DETECTOR", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument(
        "data", nargs="+", metavar="DATA", help="files or patterns: CSV, Parquet, Arrow or JSON lines, also as .gz"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FILE",
        help=f"where the embeddings go ({', '.join(SUFFIXES)}; text also as .gz);\nit appears when all is done",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")
    parser.add_argument("--format", choices=list(OUTPUT_FORMATS), help="format of FILE (default: by its name)")
    parser.add_argument(
        "--reconstruction",
        action="store_true",
        help="add the value that the network expected of each column, in its own units: expected_COLUMN",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object; everything else goes to stderr")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    add_reading_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
