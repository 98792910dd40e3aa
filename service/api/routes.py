"""The endpoints: the operations on records, a stream of scores, and what describes the service."""

# No annotations as text: FastAPI reads those of endpoints that are made in a function.
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from models.errors import DataError
from service.api.dependencies import ActiveDetector, Exchange, Exchanged, ServiceSettings, StreamExchanged
from service.api.openapi import documented, documented_stream, problems
from service.api.parameters import NoQuery, ReadingQuery, StreamQuery
from service.api.schemas import DetectorResponse, Health, Readiness, detector_answer
from service.fast_path.micro_batching import Batcher
from service.formats.answers import AnswerSpec, JsonFrame, answer_headers, encode_items, write_rows
from service.formats.formats import FORMATS, STREAMED
from service.formats.json import read_json
from service.formats.rows import BodySpec, all_problems
from service.gate import SMALL_BYTES, Gate
from service.operations import OPERATIONS, Operation
from service.streaming.answer import ScoringStream, answer_stream
from service.web.body import read_body
from service.web.content_encoding import ENCODERS, coding_for, decoded
from service.web.problems import RequestError

router: Final = APIRouter()


def _endpoint(operation: Operation) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint of an operation."""

    async def endpoint(
        query: Annotated[operation.query, Query()],  # type: ignore[name-defined]  # FastAPI reads it
        exchange: Exchanged,
    ) -> Response:
        answer = AnswerSpec.of(operation, exchange.detector, explain=query.top)
        spec = _body_spec(query, exchange)
        content = await read_body(exchange.request, exchange.settings)
        return await _respond(exchange, content, spec, answer)

    return endpoint


for _name, _operation in OPERATIONS.items():
    router.post(_operation.path, name=_name, **documented(_operation))(_endpoint(_operation))


@router.post("/score/stream", **documented_stream(STREAMED))
async def score_stream(query: Annotated[StreamQuery, Query()], exchange: StreamExchanged) -> Response:
    """Score a body of any length while it comes: what is scored is answered before the rest is there."""
    scoring = ScoringStream(
        body=FORMATS[exchange.head.format_name].open_stream(_body_spec(None, exchange)),
        spec=AnswerSpec.of(OPERATIONS["score"], exchange.detector, explain=query.explain),
        format_name=exchange.format_name,
    )
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


def _body_spec(query: ReadingQuery | None, exchange: Exchange) -> BodySpec:
    options = {} if query is None else query.options()
    head, settings = exchange.head, exchange.settings
    if options and not FORMATS[head.format_name].has_dialects:
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The query says how CSV is written, but the body is {FORMATS[head.format_name].summary}. Leave that out.",
        )
    return BodySpec(
        schema=exchange.detector.schema,
        max_rows=settings.max_rows,
        max_bytes=settings.max_body_bytes,
        charset=head.charset,
        options=options,
    )


async def _respond(exchange: Exchange, content: bytes, spec: BodySpec, answer: AnswerSpec) -> Response:
    """Answer a body: a small one on the event loop, others on a thread, so that others are answered meanwhile."""
    gate: Gate = exchange.request.app.state.gate
    format_name = exchange.format_name
    if not _is_small(exchange, content):
        if refusal := gate.admit_large():
            return refusal
        body, headers = await gate.on_thread(partial(_answer, exchange, content, spec, answer))
    elif answer.operation.is_scoring and exchange.head.format_name == format_name == "json":
        body, headers = await _answer_in_batch(content, spec, answer, exchange.request.app.state.batcher)
    else:
        body, headers = _answer(exchange, content, spec, answer)
    coding = coding_for(body, format_name, ",".join(exchange.request.headers.getlist("accept-encoding")))
    if coding is not None:
        body = await gate.on_thread(partial(ENCODERS[coding], body))
        headers["Content-Encoding"] = coding
    return Response(body, headers=headers)


def _is_small(exchange: Exchange, content: bytes) -> bool:
    """Return True if a request is done before others would notice."""
    uses_arrow = FORMATS[exchange.head.format_name].arrow or FORMATS[exchange.format_name].arrow
    return len(content) <= SMALL_BYTES and exchange.head.coding is None and not uses_arrow


def _answer(exchange: Exchange, content: bytes, spec: BodySpec, answer: AnswerSpec) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a body, and its headers."""
    plain = decoded(content, exchange.head.coding, max_bytes=spec.max_bytes)
    rows = FORMATS[exchange.head.format_name].read(plain, spec)
    writer = FORMATS[exchange.format_name].write(answer)
    body = write_rows(writer, answer, rows) + writer.finish()
    return body, answer_headers(answer.detector, rows.notes, format_name=exchange.format_name)


async def _answer_in_batch(
    content: bytes, spec: BodySpec, answer: AnswerSpec, batcher: Batcher
) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a small JSON body whose records are scored with those of other requests."""
    rows = read_json(decoded(content, None, max_bytes=spec.max_bytes), spec)
    answer.require_bounded(len(rows))
    try:
        items = await batcher.score(rows, detector=answer.detector, explain=answer.top)
    except DataError as error:
        raise all_problems(rows, spec.schema, error) from error
    body = JsonFrame.of(answer.operation, answer.detector).around(encode_items(items))
    return body, answer_headers(answer.detector, (), format_name="json")


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
