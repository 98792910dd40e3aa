"""The HTTP protocol that answers small requests, and which protocol serves an application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, Final, final
from urllib.parse import unquote

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.fast_path.answering import ADMITTED, ENDPOINT, Answer, EntryMiddleware, Head, Prepared, SmallScores
from service.fast_path.guarded import GuardedProtocol
from service.gate import SheddingMiddleware
from service.observing.middleware import ObservingMiddleware
from service.observing.observer import clock
from service.observing.request_ids import id_in, id_line
from service.settings import Settings, spelt
from service.web.origins import OriginsMiddleware

TESTED_UVICORN: Final = ((0, 32), (1, 0))
"""The first version of Uvicorn with which `FastProtocol` is tested, and the first one with which it is not."""

_OURS: Final = (EntryMiddleware, ObservingMiddleware, SheddingMiddleware, OriginsMiddleware)
_CLOSE: Final = b"connection: close\r\n"
_FAILED: Final = HTTPStatus.BAD_REQUEST.value
_BODY_SECONDS: Final = 0.05  # in which most bodies come that are not there with their heads

log = logging.getLogger(__name__)


def carriers(app: FastAPI, settings: Settings) -> tuple[ASGIApp, Callable[..., HttpToolsProtocol]]:
    """Return the ASGI application to serve, and the factory of the protocol that serves it.

    Small requests are answered in front of FastAPI, by the protocol or by `EntryMiddleware`, if nothing else has to see
    them. If middleware was added, `EntryMiddleware` answers them behind it.

    Args:
        app: Application of `service.app.create_app`.
        settings: Settings of the service.
    """
    state = app.state
    seen_by = {"observer": state.observer, "log": state.request_log}
    guarded = partial(GuardedProtocol, patience=settings.body_seconds, **seen_by)
    if reason := _seen_by(app):
        log.info("small requests are answered behind FastAPI: %s", reason)
        return app, guarded
    if reason := _protocol_off(settings):
        log.info("small requests are not answered by the protocol: %s", reason)
        if settings.cors_origins is not None:  # `EntryMiddleware` has to stand behind what answers preflights
            return app, guarded
        entry = EntryMiddleware(app, gate=state.gate, small=state.small_scores, settings=settings)
        return ObservingMiddleware(entry, **seen_by, tracing=state.tracing), guarded
    return app, partial(FastProtocol, app=app, small=state.small_scores, patience=settings.body_seconds, **seen_by)


def _seen_by(app: FastAPI) -> str | None:
    """Return what has to see every request before it is answered, None if nothing has."""
    kinds: list[Any] = [item.cls for item in app.user_middleware]
    if added := [getattr(kind, "__name__", "one") for kind in kinds if kind not in _OURS]:
        return f"middleware was added ({', '.join(added)})"
    telemetry = getattr(app, "_native_telemetry", None)
    return "FastAPI's telemetry is on" if telemetry is not None and telemetry.enabled() else None


def _protocol_off(settings: Settings, *, version: str = uvicorn.__version__) -> str | None:
    """Return why the protocol is off, None if it is on."""
    first, end = TESTED_UVICORN
    if not first <= tuple(int(part) for part in version.split(".")[:2]) < end:
        return f"it is not tested with Uvicorn {version}"
    if settings.access_log:
        return f"each request is logged: {spelt('access_log')}"
    if settings.otlp_endpoint is not None:
        return f"each request is traced: {spelt('otlp_endpoint')}"
    return None if settings.fast_path else f"it is switched off: {spelt('fast_path')}"


@final
class FastProtocol(GuardedProtocol):
    """Answers small requests without the task and the messages that ASGI has for each; Uvicorn does all the rest.

    Args:
        app: Answers the small requests that `small` cannot answer.
        small: Answers small requests.
        of_uvicorn, named: Arguments of `GuardedProtocol`.
    """

    def __init__(self, *of_uvicorn: Any, app: ASGIApp, small: SmallScores, **named: Any) -> None:
        super().__init__(*of_uvicorn, **named)
        self._application = app
        self._small = small
        self._explain: int | None = None  # of the small request that is being received, None if none is
        self._prepared: Prepared | None = None  # the detector of that request
        self._path = self._body = b""
        self._late: asyncio.TimerHandle | None = None
        self._left = asyncio.Event()  # the client has

    def on_headers_complete(self) -> None:
        """Begin to receive a small request; leave others to Uvicorn."""
        self._end_head()
        self._explain = self._explain_of_small()
        if self._explain is None:
            super().on_headers_complete()
        else:
            self._body = b""

    def on_body(self, body: bytes) -> None:
        """Take a chunk of the body."""
        if self._explain is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Answer a small request."""
        explain, self._explain = self._explain, None
        if explain is None or self._prepared is None:
            super().on_message_complete()
            return
        self._stop_waiting()
        began = 0.0 if self.observer is None else clock()
        self.cycle = exchange = _Exchange(self.scope, self.url, self._body, began)  # type: ignore[assignment,arg-type]  # all that is read
        admission = self._small.gate.admit("POST", self._path.decode("latin-1"), self.headers, to_batch=True)
        exchange.end = admission.end
        if admission.refusal is not None:
            self._reply(exchange, Answer.of(admission.refusal))
        else:
            self._small.answer(self._prepared, self._body, explain, partial(self._reply, exchange))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for the rest of a request; tell the application that is being asked."""
        self._explain = None
        self._left.set()
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Let Uvicorn finish a request that is being received."""
        if self._explain is not None:
            self._leave_to_uvicorn()
        super().shutdown()

    def _parse(self, data: bytes) -> None:
        """Parse bytes, and wait a moment for the rest of a small request."""
        super()._parse(data)
        if self._explain is not None and self._late is None:
            self._late = self.loop.call_later(_BODY_SECONDS, self._leave_to_uvicorn)

    def _explain_of_small(self) -> int | None:
        """Return how many columns a small request asks to explain; None if it is not small, or others are before it."""
        if (
            (self.cycle is not None and not self.cycle.response_complete)
            or self.flow.write_paused
            or self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
        ):
            return None
        self._path, _, query = self.url.partition(b"?")
        self._prepared = None if b"#" in query else self._small.find(self._path)
        return None if self._prepared is None else self._small.explain_of(query, self.headers)

    def _leave_to_uvicorn(self) -> None:
        """Leave a small request to Uvicorn: its body is late, and the routes know how long it may take."""
        self._explain = None
        self._stop_waiting()
        super().on_headers_complete()
        if self._body:
            super().on_body(self._body)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _reply(self, exchange: _Exchange, answer: Answer | None) -> None:
        """Send an answer; if it is None, ask the application for one."""
        if answer is None:
            exchange.task = self.loop.create_task(self._ask_application(exchange))
            return
        if self.observer is not None:
            self.observer.ended(ENDPOINT, answer.head.status, answer.head.version, exchange.began)
        if exchange.end is not None:
            exchange.end()
        line = id_line(exchange.scope["headers"])
        if answer.head.status >= _FAILED:
            self.log.ended(id_in(line), ENDPOINT, answer.head.status)
        self._send(exchange, answer, line)

    def _send(self, exchange: _Exchange, answer: Answer, extra: bytes = b"") -> None:
        exchange.response_complete = True
        if exchange.disconnected or self.transport.is_closing():
            return
        closing = _CLOSE in answer.head.lines
        if not (exchange.keep_alive or closing):
            closing = True
            extra += _CLOSE
        self.transport.write(self.answer_bytes(answer, extra))
        if closing:
            self.transport.close()
        self.on_response_complete()

    async def _ask_application(self, exchange: _Exchange) -> None:
        """Send the answer of the application, which goes on when its client has read most of it."""
        coming: list[Message] = [{"type": "http.request", "body": exchange.body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if coming:
                return coming.pop()
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                start, *bodies = sent
                content = b"".join(body.get("body", b"") for body in bodies)
                sent.clear()
                self._send(exchange, Answer(Head.of(start["status"], start["headers"]), content))
                await self.flow.drain()

        try:
            await self._application(exchange.whole_scope(), receive, send)
        except Exception:  # the application has answered it
            log.exception("a request could not be answered")
        finally:
            if exchange.end is not None:
                exchange.end()


@final
@dataclass(slots=True, eq=False)
class _Exchange:
    """A small request that is being answered, with the attributes that Uvicorn reads.

    Args:
        scope: ASGI scope without method and URL.
        url: Path and query.
        body: The whole body.
        began: What `clock` said when it was there.
        end: Is called once when it is answered, if somebody wants to know.
    """

    message_event: ClassVar = asyncio.Event()  # nobody waits for it
    more_body: ClassVar = False

    scope: Scope
    url: bytes
    body: bytes
    began: float
    end: Callable[[], None] | None = None
    disconnected: bool = False
    keep_alive: bool = True
    response_complete: bool = False
    task: asyncio.Task[None] | None = None  # kept from the garbage collector

    def whole_scope(self) -> Scope:
        """Return the ASGI scope."""
        path, _, query = self.url.partition(b"?")
        named = {"method": "POST", "path": unquote(path.decode()), "raw_path": path, "query_string": query}
        return {**self.scope, **named, ADMITTED: True}
