"""`python -m service.admin`: keeps what a service that runs relies on, such as its keys."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from models.programs.cli import OneLineParser, run_command
from service.administration import COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: COMMANDS[arguments.command].run(arguments), debug=arguments.debug)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service.admin",
        description="Keep what a service that runs relies on; it need not be started anew.",
    )
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        verb = verbs.add_parser(name, help=command.summary, description=command.description)
        command.add_flags(verb)
        verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
