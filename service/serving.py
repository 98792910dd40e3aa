"""Runs the service: in one process, or in several that share a port."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from models.errors import ConfigError
from service.access.exposure import log_exposure, require_protection
from service.budget import BUDGET
from service.hangup import look_at_hangup
from service.observing.logs import configure_logging
from service.settings import Settings, spelt

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

log = logging.getLogger(__name__)

_YOUNG_OBJECTS: Final = 2_000
"""New objects after which the garbage collector looks at them; with Python's 700 it does so twice in a full tick."""


def serve(settings: Settings) -> None:
    """Serve detectors until SIGTERM, then finish the requests in flight.

    Raises:
        DetectorError: The detector or the keys cannot be loaded, other machines would reach the service without keys,
            or several workers are asked for where there are none.
    """
    require_protection(settings)
    with _frozen():
        from service.app import create_app, open_registry
        from service.registry.table import listed

        registry = open_registry(settings)
        configure_logging(settings.log_format)
        table = registry.table
        if (active := table.default_detector) is not None:
            log.info(
                "serving %s version %s: %d columns, threshold %g",
                active.name,
                active.version,
                len(active.schema.columns),
                active.calibration.threshold,
            )
        if len(table.entries) > 1:
            log.info(
                "serving %d detectors, each loaded when it is asked for: %s", len(table.entries), listed(table.entries)
            )
        app = create_app(registry, settings)
    serve_app(app, settings)


def serve_app(app: FastAPI, settings: Settings) -> None:
    """Serve an application of `service.app.create_app`, perhaps with middleware of the user's own, as `serve` does.

    Raises:
        ConfigError: Several workers are asked for where there are none, or other machines would reach the service
            without keys.
    """
    require_protection(settings)
    if settings.workers > 1 and sys.platform != "linux":
        raise ConfigError(f"--workers {settings.workers}: needs Linux. Start several services, each on its own --port.")
    _require_grpc(settings)
    with _frozen():
        import uvicorn  # --help needs nothing that serves

        from service.fast_path.accepting import FairServer
        from service.fast_path.protocol import carriers

        served, protocol = carriers(app, settings)
        config = uvicorn.Config(
            served,
            http=protocol,  # type: ignore[arg-type]  # a factory does, too
            host=settings.host,
            port=settings.port,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            access_log=False,  # the middleware writes it
            proxy_headers=settings.access_log and bool(settings.trusted_proxies),  # of interest to the log alone
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=settings.drain_seconds,
            log_config=None,
            lifespan="on",  # follows the folder of detectors
            server_header=False,
        )
        _load(config, settings)  # once for all workers
    log_exposure(settings)
    look_at_hangup(app.state.follower.wake)
    sys.setswitchinterval(BUDGET.switch_seconds)
    if settings.workers > 1:
        from service.workers import serve_by_workers  # Linux only

        observer = app.state.observer
        serve_by_workers(config, settings, begin=observer.begin if observer else lambda worker: None)
        return
    with suppress(KeyboardInterrupt):  # Ctrl-C has ended it in order
        FairServer(config).run()


def _require_grpc(settings: Settings) -> None:
    """Check that gRPC can be answered, where that is asked for.

    Raises:
        ConfigError: Its packages are not installed, or several workers have no port of one number.
    """
    if settings.grpc_port is None:
        return
    if find_spec("grpc") is None or find_spec("google.protobuf") is None:
        raise ConfigError(f'{spelt("grpc_port")} needs gRPC. Install it: pip install "relu-anomaly-detector[grpc]"')
    if settings.grpc_port == 0 and settings.workers > 1:
        raise ConfigError(f"{settings.workers} workers share one port: name it in {spelt('grpc_port')}.")


def _load(config: uvicorn.Config, settings: Settings) -> None:
    """Load what the server needs.

    Raises:
        ConfigError: The certificate or its key cannot be used.
    """
    if settings.tls_key is not None and settings.tls_certificate is None:
        raise ConfigError(f"{spelt('tls_key')} is the key of a certificate: name that by {spelt('tls_certificate')}.")
    try:
        config.load()
    except OSError as error:  # also those of TLS
        named = f"{spelt('tls_certificate')} {settings.tls_certificate}, {spelt('tls_key')} {settings.tls_key or '–'}"
        reason = getattr(error, "reason", None) or error.strerror
        raise ConfigError(f"{named}: cannot be used ({reason}). Both are PEM files, without a password.") from error


@contextmanager
def _frozen() -> Iterator[None]:
    """Freeze the objects that are made here: the garbage collector never looks at them again.

    They live as long as the process. Looking at them takes a tenth of the start, and would give each worker its own
    copy of the memory that all of them share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        gc.enable()
