"""`python -m training.describe BUNDLE`: how each column enters a detector, and what its typical values are."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from models.programs.cli import OneLineParser, run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)

    def work() -> None:
        from models.bundle.__main__ import describe  # a page of help waits for nothing that loads a bundle

        describe(arguments)

    return run_command(work, debug=arguments.debug)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.describe",
        description="Say how each column enters a detector, and what its typical values in the fitting rows were.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
