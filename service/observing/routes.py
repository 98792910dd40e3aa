"""The endpoint `/metrics`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from service.observing.exposition import metrics_text

if TYPE_CHECKING:
    from service.observing.observer import Observer
    from service.registry import Registry

router: Final = APIRouter()


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Return what all workers have counted, as Prometheus reads it."""
    observer: Observer = request.app.state.observer
    registry: Registry = request.app.state.registry
    observer.fold()
    accept = request.headers.get("accept", "")
    write = partial(
        metrics_text,
        observer.totals(),
        [loaded.detector for loaded in registry.table.loaded.values()],
        observer.pids(),
        accept,
    )
    text, content_type = await run_in_threadpool(write)
    return Response(text, headers={"Content-Type": content_type})
