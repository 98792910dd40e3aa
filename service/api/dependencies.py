"""What the endpoints depend on: the active detector, the settings, and what a request's headers say."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from models.detector import Detector
from models.errors import RecordError
from service.formats.formats import FORMATS, STREAMED
from service.registry import Registry
from service.settings import Settings
from service.web.body import Head, head_of
from service.web.negotiation import content_types, negotiate
from service.web.problems import RequestError


# All of them are coroutines: FastAPI gives plain functions a thread.
async def _detector(request: Request) -> Detector:
    registry: Registry = request.app.state.registry
    return registry.active()  # one version for the whole request


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _head(request: Request) -> Head:
    return head_of(request)


async def _stream_head(request: Request) -> Head:
    head = head_of(request, among=STREAMED)
    if head.coding is not None:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "A stream is read as it is. Send it without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    return head


async def _answer_format(request: Request) -> str:
    return _negotiated(request, FORMATS.keys())


async def _stream_format(request: Request) -> str:
    return _negotiated(request, STREAMED)


async def require_sent_once(request: Request) -> None:
    """Check that no query parameter comes twice, of which one would be ignored.

    Raises:
        RequestError: One does.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) < len(names):
        repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise RequestError.of_problems(
            [RecordError("comes more than once.", record=None, field=n, remedy="Send it once.") for n in repeated]
        )


def _negotiated(request: Request, among: Collection[str]) -> str:
    name = negotiate(",".join(request.headers.getlist("accept")), among=among)
    if name is None:
        detail = f"None of the forms in Accept is answered here. Accept one of {', '.join(content_types(among))}."
        raise RequestError(HTTPStatus.NOT_ACCEPTABLE, detail)
    return name


ActiveDetector = Annotated[Detector, Depends(_detector)]
ServiceSettings = Annotated[Settings, Depends(_settings)]
BodyHead = Annotated[Head, Depends(_head)]
StreamHead = Annotated[Head, Depends(_stream_head)]
AnswerFormat = Annotated[str, Depends(_answer_format)]
StreamFormat = Annotated[str, Depends(_stream_format)]
