"""The endpoints of the Open Inference Protocol over HTTP; they hold no logic of their own."""

# No annotations as text: FastAPI reads those of the endpoints.
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from models.detector import Detector
from service.api.dependencies import detector_of_version, named_detector, registry_of
from service.api.openapi import problems
from service.api.parameters import NoQuery
from service.api.state import is_ready
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.formats.answers import AnswerSpec, answer_headers
from service.formats.rows import BodySpec
from service.gate import Gate
from service.inference.inferring import infer, is_quick, may_read_on_loop
from service.inference.metadata import model_metadata, server_metadata
from service.inference.rest import header_length_of, read_request, write_answer
from service.inference.schemas import BODY_SCHEMA, InferenceResponse, Live, ModelMetadata, Ready, ServerMetadata
from service.inference.tensors import InferenceAnswer, InferenceRequest
from service.operations import OPERATIONS
from service.settings import Settings
from service.web.content import ENCODERS, LargeResponse, coding_for, decoded, read_body, whole
from service.web.negotiation import coding_of
from service.web.problems import json_response

router: Final = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

_NO_DETECTOR: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
_REFUSALS: Final = problems(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


@router.head("", include_in_schema=False)
@router.get("", summary="The server", response_model=ServerMetadata, response_description="OK")
async def server() -> Response:
    """Say what the server is, and which extensions of the protocol it has."""
    return json_response(server_metadata())


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", summary="Alive", response_model=Live, response_description="OK")
async def live() -> Response:
    """Say that the process answers."""
    return json_response({"live": True})


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    summary="Ready",
    response_model=Ready,
    response_description="OK",
    responses={HTTPStatus.SERVICE_UNAVAILABLE.value: {"model": Ready, "description": "Not ready."}},
)
async def ready(request: Request) -> Response:
    """Say whether rows can be scored, as `/readyz` does."""
    found = is_ready(registry_of(request).table)
    return json_response({"ready": found}, HTTPStatus.OK if found else HTTPStatus.SERVICE_UNAVAILABLE)


_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": BODY_SCHEMA}, "application/octet-stream": {"schema": {}}},
    }
}


def _add_endpoints(path: str, detector_of: Callable[..., Coroutine[Any, Any, Detector]], of: str) -> None:
    """Add the endpoints of a detector whose path names it."""
    taken = Annotated[Detector, Depends(detector_of)]

    @router.head(path, include_in_schema=False)
    @router.get(path, summary=f"Metadata{of}", response_model=ModelMetadata, responses=_NO_DETECTOR)
    async def model(request: Request, detector: taken) -> Response:
        """Say which tensors a detector takes and gives."""
        return json_response(model_metadata(detector, registry_of(request).table.entry(detector.name).versions))

    @router.head(f"{path}/ready", include_in_schema=False)
    @router.get(f"{path}/ready", summary=f"Readiness{of}", response_model=Ready, responses=_NO_DETECTOR)
    async def model_ready(detector: taken) -> Response:
        """Say that rows can be scored by a detector, which is loaded if need be."""
        return json_response({"ready": True})

    @router.post(
        f"{path}/infer",
        summary=f"Inference{of}",
        response_model=InferenceResponse,
        responses=_REFUSALS,
        openapi_extra=_BODY,
    )
    async def infer_rows(
        request: Request,
        detector: taken,
        query: Annotated[NoQuery, Query()],
    ) -> Response:
        """Score the rows of tensors: one a column, or one of all columns; answer a tensor for each output."""
        header_length = header_length_of(request.headers)
        spec = _spec_of(request, detector)
        state = request.app.state
        with state.held_bodies.one() as hold:
            pieces = await read_body(request, state.settings, state.turns, hold)
            return await _respond(request, pieces, header_length, detector, spec)


_add_endpoints("/models/{name}", named_detector, " of a detector")
_add_endpoints("/models/{name}/versions/{version}", detector_of_version, " of a version")


def _spec_of(request: Request, detector: Detector) -> BodySpec:
    settings: Settings = request.app.state.settings
    return BodySpec(
        schema=detector.schema,
        max_rows=settings.max_rows,
        max_bytes=settings.max_body_bytes,
        coding=coding_of(request.headers.get("content-encoding", "")),
        cancellation=Cancellation(),
    )


async def _respond(
    request: Request, pieces: list[bytes], header_length: int | None, detector: Detector, spec: BodySpec
) -> Response:
    """Answer a body: a small one on the event loop, all else on a thread, as others wait meanwhile."""
    gate: Gate = request.app.state.gate
    on_thread = partial(gate.on_thread, cancellation=spec.cancellation, receive=request.receive)
    size = sum(map(len, pieces))
    asked: InferenceRequest | None = None
    if spec.coding is None and may_read_on_loop(size, gate):
        asked = read_request(whole(pieces), header_length, spec)

    def answered() -> tuple[bytes, dict[str, str]]:
        content = asked or read_request(
            decoded(whole(pieces), spec.coding, max_bytes=spec.max_bytes, cancellation=spec.cancellation),
            header_length,
            spec,
        )
        answer = infer(content, detector, spec)
        written, headers = write_answer(answer)
        return written, _headers_of(detector, answer) | headers

    if asked is not None and is_quick(asked, size, detector):
        written, headers = answered()
    else:
        if refused := gate.admit_large():
            return refused
        written, headers = await on_thread(answered)
    accepted = ",".join(request.headers.getlist("accept-encoding"))
    is_json = headers["Content-Type"] == "application/json"
    if accepted and is_json and (coding := coding_for(written, "json", accepted)):
        written = await on_thread(partial(ENCODERS[coding], written))
        headers["Content-Encoding"] = coding
    if len(written) > BUDGET.piece_bytes:
        return LargeResponse(written, headers, request.app.state.held_answers)
    return Response(written, headers=headers)


def _headers_of(detector: Detector, answer: InferenceAnswer) -> dict[str, str]:
    spec = AnswerSpec(operation=OPERATIONS["score"], detector=detector)
    return answer_headers(spec, answer.notes)
