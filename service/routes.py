"""The endpoints: parse, delegate, answer."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from models.detector import Contribution, Detector
from service.bodies import Records, decode_records, read_body
from service.problems import PROBLEM_JSON, problem
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

_INLINE_BYTES: Final = 16_384  # smaller bodies are done before a thread would have started

router = APIRouter()

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status.value: {"description": status.phrase, "model": Problem, "content": {PROBLEM_JSON: {}}}
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
}


def get_registry(request: Request) -> Registry:
    """Return the app's registry."""
    registry: Registry = request.app.state.registry
    return registry


def get_settings(request: Request) -> Settings:
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


@router.get("/readyz", summary="Ready", responses={503: {"model": Problem}})
async def readyz(request: Request) -> Response:
    """Say whether records can be scored."""
    if getattr(request.app.state, "registry", None) is None:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "No detector is loaded yet.")
    return _json({"status": "ready"})


def score_answer(detector: Detector, records: Records, *, explain: int = 0) -> dict[str, Any]:
    """Score records in bounded pieces; the answer is plain data."""
    results: list[dict[str, Any]] = []
    for columns in records.pieces(detector.schema):
        verdicts = detector.judge(columns)
        figures = zip(
            verdicts.anomaly_score.tolist(), verdicts.p_value.tolist(), verdicts.is_anomaly.tolist(), strict=True
        )
        for row, (anomaly_score, p_value, is_anomaly) in enumerate(figures):
            result = {"anomaly_score": anomaly_score, "p_value": p_value, "is_anomaly": is_anomaly}
            if explain:
                result["contributions"] = [_plain(c) for c in verdicts.contributions(row, top=explain)]
            results.append(result)
    ids = records.ids(detector.schema)
    if ids is not None:
        results = [result | {"ids": own} for result, own in zip(results, ids, strict=True)]
    return _head(detector) | {"threshold": detector.calibration.threshold, "results": results}


def embed_answer(detector: Detector, records: Records) -> dict[str, Any]:
    """Embed records in bounded pieces."""
    embeddings = [row for columns in records.pieces(detector.schema) for row in detector.embed(columns).tolist()]
    return _head(detector) | {"embeddings": embeddings}


def reconstruct_answer(detector: Detector, records: Records) -> dict[str, Any]:
    """Reconstruct records in bounded pieces."""
    reconstructions = []
    for columns in records.pieces(detector.schema):
        verdicts = detector.judge(columns)
        reconstructions += [verdicts.expected(row) for row in range(len(verdicts))]
    return _head(detector) | {"reconstructions": reconstructions}


async def _answer(
    request: Request, registry: Registry, settings: Settings, answer: Callable[[Detector, Records], dict[str, Any]]
) -> Response:
    """Read, decode and answer; large bodies off the event loop, so that others are answered meanwhile."""
    body = await read_body(request, settings)
    active = registry.active()  # one version for the whole request

    def work() -> bytes:
        return msgspec.json.encode(answer(active, decode_records(body, settings)))

    content = work() if len(body) <= _INLINE_BYTES else await run_in_threadpool(work)
    return Response(content, media_type="application/json")


def _head(detector: Detector) -> dict[str, Any]:
    return {"detector": detector.name, "version": detector.version}


def _plain(contribution: Contribution) -> dict[str, Any]:
    return {
        "feature": contribution.feature,
        "contribution": contribution.contribution,
        "actual": contribution.actual,
        "expected": contribution.expected,
    }


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
