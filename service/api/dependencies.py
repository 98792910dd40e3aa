"""What the endpoints depend on: the active detector, the settings, and what a request's headers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request

from models.detector import Detector
from models.errors import RecordError
from service.formats.answers import AnswerSpec
from service.formats.formats import FORMATS, STREAMED
from service.formats.rows import BodySpec
from service.operations import Operation
from service.registry import Registry
from service.settings import Settings
from service.web.negotiation import Head, answer_format, head_of
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

    def body_spec(self, options: Mapping[str, Any]) -> BodySpec:
        """Return what is known of the body.

        Args:
            options: How CSV is written, as the query says.

        Raises:
            RequestError: The query says so, and the body is no CSV.
        """
        row = FORMATS[self.head.format_name]
        if options and not row.has_dialects:
            raise RequestError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"The query says how CSV is written, but the body is {row.summary}. Leave that out.",
            )
        return BodySpec(
            schema=self.detector.schema,
            max_rows=self.settings.max_rows,
            max_bytes=self.settings.max_body_bytes,
            format_name=self.head.format_name,
            coding=self.head.coding,
            charset=self.head.charset,
            options=options,
        )

    def answer_spec(self, operation: Operation, explain: int) -> AnswerSpec:
        """Return what is answered to the rows."""
        return AnswerSpec(
            operation=operation,
            detector=self.detector,
            format_name=self.format_name,
            top=min(explain, len(self.detector.schema.columns)),
        )


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
        head=head_of(request.headers),
        format_name=answer_format(request.headers),
    )


async def _stream_exchange(request: Request) -> Exchange:
    _require_sent_once(request)
    head = head_of(request.headers, among=STREAMED)
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
        format_name=answer_format(request.headers, among=STREAMED),
    )


def _require_sent_once(request: Request) -> None:
    """Refuse a query parameter that comes twice: one of them would be ignored."""
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) < len(names):
        repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise RequestError.of_problems(
            [RecordError("comes more than once.", record=None, field=n, remedy="Send it once.") for n in repeated]
        )


ActiveDetector = Annotated[Detector, Depends(_detector)]
ServiceSettings = Annotated[Settings, Depends(_settings)]
Exchanged = Annotated[Exchange, Depends(_exchange)]
StreamExchanged = Annotated[Exchange, Depends(_stream_exchange)]
