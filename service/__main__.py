"""`python -m service`: serves one detector over HTTP until SIGTERM, then finishes what is in flight."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn

from models.cli import OneLineParser, run_command
from service.app import create_app, load_settings, open_registry
from service.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = vars(_parser().parse_args(argv))
    debug = arguments.pop("debug")
    return run_command(lambda: serve(**arguments), debug=debug)


def serve(**given: Any) -> None:
    """Serve with the settings that are given, and ``DETECTOR_…`` variables for the others.

    Raises:
        DetectorError: A setting is outside its limits, or the detector cannot be loaded.
    """
    settings = load_settings(**given)
    app = create_app(open_registry(settings), settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=settings.access_log,
        timeout_graceful_shutdown=settings.drain_seconds,
        log_config=None,
        server_header=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service",
        description="Serve a detector over HTTP. Each flag is also a variable: DETECTOR_ and its name in capitals.",
    )
    for name, field in Settings.model_fields.items():
        flag = "--detector" if name == "path" else f"--{name.replace('_', '-')}"
        help_text = f"{field.description} (default: {field.default})"
        if field.annotation is bool:
            parser.add_argument(flag, dest=name, action="store_const", const=True, help=help_text)
        else:
            parser.add_argument(flag, dest=name, help=help_text)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
