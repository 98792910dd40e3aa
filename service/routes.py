"""The endpoints: parse, delegate, answer."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response

from models.detector import Detector
from service.answers import Answer, embed_answer, reconstruct_answer, score_answer
from service.bodies import Records, decode_records, read_body
from service.registry import Registry
from service.schemas import (
    DetectorResponse,
    EmbedResponse,
    Problem,
    ReconstructResponse,
    ScoreResponse,
    detector_answer,
)
from service.settings import Settings

SCORING_PATHS: Final = ("/score", "/embed", "/reconstruct")
"""Endpoints that take records."""

_INLINE_BYTES: Final = 16_384  # smaller bodies are done before others would notice

router = APIRouter()

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status.value: {"description": status.phrase, "model": Problem}
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
}


async def get_registry(request: Request) -> Registry:
    """Return the app's registry; a coroutine, because a function would cost a thread."""
    registry: Registry = request.app.state.registry
    return registry


async def get_settings(request: Request) -> Settings:
    """Return the app's settings."""
    settings: Settings = request.app.state.settings
    return settings


RegistryDep = Annotated[Registry, Depends(get_registry)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
Explain = Annotated[int, Query(ge=0, le=10_000, description="How many of the columns that add most are named.")]


@router.post("/score", responses={200: {"model": ScoreResponse}, **_PROBLEMS}, summary="Score records")
async def score(request: Request, registry: RegistryDep, settings: SettingsDep, explain: Explain = 0) -> Response:
    """Score a record, a list of records, or columns and rows; say which are anomalies and, on request, why."""
    return await _answer(request, registry, settings, lambda d, records: score_answer(d, records, explain=explain))


@router.post("/embed", responses={200: {"model": EmbedResponse}, **_PROBLEMS}, summary="Features of records")
async def embed(request: Request, registry: RegistryDep, settings: SettingsDep) -> Response:
    """Return the bottleneck's output for each record."""
    return await _answer(request, registry, settings, embed_answer)


@router.post("/reconstruct", responses={200: {"model": ReconstructResponse}, **_PROBLEMS}, summary="Expected values")
async def reconstruct(request: Request, registry: RegistryDep, settings: SettingsDep) -> Response:
    """Return what the network expected of each column of each record."""
    return await _answer(request, registry, settings, reconstruct_answer)


@router.get("/detector", responses={200: {"model": DetectorResponse}}, summary="The active detector")
async def detector(registry: RegistryDep) -> Response:
    """Say what the active detector is, what it was trained on, and how well it does."""
    return _json(detector_answer(registry.active()))


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", summary="Ready")
async def readyz(registry: RegistryDep) -> dict[str, str]:
    """Say that records can be scored, and by which detector."""
    active = registry.active()
    return {"status": "ready", "detector": active.name, "version": active.version}


async def _answer(
    request: Request, registry: Registry, settings: Settings, answer: Callable[[Detector, Records], Answer]
) -> Response:
    """Read, decode and answer; large bodies off the event loop, so that others are answered meanwhile."""
    body = await read_body(request, settings)
    active = registry.active()  # one version for the whole request

    def work() -> bytes:
        return answer(active, decode_records(body, settings)).encode()

    if len(body) <= _INLINE_BYTES:
        content = work()
    else:  # as many at once as there are CPUs: more would only hold more memory
        content = await run_sync(work, limiter=request.app.state.limiter)
    return Response(content, media_type="application/json")


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
