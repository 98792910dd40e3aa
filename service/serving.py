"""Runs the service: in this process, or in several that share a port."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from models.errors import ConfigError
from models.threads import share_threads
from service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in flight.

    Raises:
        DetectorError: The detector cannot be loaded, or several workers are asked for where there are none.
    """
    several = settings.workers > 1
    if several and sys.platform != "linux":
        raise ConfigError(f"--workers {settings.workers}: needs Linux. Start several services, each on its own --port.")
    share_threads(settings.workers)
    with _kept_for_good():
        import uvicorn  # a page of help waits for nothing that serves

        from service.workers import serve_by_workers

        app, http = _load(settings)
        config = uvicorn.Config(app, http=http, **_options(settings))
        config.load()  # once for all workers
    if several:
        serve_by_workers(config, settings)
        return
    with suppress(KeyboardInterrupt):  # Ctrl-C has ended it in order
        uvicorn.Server(config).run()


def _load(settings: Settings) -> tuple[FastAPI, type[HttpToolsProtocol]]:
    """Load the detector; return the service for it, and what speaks with its clients."""
    from service.app import create_app, open_registry
    from service.fast_path.answering import SmallRequests
    from service.fast_path.protocol import connections_of

    registry = open_registry(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    active = registry.active()
    log.info(
        "serving %s version %s: %d columns, threshold %g",
        active.name,
        active.version,
        len(active.schema.columns),
        active.calibration.threshold,
    )
    app = create_app(registry, settings)
    return app, connections_of(SmallRequests(registry, settings, app, app.state.gate), patience=settings.body_seconds)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "access_log": settings.access_log,
        "proxy_headers": settings.access_log,  # who asked is of interest to the log alone
        "timeout_graceful_shutdown": settings.drain_seconds,
        "log_config": None,
        "lifespan": "off",  # there is nothing to start or to end with it but lines in the log
        "server_header": False,
    }


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Keep the garbage collector from what is made: all of it stays, and looking through it takes a tenth of a start.

    Nor does it look there while records are scored, which would give each worker a copy of what all of them share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
