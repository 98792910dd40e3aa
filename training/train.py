"""`python -m training.train`: learns a detector from unlabelled records and calibrates it."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from models.programs.cli import OneLineParser, clean_up_at_sigterm, run_command
from models.programs.reading_flags import add_reading_flags
from models.repository import ARTIFACTS
from training.settings.config_file import parse_with_config
from training.settings.flags import add_config_flags

_EXAMPLES = """\
examples:
  python -m training.train                               an embedded real data set
  python -m training.train sensors.csv --id machine      your own records
  python -m training.train flows.csv --label attack --fit-on normal --activation elu
  python -m training.train flows.csv --dry-run           every decision, and nothing is trained
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    clean_up_at_sigterm()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    parser = _parser()
    debug = "--debug" in (sys.argv if argv is None else argv)

    def work() -> None:
        arguments = parse_with_config(parser, argv)
        from training.programs.train import train  # a page of help waits for nothing that reads or fits

        with redirect_stdout(sys.stderr if arguments.json else sys.stdout):  # whatever a library prints
            report = train(arguments)
        if arguments.json:
            print(json.dumps(report, allow_nan=False))

    return run_command(work, debug=debug)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.train",
        description="Learn a detector from unlabelled records, calibrate it and save it as a bundle.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="CSV, Parquet, Arrow, JSON or Excel; none: an embedded real data set"
    )
    parser.add_argument("--config", metavar="FILE", help="a TOML file with any of these flags; the command line wins")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"the bundle (default: {ARTIFACTS}/NAME/VERSION)")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that --output names")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would become of every column and row, and train nothing"
    )
    parser.add_argument("--name", help="what the detector is called (default: the first file's name)")
    parser.add_argument(
        "--test-data",
        nargs="+",
        metavar="FILE",
        help="labelled rows to judge on instead of held-out ones; needs --label",
    )
    parser.add_argument("--schema-out", type=Path, metavar="FILE", help="write what becomes of each column, as TOML")
    parser.add_argument(
        "--schema-in", type=Path, metavar="FILE", help="take what becomes of each column from there, edited or not"
    )
    add_config_flags(parser)
    add_reading_flags(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object; everything else goes to stderr")
    output.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page about the fit, in HTML; it needs nothing else to be read",
    )
    output.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write losses, units and gradients of every epoch for TensorBoard",
    )
    output.add_argument("--quiet", action="store_true", help="no tables and no progress bar")
    output.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
