"""HTTP as Uvicorn speaks it, where small requests take a shorter way and nobody is waited for in vain."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final, final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from service.fast_path.answering import Answer, Scope, SmallRequest, SmallRequests

_CLOSE: Final = b"connection: close\r\n"
_SOON: Final = 0.05  # seconds in which most bodies come that are not there with their heads

log = logging.getLogger(__name__)


def connections_of(small_requests: SmallRequests, *, patience: float) -> type[HttpToolsProtocol]:
    """Return what speaks with a client.

    Small requests are answered at once, without the task and the messages that ASGI has for each; Uvicorn does all the
    rest. A client may read slowly, but not nothing at all for long: its answers would be held for ever.

    Args:
        small_requests: Answers them.
        patience: Seconds in which a client has to read anything.
    """

    @final
    class Connection(HttpToolsProtocol):
        _explain: int | None = None  # of the request that comes, if it is a small one
        _body = b""
        _late: asyncio.TimerHandle | None = None
        _check: asyncio.TimerHandle | None = None

        def on_headers_complete(self) -> None:
            """Look whether it is a small request; others are Uvicorn's."""
            self._explain = self._small()
            if self._explain is None:
                super().on_headers_complete()
            else:
                self._body = b""

        def on_body(self, body: bytes) -> None:
            """Take the next piece."""
            if self._explain is None:
                super().on_body(body)
            else:
                self._body += body

        def on_message_complete(self) -> None:
            """Answer a small request."""
            if self._explain is None:
                super().on_message_complete()
                return
            explain, self._explain = self._explain, None
            self._stop_waiting()
            path, _, query = self.url.partition(b"?")
            where = {"method": "POST", "path": path.decode(), "raw_path": path, "query_string": query}
            exchange = _Exchange({**self.scope, **where})
            self.cycle = exchange  # type: ignore[assignment]  # what Uvicorn looks at of the request that is answered

            def reply(answer: Answer) -> None:
                self._reply(exchange, answer)

            small_requests.answer(SmallRequest(exchange.scope, explain, self._body, reply))

        def data_received(self, data: bytes) -> None:
            """Wait for a moment for the rest of a small request."""
            super().data_received(data)
            if self._explain is not None and self._late is None:
                self._late = self.loop.call_later(_SOON, self._give_up)

        def connection_lost(self, exc: Exception | None) -> None:
            """Stop waiting."""
            self._explain = None
            self._stop_waiting()
            self._stop_looking()
            super().connection_lost(exc)

        def shutdown(self) -> None:
            """Let what has begun to come be answered."""
            if self._explain is not None:
                self._give_up()
            super().shutdown()

        def _small(self) -> int | None:
            """Return how many columns a small request wants named; None where it is none, or has to wait for others."""
            if (
                (self.cycle is not None and not self.cycle.response_complete)
                or self.flow.write_paused
                or self.parser.get_method() != b"POST"
                or self.parser.get_http_version() != "1.1"
                or not self.parser.should_keep_alive()
            ):
                return None
            return small_requests.explain_of(self.url, self.headers)

        def _give_up(self) -> None:
            """Leave a small request to Uvicorn: its body does not come, and the routes know how long it may take."""
            self._explain = None
            self._stop_waiting()
            super().on_headers_complete()
            if self._body:
                super().on_body(self._body)

        def _stop_waiting(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _reply(self, exchange: _Exchange, answer: Answer) -> None:
            exchange.response_complete = True
            if exchange.disconnected or self.transport.is_closing():
                return
            if self.access_log:
                self._log(exchange.scope, answer.status)
            lines = [STATUS_LINE[answer.status]]
            for name, value in self.server_state.default_headers:
                lines += (name, b": ", value, b"\r\n")
            closing = _CLOSE in answer.headers
            if not (exchange.keep_alive or closing):
                closing = True
                lines.append(_CLOSE)
            lines += (answer.headers, b"content-length: %d\r\n\r\n" % len(answer.body), answer.body)
            self.transport.write(b"".join(lines))
            if closing:
                self.transport.close()
            self.on_response_complete()

        def _log(self, scope: Scope, status: int) -> None:
            if self.config.proxy_headers:
                told = ProxyHeadersMiddleware(_nothing, self.config.forwarded_allow_ips)  # who asked, by a proxy's word
                with suppress(StopIteration):
                    told(scope, _nothing, _nothing).__await__().__next__()  # type: ignore[arg-type]
            said = (get_client_addr(scope), "POST", get_path_with_query_string(scope), "1.1", status)  # type: ignore[arg-type]
            self.access_logger.info('%s - "%s %s HTTP/%s" %d', *said)

        def pause_writing(self) -> None:
            """Watch a client that has much to read."""
            super().pause_writing()
            self._look_again()

        def resume_writing(self) -> None:
            """Stop watching: it has read most of it."""
            super().resume_writing()
            self._stop_looking()

        def _look_again(self) -> None:
            self._check = self.loop.call_later(patience, self._look, self.transport.get_write_buffer_size())

        def _look(self, unread: int) -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._look_again()
                return
            log.warning("a client has read nothing for %g s: its connection is cut off", patience)
            self.transport.abort()

        def _stop_looking(self) -> None:
            if self._check is not None:
                self._check.cancel()

    return Connection


async def _nothing(*_: Any) -> None:
    pass


class _Exchange:
    """A small request that is answered, as Uvicorn sees it.

    Args:
        scope: Of ASGI.
    """

    __slots__ = ("disconnected", "keep_alive", "response_complete", "scope")
    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
