"""`python -m service`: serves one detector over HTTP until SIGTERM, then finishes the requests in flight."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence

from models.errors import ConfigError
from models.programs.cli import OneLineParser, commands_page, run_command
from service.serving import serve
from service.settings import Settings, flag_of, load_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = vars(_parser().parse_args(argv))
    debug = arguments.pop("debug")

    def run() -> None:
        settings = load_settings(**arguments)
        _require_free_port(settings)
        serve(settings)

    return run_command(run, debug=debug)


def _require_free_port(settings: Settings) -> None:
    """Check the addresses, so that the error is one line where the server would print seven.

    Raises:
        ConfigError: An address cannot be listened on.
    """
    for name, port in (("port", settings.port), ("grpc_port", settings.grpc_port)):
        if port is None:
            continue
        try:
            family, *_, address = socket.getaddrinfo(settings.host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            raise ConfigError(
                f"{settings.host}:{port} cannot be listened on ({error.strerror}): choose another --host or "
                f"{flag_of(name)}."
            ) from error


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service",
        description="Serve a detector over HTTP. Each flag is also a variable: DETECTOR_ and its name in capitals.",
        epilog=commands_page(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, field in Settings.model_fields.items():
        flag = flag_of(name)
        help_text = f"{field.description} (default: {field.default})"
        if field.annotation is bool:
            parser.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        else:
            parser.add_argument(flag, dest=name, help=help_text)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
