"""The endpoints of the operations on records, each for the default detector, a named one, and a version of it."""

# No annotations as text: FastAPI reads those of endpoints that are made in a function.
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from models.detector import Detector
from models.errors import DataError, RecordError
from service.api.dependencies import DETECTORS
from service.api.openapi import documented, documented_stream
from service.api.parameters import NoQuery, ReadingQuery, StreamQuery
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.fast_path.micro_batching import Batcher, cells_of
from service.formats.answers import AnswerSpec, answer_body, answer_headers
from service.formats.formats import FORMATS, STREAMED
from service.formats.json import read_json
from service.formats.json_answers import ANSWER_END, answer_start
from service.formats.rows import BodySpec, all_problems, noted
from service.gate import SMALL_BYTES, Gate
from service.observing.middleware import seen_in
from service.operations import OPERATIONS, Operation
from service.settings import Settings
from service.streaming.answer import answer_stream
from service.web.content import ENCODERS, LargeResponse, coding_for, read_body, whole
from service.web.negotiation import answer_format, head_of
from service.web.problems import RequestError

router: Final = APIRouter()

_WITH_DIALECTS: Final = [row.name for row in FORMATS.values() if row.has_dialects]


def _endpoint(
    operation: Operation, detector_of: Callable[..., Coroutine[Any, Any, Detector]]
) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint of an operation."""

    async def endpoint(
        request: Request,
        detector: Annotated[Detector, Depends(detector_of)],
        query: Annotated[operation.query, Query()],  # type: ignore[name-defined]  # FastAPI reads it
    ) -> Response:
        body, answer = _specs(request, operation, detector, query, FORMATS)
        state = request.app.state
        with state.held_bodies.one() as hold:
            pieces = await read_body(request, state.settings, state.turns, hold)
            return await _respond(request, pieces, body, answer)

    return endpoint


def _stream_endpoint(detector_of: Callable[..., Coroutine[Any, Any, Detector]]) -> Callable[..., Awaitable[Response]]:
    """Return the endpoint that scores a stream."""

    async def endpoint(
        request: Request,
        detector: Annotated[Detector, Depends(detector_of)],
        query: Annotated[StreamQuery, Query()],
    ) -> Response:
        """Score a body of any length while it comes: what is scored is answered before the rest is there."""
        body, answer = _specs(request, OPERATIONS["score"], detector, query, STREAMED)
        if body.coding is not None:
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "A stream is read as it is. Send it without Content-Encoding.",
                headers={"Accept-Encoding": "identity"},
            )
        return await answer_stream(request, body, answer)

    return endpoint


for _prefix, _detector_of in DETECTORS.items():
    for _name, _operation in OPERATIONS.items():
        router.post(_prefix + _operation.path, name=_name, **documented(_operation, named=bool(_prefix)))(
            _endpoint(_operation, _detector_of)
        )
    router.post(f"{_prefix}/score/stream", name="score_stream", **documented_stream(STREAMED, named=bool(_prefix)))(
        _stream_endpoint(_detector_of)
    )


def _specs(
    request: Request, operation: Operation, detector: Detector, query: NoQuery, among: Collection[str]
) -> tuple[BodySpec, AnswerSpec]:
    """Return what is known of the body and of the answer, in formats of `among`; one detector answers all of it."""
    _require_sent_once(request)
    settings: Settings = request.app.state.settings
    format_name, charset, coding = head_of(request.headers, among=among)
    answered = answer_format(request.headers, among=among)
    options = query.options() if isinstance(query, ReadingQuery) else {}
    row = FORMATS[format_name]
    if options and not row.has_dialects:
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The query says how {' or '.join(_WITH_DIALECTS)} is written, but the body is {row.summary}. Leave that "
            "out.",
        )
    cancellation = Cancellation()
    body = BodySpec(
        schema=detector.schema,
        max_rows=settings.max_rows,
        max_bytes=settings.max_body_bytes,
        format_name=format_name,
        coding=coding,
        charset=charset,
        options=options,
        cancellation=cancellation,
    )
    explain = query.explain if isinstance(query, StreamQuery) else 0
    top = min(explain, len(detector.schema.columns))
    answer = AnswerSpec(
        operation=operation,
        detector=detector,
        format_name=answered,
        top=top,
        cancellation=cancellation,
        seen=seen_in(request.scope),
    )
    return body, answer


def _require_sent_once(request: Request) -> None:
    """Refuse a query parameter that comes twice: one of them would be ignored."""
    names = [name for name, _ in request.query_params.multi_items()]
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise RequestError.of_problems(
            [RecordError("comes more than once.", record=None, field=n, remedy="Send it once.") for n in repeated]
        )


async def _respond(request: Request, pieces: list[bytes], body: BodySpec, answer: AnswerSpec) -> Response:
    """Answer a body: what micro-batches take on the event loop, all else on a thread, as others wait meanwhile."""
    gate: Gate = request.app.state.gate
    on_thread = partial(gate.on_thread, cancellation=body.cancellation, receive=request.receive)
    if _is_quick(pieces, body, answer):
        written, headers = await _answer_in_batch(whole(pieces), body, answer, request.app.state.batcher, on_thread)
    else:
        if refusal := gate.admit_large():
            return refusal
        written, headers = await on_thread(lambda: answer_body(whole(pieces), body, answer))
    accepted = ",".join(request.headers.getlist("accept-encoding"))
    if accepted and (coding := coding_for(written, answer.format_name, accepted)):
        written = await on_thread(partial(ENCODERS[coding], written))
        headers["Content-Encoding"] = coding
    if len(written) > BUDGET.piece_bytes:
        return LargeResponse(written, headers, request.app.state.held_answers)
    return Response(written, headers=headers)


def _is_quick(pieces: list[bytes], body: BodySpec, answer: AnswerSpec) -> bool:
    """Return whether a body is JSON that may be read, scored and answered on the event loop."""
    if not (answer.operation.is_scoring and body.format_name == answer.format_name == "json"):
        return False
    content = pieces[0]
    if len(pieces) > 1 or len(content) > SMALL_BYTES or body.coding is not None:
        return False
    rows = max(content.count(b"{"), content.count(b"["), content.count(b"\n"))
    return cells_of(rows, answer.detector, answer.top) <= BUDGET.loop_cells


async def _answer_in_batch(
    content: bytes,
    body: BodySpec,
    answer: AnswerSpec,
    batcher: Batcher,
    on_thread: Callable[..., Awaitable[RequestError]],
) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a small JSON body, scored together with those of other requests, and its headers."""
    rows = noted(read_json(content, body), answer.detector)
    try:
        items = await batcher.score(rows, detector=answer.detector, top=answer.top)
    except DataError as error:
        look = partial(all_problems, rows, body.schema, error, cancellation=body.cancellation)
        is_quick = len(rows) * len(body.schema.read) <= BUDGET.loop_cells_refused
        raise (look() if is_quick else await on_thread(look)) from error
    answer.note_rows(len(rows))
    start = answer_start(answer.operation, answer.detector, rows.notes)
    return start + items + ANSWER_END, answer_headers(answer, rows.notes)
