"""How answers are sent: heads with their bodies, and not for ever to a client that reads nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, final

from service.budget import BUDGET

_CONTINUE: Final = b"HTTP/1.1 100 "
_CONTENT_LENGTH: Final = b"\r\ncontent-length: "  # as Uvicorn writes it

log = logging.getLogger(__name__)


@final
class WholeWrites:
    """The transport of an answer: sends the head of a whole answer with its body, in one packet rather than two.

    A head without `Content-Length` is sent at once: the body of a stream may be long in coming.

    Args:
        transport: The connection.

    Attributes:
        has_begun: An answer is being sent.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.has_begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send bytes, behind the head if it has not been sent."""
        if self._head:
            self._transport.writelines((self._head, data))
            self._head = b""
            return
        if not (self.has_begun or data.startswith(_CONTINUE)):
            self.has_begun = True
            if _CONTENT_LENGTH in data:
                self._head = data
                return
        self._transport.write(data)

    def end(self) -> None:
        """End an answer; to HEAD it has no body."""
        self.has_begun = False
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Send what is left, and close the connection."""
        self.end()
        self._transport.close()


@final
class SlowReaderGuard:
    """Cuts off a client that reads nothing, or next to nothing, whose answers would be held for ever.

    Args:
        loop: Event loop of the connection.
        patience: Seconds in which a client has to read something: `BUDGET.read_rate` bytes a second.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        self._loop = loop
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, transport: asyncio.Transport) -> None:
        """Begin to watch a client with much to read."""
        unread = transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._patience, self._check, transport, unread)

    def stop(self) -> None:
        """Stop watching: the client has read most of it, or has gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self, transport: asyncio.Transport, unread: int) -> None:
        read = unread - transport.get_write_buffer_size()
        if read > 0 and read >= BUDGET.read_rate * self._patience:
            self.watch(transport)
            return
        log.warning("a client has read %d bytes in %g s: its connection is cut off", max(read, 0), self._patience)
        transport.abort()
