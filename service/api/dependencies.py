"""What the endpoints depend on: the active detector, the settings, and what a request's headers say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request about records, whose body is still to be read.

    Args:
        request: The request.
        settings: How much may come.
        detector: The detector that was active when the request came; it answers all of it.
        head: What the headers say of the body.
        format_name: The format of the answer, a key of `FORMATS`.
    """

    request: Request
    settings: Settings
    detector: Detector
    head: Head
    format_name: str


# Coroutines, as FastAPI gives plain functions a thread, and one for all, as it takes a while to call each.
async def _detector(request: Request) -> Detector:
    registry: Registry = request.app.state.registry
    return registry.active()


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _exchange(request: Request) -> Exchange:
    _require_sent_once(request)
    return Exchange(
        request=request,
        settings=request.app.state.settings,
        detector=request.app.state.registry.active(),
        head=head_of(request),
        format_name=_negotiated(request, FORMATS.keys()),
    )


async def _stream_exchange(request: Request) -> Exchange:
    _require_sent_once(request)
    head = head_of(request, among=STREAMED)
    if head.coding is not None:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "A stream is read as it is. Send it without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    return Exchange(
        request=request,
        settings=request.app.state.settings,
        detector=request.app.state.registry.active(),
        head=head,
        format_name=_negotiated(request, STREAMED),
    )


def _require_sent_once(request: Request) -> None:
    """Refuse a query parameter that comes twice: one of them would be ignored."""
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) < len(names):
        repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise RequestError.of_problems(
            [RecordError("comes more than once.", record=None, field=n, remedy="Send it once.") for n in repeated]
        )


def _negotiated(request: Request, among: Collection[str]) -> str:
    name = negotiate(",".join(request.headers.getlist("accept")), among=among)
    if name is None:
        detail = f"None of the formats in Accept is answered here. Accept one of {', '.join(content_types(among))}."
        raise RequestError(HTTPStatus.NOT_ACCEPTABLE, detail)
    return name


ActiveDetector = Annotated[Detector, Depends(_detector)]
ServiceSettings = Annotated[Settings, Depends(_settings)]
Exchanged = Annotated[Exchange, Depends(_exchange)]
StreamExchanged = Annotated[Exchange, Depends(_stream_exchange)]
