"""Builds the application; nothing is built at import."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from models.bundle import TrustedKeys
from models.errors import BundleError, DetectorError
from models.languages import language_named
from models.printable import one_line
from models.programs.cli import program_version
from models.threads import share_threads
from service.access.access import Access
from service.api import aliases, detectors, routes, state
from service.api.openapi import openapi_document
from service.budget import BUDGET
from service.fast_path.answering import EntryMiddleware, SmallScores
from service.fast_path.micro_batching import Batcher
from service.gate import Gate, SheddingMiddleware
from service.inference import routes as inference
from service.observing import page
from service.observing.middleware import ObservingMiddleware
from service.observing.observer import Observer
from service.observing.request_log import RequestLog
from service.observing.routes import router as metrics_router
from service.observing.tracing import Tracing
from service.registry import Registry
from service.registry.following import Follower
from service.registry.remote import Remote
from service.settings import Settings, flag_of, load_settings, variable_of
from service.shadow import Shadows
from service.web.content import HeldBytes, Turns
from service.web.origins import OriginsMiddleware
from service.web.pages import new_app, secure_pages
from service.web.problems import install_problem_handlers

__all__ = ["create_app", "open_registry"]


def create_app(registry: Registry, settings: Settings) -> FastAPI:
    """Return the application that serves the detectors of a registry."""
    follower = Follower(registry, watch=settings.watch)
    app = new_app(
        docs=settings.docs,
        title="Anomaly detector",
        description="Scores records: how unusual, whether that is an anomaly, which columns are to blame.",
        version=program_version(),
        lifespan=_running,
        redirect_slashes=False,  # a redirect would go wherever the Host header says
    )
    app.state.registry = registry
    app.state.follower = follower
    app.state.settings = settings
    app.state.batcher = batcher = Batcher()
    app.state.observer = observer = Observer(settings.workers) if settings.metrics else None
    app.state.gate = gate = Gate(settings, observer, Access.of(settings))
    app.state.shadows = shadows = Shadows(registry, share=settings.shadow_share)
    if observer is not None:
        registry.watch(observer.watched)
        registry.count, shadows.count = observer.swapped, observer.compared
        observer.gauges = {
            "detector_rows_waiting": lambda: batcher.waiting,
            "detector_requests_waiting": lambda: gate.waiting,
            "detector_streams_open": lambda: gate.streams,
        }
    app.state.request_log = request_log = RequestLog(every=settings.access_log)
    registry.watch(shadows.watched)  # after the observer's, which it calls
    held_too_much = partial(gate.refused, "memory", None)
    app.state.turns = Turns()
    app.state.held_bodies = HeldBytes(BUDGET.held_bodies * settings.max_body_bytes, held_too_much)
    app.state.held_answers = HeldBytes(BUDGET.held_answers * BUDGET.answer_bytes, held_too_much)
    app.state.small_scores = small = SmallScores(registry, settings, batcher, gate)
    app.add_middleware(SheddingMiddleware, gate=gate)
    app.add_middleware(EntryMiddleware, gate=gate, small=small, settings=settings)
    if settings.cors_origins is not None:
        app.add_middleware(OriginsMiddleware, origins=settings.origins())
    app.state.tracing = tracing = None if settings.otlp_endpoint is None else Tracing(settings.otlp_endpoint)
    app.add_middleware(ObservingMiddleware, observer=observer, log=request_log, tracing=tracing)
    for part in (routes.router, state.router, detectors.router, aliases.router, inference.router, page.router):
        app.include_router(part)
    if observer is not None:
        app.include_router(metrics_router)
    secure_pages(app)
    install_problem_handlers(app)
    app.openapi = lambda: openapi_document(app, registry.table.default_detector, with_keys=settings.knows_callers())  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    """Follow the folder of detectors, and answer gRPC where the settings say so, as long as the server runs."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as running:
        if app.state.tracing is not None:
            await running.enter_async_context(app.state.tracing.sending())
        await running.enter_async_context(app.state.follower.following(app))
        if settings.grpc_port is not None:
            from service.inference.grpc_server import GrpcServer  # an extra

            await running.enter_async_context(GrpcServer(app, settings).serving())
        yield


def open_registry(settings: Settings) -> Registry:
    """Return the detectors that the settings name; the default one is loaded.

    Raises:
        BundleError: None is named or can be fetched, or the default one is broken, or not signed by a key that is
            trusted.
        UnknownDetectorError: There is no detector with the name of the default.
        ConfigError: The file of trusted keys is none.
    """
    if settings.path is None:
        raise BundleError(f"No detector is named: say {flag_of('path')} BUNDLE, or set {variable_of('path')}.")
    share_threads(settings.workers)  # before a detector asks for its threads
    remote = Remote.of(settings.path, settings.cache.expanduser())
    if remote is not None:
        remote.refresh()
    return Registry.open(
        Path(settings.path) if remote is None else remote.folder,
        remote=remote,
        default=settings.default,
        language=language_named(settings.lang),
        trusted=None if settings.trusted_keys is None else TrustedKeys.from_file(settings.trusted_keys),
        most=settings.max_detectors,
    )


def __getattr__(name: str) -> FastAPI:
    """Build `app` when a server asks for it, as ``uvicorn service.app:app`` does."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        settings = load_settings()
        return create_app(open_registry(settings), settings)
    except DetectorError as error:
        sys.stderr.write(f"error: {one_line(str(error))}\n")
        raise SystemExit(2) from error
