"""Closing a connection whose request has not come to its end, so that its client gets the answer and no reset."""

from __future__ import annotations

import asyncio
from typing import Final, final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.budget import BUDGET

__all__ = ["READ_TO_END", "ClosingResponse", "linger"]

READ_TO_END: Final = "detector.read_to_end"
"""Key of the ASGI scope of a request whose body was read to its end."""


@final
class ClosingResponse(Response):
    """A response after which the connection is closed, when what still comes of the body was read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, and linger before it ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await linger(scope, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def linger(scope: Scope, receive: Receive) -> None:
    """Read and drop what still comes of a body, but not for long.

    Where a connection is closed with bytes unread, the system resets it, and its client loses the answer.
    """
    if scope.get(READ_TO_END):
        return
    size, more = 0, True
    try:
        async with asyncio.timeout(BUDGET.linger_seconds):
            while more and size <= BUDGET.linger_bytes:
                message = await receive()
                size += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        pass
