"""`python -m service`: serves one detector over HTTP until SIGTERM, then finishes what is in flight."""

from __future__ import annotations

import argparse
import gc
import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from models.cli import OneLineParser, run_command
from models.errors import ConfigError
from service.settings import Settings, load_settings

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = vars(_parser().parse_args(argv))
    debug, workers = arguments.pop("debug"), arguments.pop("workers")

    def run() -> None:
        _require_one_worker(workers)
        serve(**arguments)

    return run_command(run, debug=debug)


def serve(**given: Any) -> None:
    """Serve with the settings that are given, and ``DETECTOR_…`` variables for the others.

    Raises:
        DetectorError: A setting is outside its limits, or the detector cannot be loaded.
    """
    settings = load_settings(**given)
    with _kept_for_good():
        import uvicorn  # a page of help waits for nothing that serves

        from service.app import create_app, open_registry

        registry = open_registry(settings)
        _require_free_port(settings)
        app = create_app(registry, settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    active = registry.active()
    log.info(
        "serving %s version %s: %d columns, threshold %g",
        active.name,
        active.version,
        len(active.schema.columns),
        active.calibration.threshold,
    )
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=settings.access_log,
        timeout_graceful_shutdown=settings.drain_seconds,
        log_config=None,
        server_header=False,
    )


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Keep the garbage collector from what is made: all of it stays, and looking through it takes a tenth of a start.

    Nor does it look there while records are scored.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _require_one_worker(workers: int) -> None:
    """Refuse what other servers offer: each worker would hold a copy of everything, and count for itself.

    Raises:
        ConfigError: Another number than one is asked for.
    """
    if workers != 1:
        raise ConfigError(
            f"--workers {workers}: the service is one process, which scores on all CPUs that it may use. Send more "
            "records a request, or start more services, each with its own --port, behind a balancer."
        )


def _require_free_port(settings: Settings) -> None:
    """Find out in one line what the server would say in seven.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): choose another "
            "--host or --port."
        ) from error


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
    parser.add_argument("--workers", type=int, default=1, help="only 1: one process scores on all CPUs")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
