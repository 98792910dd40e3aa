"""The endpoints: parse, delegate, answer."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from models.detector import Detector
from service.api.query import READING, Query, parse_query
from service.api.schemas import detector_answer
from service.formats.answers import answer_headers, encode_answer
from service.formats.rows import rows_of
from service.gate import SMALL_BYTES, Gate
from service.registry import Registry
from service.settings import Settings
from service.streaming.answer import ScoringStream, answer_stream
from service.streaming.bodies import STREAMED, Opening, stream_of
from service.web.body import Body, Head, head_of, read_body
from service.web.content_encoding import PACKERS, packing_for
from service.web.negotiation import MEDIA, content_types, negotiate
from service.web.problems import RequestError

SCORING_PATHS: Final = {
    "/score": ("explain", *READING),
    "/embed": READING,
    "/reconstruct": READING,
    "/score/stream": ("explain", *READING),
}
"""Endpoints that take records, with their query parameters."""

router = APIRouter()


@router.post("/score", summary="Score records")
async def score(request: Request) -> Response:
    """Score a record, a list of records, or columns and rows; say which are anomalies and, on request, why."""
    return await _answer("score", request)


@router.post("/score/stream", summary="Score a stream")
async def score_stream(request: Request) -> Response:
    """Score a body of any length while it comes: what is scored is answered before the rest is there."""
    settings, active = _settings(request), _active(request)
    query = parse_query(request.query_params, allowed=SCORING_PATHS["/score/stream"])
    medium = _wanted(request, among=STREAMED)
    head = head_of(request, among=STREAMED)
    _require_csv(head, query)
    _require_inflatable(head)
    scoring = ScoringStream(
        body=stream_of(Opening(head=head, schema=active.schema, settings=settings, reading=query.reading)),
        detector=active,
        medium=medium,
        explain=query.explain,
    )
    return await answer_stream(request, scoring, settings, packed=head.packing is not None)


@router.post("/embed", summary="Features of records")
async def embed(request: Request) -> Response:
    """Return the bottleneck's output for each record."""
    return await _answer("embed", request)


@router.post("/reconstruct", summary="Expected values")
async def reconstruct(request: Request) -> Response:
    """Return what the network expected of each column of each record."""
    return await _answer("reconstruct", request)


@router.head("/detector", include_in_schema=False)
@router.get("/detector", summary="The active detector")
async def detector(request: Request) -> Response:
    """Say what the active detector is, what it was trained on, and how well it does."""
    parse_query(request.query_params, allowed=())
    return _json(detector_answer(_active(request), _settings(request)))


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Alive")
async def healthz() -> Response:
    """Say that the process answers."""
    return _json({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Ready")
async def readyz(request: Request) -> Response:
    """Say that records can be scored, and by which detector."""
    active = _active(request)
    return _json({"status": "ready", "detector": active.name, "version": active.version})


# Not by FastAPI's `Depends`: to solve dependencies takes longer than to read a small body.
def _active(request: Request) -> Detector:
    registry: Registry = request.app.state.registry
    return registry.active()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _answer(question: str, request: Request) -> Response:
    """Read, decode and answer; large bodies off the event loop, so that others are answered meanwhile."""
    settings = _settings(request)
    query = parse_query(request.query_params, allowed=SCORING_PATHS[f"/{question}"])
    medium = _wanted(request)
    body = await read_body(request, settings)
    _require_csv(body.head, query)
    active = _active(request)  # one version for the whole request

    def work() -> tuple[bytes, dict[str, str]]:
        rows = rows_of(body, settings, active.schema, reading=query.reading)
        content = encode_answer(question, active, rows, medium=medium, explain=query.explain)
        return content, answer_headers(active, rows.notes, medium=medium)

    gate: Gate = request.app.state.gate
    if _is_quick(body, medium):
        content, headers = work()
    else:
        if refusal := gate.admit_large():
            return refusal
        content, headers = await gate.on_thread(work)
    packing = packing_for(content, medium, ",".join(request.headers.getlist("accept-encoding")))
    if packing is not None:
        content = await gate.on_thread(partial(PACKERS[packing], content))
        headers["Content-Encoding"] = packing
    return Response(content, headers=headers)


def _wanted(request: Request, *, among: Collection[str] = MEDIA.keys()) -> str:
    medium = negotiate(",".join(request.headers.getlist("accept")), among=among)
    if medium is None:
        detail = f"None of the forms in Accept is answered here. Accept one of {', '.join(content_types(among))}."
        raise RequestError(HTTPStatus.NOT_ACCEPTABLE, detail)
    return medium


def _require_csv(head: Head, query: Query) -> None:
    if query.reading and head.medium != "csv":
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The query says how CSV is written, but the body is {MEDIA[head.medium].summary}. Leave that out.",
        )


def _require_inflatable(head: Head) -> None:
    if head.packing not in (None, "gzip"):
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"A stream packed by {head.packing} is not unpacked. Pack it by gzip, or send it as it is.",
            headers={"Accept-Encoding": "gzip"},
        )


def _is_quick(body: Body, medium: str) -> bool:
    plain = body.head.packing is None and not MEDIA[body.head.medium].arrow and not MEDIA[medium].arrow
    return plain and len(body.content) <= SMALL_BYTES


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
