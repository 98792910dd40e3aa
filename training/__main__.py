"""`python -m training`: lists all commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from models.errors import did_you_mean
from models.programs.cli import MODULES, OneLineParser, commands_page


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = OneLineParser(
        prog="python -m training",
        usage="python -m COMMAND …",
        epilog=commands_page(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    if not (words := parser.parse_args(argv).words):
        parser.print_help()
        return 0
    near = did_you_mean(words[0], MODULES, spell=lambda name: f"python -m {MODULES[name][0]}")
    return parser.error(f"{words[0]!r} is no command.{near}")


if __name__ == "__main__":
    sys.exit(main())
