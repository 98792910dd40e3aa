"""The body of a stream as it comes, read at most one message ahead of the work on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import final

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from service.web.closing import READ_TO_END
from service.web.content import too_slow


@final
class ComingBody:
    """A body that is still coming.

    Args:
        request: Its request.
        idle_seconds: Time in which some bytes have to come.

    Attributes:
        ended: All of it was given.
    """

    def __init__(self, request: Request, idle_seconds: float) -> None:
        self.ended = False
        self._scope, self._receive = request.scope, request.receive
        self._idle_seconds = idle_seconds
        self._ahead: asyncio.Future[Message] | None = None

    async def next(self) -> bytes:
        """Return the next bytes, none at the end.

        Raises:
            RequestError: Nothing came for too long.
            ClientDisconnect: The client has left.
        """
        if self._scope.get(READ_TO_END):
            self.ended = True
            return b""
        coming, self._ahead = self._ahead or self._receive(), None
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await coming
        except TimeoutError as error:
            raise too_slow(f"Nothing of the body came for {self._idle_seconds:g} s") from error
        self._note(message)
        content: bytes = message.get("body", b"")
        return content

    def read_ahead(self) -> None:
        """Begin to receive the next message, which tells whether the client has left: sending to it does not."""
        if self._ahead is None:
            self._ahead = asyncio.ensure_future(self._receive())

    def require_client(self) -> None:
        """Raise `ClientDisconnect` if it is known that the client has left."""
        if self._ahead is not None and self._ahead.done():
            _require_client(self._ahead.result())

    def stop(self) -> None:
        """Receive no more."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and not ahead.cancel():  # it has come
            with suppress(ClientDisconnect):
                self._note(ahead.result())

    def _note(self, message: Message) -> None:
        _require_client(message)
        if not message.get("more_body", False):
            self._scope[READ_TO_END] = True


def _require_client(message: Message) -> None:
    if message["type"] != "http.request":
        raise ClientDisconnect
