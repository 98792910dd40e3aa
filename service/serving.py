"""Runs the service: in this process, or in several that share a port."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from models.cli import run_command
from models.threads import share_threads
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from service.app import Service

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in flight.

    Raises:
        DetectorError: The detector cannot be loaded.
    """
    if settings.workers > 1:
        _serve_by_workers(settings)
        return
    with _kept_for_good():
        import uvicorn  # a page of help waits for nothing that serves

        app = _load(settings)
    uvicorn.run(app, **_options(settings))


def _serve_by_workers(settings: Settings) -> None:
    """Let Uvicorn start the workers, start a new one where one has died, and end them together.

    The detector is tried out in a process of its own before: this one stays small, and no worker is started in vain.
    """
    trial = get_context("spawn").Process(target=_try_out, args=(settings,))
    trial.start()
    trial.join()
    if trial.exitcode:
        raise SystemExit(trial.exitcode)
    import uvicorn

    _start_logging()
    os.environ |= settings.as_variables()  # workers start anew, and read what this process was told
    uvicorn.run(f"{__name__}:worker", factory=True, workers=settings.workers, **_options(settings))


def _try_out(settings: Settings) -> None:
    sys.exit(run_command(lambda: _load(settings), debug=False))


def worker() -> Service:
    """Return the application of one of several workers."""
    settings = load_settings()
    share_threads(settings.workers)
    with _kept_for_good():
        return _load(settings)


def _load(settings: Settings) -> Service:
    from service.app import create_app, open_registry

    _start_logging()
    registry = open_registry(settings)
    active = registry.active()
    log.info(
        "serving %s version %s: %d columns, threshold %g",
        active.name,
        active.version,
        len(active.schema.columns),
        active.calibration.threshold,
    )
    return create_app(registry, settings)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "access_log": settings.access_log,
        "proxy_headers": settings.access_log,  # who asked is of interest to the log alone
        "timeout_graceful_shutdown": settings.drain_seconds,
        "log_config": None,
        "server_header": False,
    }


def _start_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


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
