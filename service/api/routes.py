"""The endpoints: the operations on records, a stream of scores, and what describes the service."""

# No annotations as text: FastAPI reads those of endpoints that are made in a function.
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from models.detector import Detector
from models.errors import DataError
from service.api.dependencies import (
    ActiveDetector,
    AnswerFormat,
    BodyHead,
    ServiceSettings,
    StreamFormat,
    StreamHead,
    require_sent_once,
)
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
from service.settings import Settings
from service.streaming.answer import ScoringStream, answer_stream
from service.web.body import Head, read_body
from service.web.content_encoding import ENCODERS, coding_for, decoded
from service.web.problems import RequestError

router: Final = APIRouter()
_SENT_ONCE: Final = [Depends(require_sent_once)]


def _endpoint(operation: Operation) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint of an operation."""

    async def endpoint(
        *,
        request: Request,
        query: Annotated[operation.query, Query()],  # type: ignore[name-defined]  # FastAPI reads it
        detector: ActiveDetector,
        settings: ServiceSettings,
        head: BodyHead,
        format_name: AnswerFormat,
    ) -> Response:
        spec = _body_spec(query, detector, settings, head)
        answer = AnswerSpec.of(operation, detector, explain=query.top)
        content = await read_body(request, settings)
        gate: Gate = request.app.state.gate
        if not _is_small(content, head, format_name):
            if refusal := gate.admit_large():
                return refusal
            body, headers = await gate.on_thread(partial(_answer, content, head, spec, answer, format_name))
        elif operation.is_scoring and head.format_name == format_name == "json":
            body, headers = await _answer_in_batch(content, spec, answer, request.app.state.batcher)
        else:
            body, headers = _answer(content, head, spec, answer, format_name)
        coding = coding_for(body, format_name, ",".join(request.headers.getlist("accept-encoding")))
        if coding is not None:
            body = await gate.on_thread(partial(ENCODERS[coding], body))
            headers["Content-Encoding"] = coding
        return Response(body, headers=headers)

    return endpoint


for _name, _operation in OPERATIONS.items():
    router.post(_operation.path, name=_name, dependencies=_SENT_ONCE, **documented(_operation))(_endpoint(_operation))


@router.post("/score/stream", dependencies=_SENT_ONCE, **documented_stream(STREAMED))
async def score_stream(
    *,
    request: Request,
    query: Annotated[StreamQuery, Query()],
    detector: ActiveDetector,
    settings: ServiceSettings,
    head: StreamHead,
    format_name: StreamFormat,
) -> Response:
    """Score a body of any length while it comes: what is scored is answered before the rest is there."""
    spec = BodySpec(schema=detector.schema, max_rows=settings.max_rows, max_bytes=settings.max_body_bytes)
    scoring = ScoringStream(
        body=FORMATS[head.format_name].open_stream(spec),
        spec=AnswerSpec.of(OPERATIONS["score"], detector, explain=query.explain),
        format_name=format_name,
    )
    return await answer_stream(request, scoring, settings)


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


def _body_spec(query: ReadingQuery, detector: Detector, settings: Settings, head: Head) -> BodySpec:
    options = query.options()
    if options and head.format_name != "csv":
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The query says how CSV is written, but the body is {FORMATS[head.format_name].summary}. Leave that out.",
        )
    return BodySpec(
        schema=detector.schema,
        max_rows=settings.max_rows,
        max_bytes=settings.max_body_bytes,
        charset=head.charset,
        options=options,
    )


def _is_small(content: bytes, head: Head, format_name: str) -> bool:
    """Return True if a request is answered on the event loop: it is done before others would notice."""
    uses_arrow = FORMATS[head.format_name].arrow or FORMATS[format_name].arrow
    return len(content) <= SMALL_BYTES and head.coding is None and not uses_arrow


def _answer(
    content: bytes, head: Head, spec: BodySpec, answer: AnswerSpec, format_name: str
) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a body, and its headers."""
    rows = FORMATS[head.format_name].read(decoded(content, head.coding, max_bytes=spec.max_bytes), spec)
    writer = FORMATS[format_name].write(answer)
    body = write_rows(writer, answer, rows) + writer.finish()
    return body, answer_headers(answer.detector, rows.notes, format_name=format_name)


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
