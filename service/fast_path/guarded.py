"""Uvicorn's HTTP protocol, guarded against endless heads, floods of queued requests, `Upgrade` and slow readers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, final

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.budget import BUDGET
from service.fast_path.answering import Answer, Head
from service.fast_path.sending import SlowReaderGuard, WholeWrites
from service.observing.observer import NO_DETECTOR, Observer, clock
from service.observing.request_ids import HEADER, request_id
from service.observing.request_log import RequestLog
from service.web.problems import CLOSE, RequestError, problem_of

_CONNECT: Final = b"CONNECT"
_HEAD_TOO_LARGE: Final = Answer.of(
    problem_of(
        RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"The head of the request has more than {BUDGET.head_bytes:,} bytes or {BUDGET.head_fields} fields. Send "
            "fewer or shorter fields.",
            headers=CLOSE,
        )
    )
)
_UNREAD: Final = "unread"  # endpoint of what is refused before it is a request
_TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"))
_NO_HTTP: Final = Answer(Head.of(HTTPStatus.BAD_REQUEST, _TEXT), b"Invalid HTTP request received.")

log = logging.getLogger(__name__)


@final
class _Flow(FlowControl):
    """Flow control that does not read on while requests are queued, whoever asks for it.

    Args:
        transport: The connection.
        is_full: Returns whether something that was read is not answered or parsed yet.
    """

    def __init__(self, transport: asyncio.Transport, is_full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_full = is_full

    def resume_reading(self) -> None:
        """Read on unless requests are queued."""
        if self.read_paused and not self._is_full():
            super().resume_reading()


class _HeadTooLargeError(Exception):
    """Stops the parser at the end of a head that is too large."""


class _NoTunnelError(Exception):
    """Stops the parser at CONNECT: what follows its head is no HTTP."""


_NOT_PARSED: Final = (_NoTunnelError, httptools.HttpParserInvalidURLError)


class GuardedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol within the limits of `BUDGET`; Uvicorn gives all arguments without a name.

    `Upgrade` is ignored, as RFC 9110, section 7.8, allows: Uvicorn's parser would end the message at its head, and take
    its body for the next request.

    A client that sends no more may still wait for its answers, or may have left: that looks the same. It is waited for
    `BUDGET.linger_seconds`, and as long as it is being answered.
    """

    def __init__(
        self, *of_uvicorn: Any, patience: float, observer: Observer | None, log: RequestLog, **named: Any
    ) -> None:
        super().__init__(*of_uvicorn, **named)
        self.observer = observer
        self.log = log
        self._guard = SlowReaderGuard(self.loop, patience)
        self._unread = bytearray()  # what has come and is not parsed yet
        self._has_ended = False  # no more requests are read
        self._is_over = False  # the client sends no more
        self._is_lingering = False  # the last answer is sent, and what still comes is dropped
        self._dropped = 0  # bytes
        self._closing: asyncio.TimerHandle | None = None
        self._last: Callable[[], None] | None = None  # sends the last answer, behind those that are queued
        # The parser tells of a header field when it is whole, so heads are measured by what was read. A head, or the
        # trailer, is being received while `headers` is not the list of `_whole_head`.
        self._whole_head: object = None
        self._begun_head: object = None  # the list of the head that was being received after the last bytes
        self._head_bytes = 0  # of that one, less what came with its first byte

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as Uvicorn's
        """Begin with a connection."""
        super().connection_made(transport)
        self._answers: Any = WholeWrites(transport)
        self.flow = _Flow(transport, self._is_full)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, a little at a time, so that few requests are queued."""
        self._unset_keepalive_if_required()
        if self._is_lingering:
            self._drop(len(data))
        elif len(data) > BUDGET.read_bytes or self._unread:
            self._unread += data
        elif not self._has_ended:
            self._parse(data)
        if self._unread:
            self._read_on()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Answer what is whole, for a client that sends no more; return whether the connection stays open."""
        if self._is_lingering:
            return False
        self._is_over = True
        self._read_on()
        self._close_later()
        return not self.transport.is_closing()

    def on_headers_complete(self) -> None:
        """Begin with a request whose head is whole."""
        self._end_head()
        if self.parser.get_method() == _CONNECT:
            raise _NoTunnelError
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            self.cycle.transport = self._answers

    def on_chunk_header(self) -> None:
        """Expect trailer fields, which are no header fields, until bytes of a chunk come."""
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._whole_head = self.headers
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body of a request."""
        self._whole_head = self.headers
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what is queued or has come already; answer last what could not be parsed."""
        self._answers.end()
        is_last = not self.pipeline
        super().on_response_complete()
        if self._is_over:
            self._close_later()
        if not self.flow.read_paused or self.transport.is_closing():
            return
        if is_last and self._last is not None:
            self._last()
        elif not (self.pipeline or self._has_ended):
            self.loop.call_soon(self._after_queue)  # it may be the parser that has called

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(_NO_HTTP)

    def pause_writing(self) -> None:
        """Watch a client with much to read."""
        super().pause_writing()
        self._guard.watch(self.transport)

    def resume_writing(self) -> None:
        """Stop watching the client."""
        super().resume_writing()
        self._guard.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what has not been parsed, and stop watching the client."""
        self._has_ended = True
        self._unread.clear()
        self._guard.stop()
        if self._closing is not None:
            self._closing.cancel()
        super().connection_lost(exc)

    def answer_bytes(self, answer: Answer, extra: bytes = b"") -> bytes:
        """Return an answer as it is sent, with extra header lines."""
        lines = [STATUS_LINE[answer.head.status], extra]
        for name, value in self.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        lines += (answer.head.lines, b"content-length: %d\r\n\r\n" % len(answer.body), answer.body)
        return b"".join(lines)

    def _should_upgrade(self) -> bool:
        return False  # not to WebSockets either

    def _end_head(self) -> None:
        """Note that a head is whole; stop the parser if it is too large."""
        is_large = self._begun_head is self.headers and self._size_of_head() > BUDGET.head_bytes
        if is_large or len(self.headers) > BUDGET.head_fields:
            raise _HeadTooLargeError
        self._whole_head = self.headers

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _parse(self, data: bytes) -> None:
        """Parse bytes; where the parser stops, those that are left are unread."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._unread[:0] = self._without_upgrade() + data[upgrade.args[0] :]
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _HeadTooLargeError):
                self._refuse(_HEAD_TOO_LARGE)
            elif isinstance(error, httptools.HttpParserCallbackError) and not isinstance(cause, _NOT_PARSED):
                log.error("a request could not be taken: its connection is closed", exc_info=cause)
                self.transport.close()
            else:
                self.logger.warning("Invalid HTTP request received.")
                self.send_400_response("Invalid HTTP request received.")
            return
        if self.headers is not self._whole_head:
            self._measure_head(len(data))

    def _measure_head(self, size: int) -> None:
        """Count bytes that belong to a head or a trailer which has no end yet."""
        if self._begun_head is self.headers:
            self._head_bytes += size
        else:
            self._begun_head, self._head_bytes = self.headers, 0
        if self._head_bytes > BUDGET.head_bytes or len(self.headers) > BUDGET.head_fields:
            self._refuse(_HEAD_TOO_LARGE)

    def _without_upgrade(self) -> bytes:
        """Return the head that was just parsed, without `Upgrade`; begin with a new parser."""
        words = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s\r\n" % words]
        lines += (b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade")
        self.parser = httptools.HttpRequestParser(self)
        with suppress(AttributeError):  # as Uvicorn does; httptools before 0.6.3 has none
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"".join([*lines, b"\r\n"])

    def _read_on(self) -> None:
        """Parse what is unread until a request is queued."""
        while self._unread and not (self.pipeline or self._has_ended):
            data = bytes(self._unread[: BUDGET.read_bytes])
            del self._unread[: len(data)]
            self._parse(data)
        if self._has_ended:
            self._unread.clear()
        elif self._unread:
            self.flow.pause_reading()
        elif self._is_over:
            self._end_with(self.transport.close)

    def _after_queue(self) -> None:
        if not self._has_ended:
            self._read_on()
            self.flow.resume_reading()

    def _refuse(self, answer: Answer) -> None:
        """Send a last answer; then drop what still comes, as a reset connection would lose the answer."""
        own = request_id(())  # what it has brought cannot be relied on
        if self.observer is not None:
            self.observer.ended(_UNREAD, answer.head.status, NO_DETECTOR, clock())
        self.log.ended(own, _UNREAD, answer.head.status)

        def send() -> None:
            self.transport.write(self.answer_bytes(answer, b"%s: %s\r\n" % (HEADER, own)))
            if self._is_over:
                self.transport.close()
                return
            if self.transport.can_write_eof():  # not with TLS
                self.transport.write_eof()
            self._is_lingering = True
            if self.cycle is not None:  # one whose body cannot be read on has nobody to answer
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.flow.resume_reading()
            self._close_later()

        self._end_with(send)

    def _drop(self, size: int) -> None:
        """Drop bytes behind the last answer."""
        self._dropped += size
        if self._dropped > BUDGET.linger_bytes:
            self.transport.close()

    def _close_later(self) -> None:
        """Close the connection after a while, unless another answer is sent till then."""
        if self._closing is not None:
            self._closing.cancel()
        self._closing = self.loop.call_later(BUDGET.linger_seconds, self._close)

    def _close(self) -> None:
        if self._answers.has_begun:
            self._close_later()
        else:
            self.transport.close()

    def _is_full(self) -> bool:
        """Return whether something that was read is not answered or parsed yet."""
        return bool(self.pipeline or self._unread or (self._has_ended and not self._is_lingering))

    def _end_with(self, send: Callable[[], None]) -> None:
        """Read no more, and send the last answer when all requests before it are answered."""
        if self._has_ended:
            return
        self._has_ended = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.more_body and not self.pipeline:  # the request that cannot be read on is being answered
                (self.transport.close if cycle.response_started else send)()
                return
            if cycle.more_body:
                self.pipeline.popleft()
            self._last = send
            self.flow.pause_reading()
        else:
            send()
