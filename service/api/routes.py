"""The endpoints: the operations on records, a stream of scores, and what describes the service."""

# No annotations as text: FastAPI reads those of endpoints that are made in a function.
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from models.errors import DataError
from service.api.dependencies import ActiveDetector, Exchanged, ServiceSettings, StreamExchanged
from service.api.openapi import documented, documented_stream, problems
from service.api.parameters import NoQuery, StreamQuery
from service.api.schemas import DetectorResponse, Health, Readiness, detector_answer
from service.fast_path.micro_batching import Batcher
from service.formats.answers import AnswerSpec, answer_body, answer_headers
from service.formats.formats import FORMATS, STREAMED
from service.formats.json import JsonFrame, encode_items, read_json
from service.formats.rows import BodySpec, all_problems
from service.gate import SMALL_BYTES, Gate
from service.operations import OPERATIONS, Operation
from service.streaming.answer import ScoringStream, answer_stream
from service.web.body import read_body
from service.web.content_encoding import ENCODERS, coding_for, decoded

router: Final = APIRouter()


def _endpoint(operation: Operation) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint of an operation."""

    async def endpoint(
        query: Annotated[operation.query, Query()],  # type: ignore[name-defined]  # FastAPI reads it
        exchange: Exchanged,
    ) -> Response:
        options, explain = query.options(), query.top
        body, answer = exchange.body_spec(options), exchange.answer_spec(operation, explain)
        content = await read_body(exchange.request, exchange.settings)
        return await _respond(exchange.request, content, body, answer)

    return endpoint


for _name, _operation in OPERATIONS.items():
    router.post(_operation.path, name=_name, **documented(_operation))(_endpoint(_operation))


@router.post("/score/stream", **documented_stream(STREAMED))
async def score_stream(query: Annotated[StreamQuery, Query()], exchange: StreamExchanged) -> Response:
    """Score a body of any length while it comes: what is scored is answered before the rest is there."""
    body = exchange.body_spec({})
    answer = exchange.answer_spec(OPERATIONS["score"], query.explain)
    scoring = ScoringStream(FORMATS[body.format_name].open_stream(body), answer)
    return await answer_stream(exchange.request, scoring, exchange.settings)


@router.head("/detector", include_in_schema=False)
@router.get(
    "/detector",
    summary="The active detector",
    response_model=DetectorResponse,
    response_description="OK",
    responses=problems(HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def detector(query: Annotated[NoQuery, Query()], active: ActiveDetector, settings: ServiceSettings) -> Response:
    """Say what the active detector is, what it was trained on, and how well it does."""
    return _json(detector_answer(active, settings))


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Alive", response_model=Health, response_description="OK")
async def healthz() -> Response:
    """Say that the process answers."""
    return _json({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Ready", response_model=Readiness, response_description="OK")
async def readyz(active: ActiveDetector) -> Response:
    """Say that records can be scored, and by which detector."""
    return _json({"status": "ready", "detector": active.name, "version": active.version})


async def _respond(request: Request, content: bytes, body: BodySpec, answer: AnswerSpec) -> Response:
    """Answer a body: a small one on the event loop, others on a thread, so that others are answered meanwhile."""
    gate: Gate = request.app.state.gate
    arrow = FORMATS[body.format_name].arrow or FORMATS[answer.format_name].arrow
    if len(content) > SMALL_BYTES or body.coding is not None or arrow:
        if refusal := gate.admit_large():
            return refusal
        written, headers = await gate.on_thread(partial(answer_body, content, body, answer))
    elif answer.operation.is_scoring and body.format_name == answer.format_name == "json":
        written, headers = await _answer_in_batch(content, body, answer, request.app.state.batcher)
    else:
        written, headers = answer_body(content, body, answer)
    accepted = ",".join(request.headers.getlist("accept-encoding"))
    if accepted and (coding := coding_for(written, answer.format_name, accepted)):
        written = await gate.on_thread(partial(ENCODERS[coding], written))
        headers["Content-Encoding"] = coding
    return Response(written, headers=headers)


async def _answer_in_batch(
    content: bytes, body: BodySpec, answer: AnswerSpec, batcher: Batcher
) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a small JSON body, scored together with those of other requests, and its headers."""
    rows = read_json(decoded(content, None, max_bytes=body.max_bytes), body)
    answer.require_bounded(rows)
    try:
        items = await batcher.score(rows, detector=answer.detector, top=answer.top)
    except DataError as error:
        raise all_problems(rows, body.schema, error) from error
    frame = JsonFrame.of(answer.operation, answer.detector)
    return frame.around(encode_items(items)), answer_headers(answer, ())


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
