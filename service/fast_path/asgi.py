"""The entry of the application: sheds large requests, and answers small ones as the protocol does."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from types import coroutine
from typing import Any, Final, final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.fast_path.answering import PATH, Answer, Headers, SmallScores
from service.fast_path.micro_batching import settle
from service.gate import SMALL_BYTES, Gate
from service.settings import Settings
from service.web.body import too_slow
from service.web.problems import problem_of

ADMITTED: Final = "detector.admitted"
"""Key of the ASGI scope of a request that has passed the gate."""


@final
class EntryMiddleware:
    """Admits requests and answers small ones; it stands behind all middleware that users add.

    Args:
        app: Answers all other requests.
        gate: Admits requests.
        small: Answers small requests.
        settings: Settings of the service.
    """

    def __init__(self, app: ASGIApp, *, gate: Gate, small: SmallScores, settings: Settings) -> None:
        self._app = app
        self._gate = gate
        self._small = small
        self._body_seconds = settings.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or ADMITTED in scope:
            await self._app(scope, receive, send)
            return
        method, headers = scope["method"], scope["headers"]
        is_score = method == "POST" and scope["path"] == PATH
        explain = self._small.explain_of(scope["query_string"], headers) if is_score else None
        scope[ADMITTED] = True
        if explain is not None:
            await self._answer_small(explain, scope, receive, send)
        elif method == "POST" and not _is_small(headers) and (refusal := self._gate.admit_large()):
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer_small(self, explain: int, scope: Scope, receive: Receive, send: Send) -> None:
        receiving = receive().__await__()
        try:
            # Most bodies are there already, and need no timer, which would take longer than everything else here.
            waiting = next(receiving)
        except StopIteration as received:
            message = received.value
        else:
            message = await self._late_message(receiving, waiting)
        if message is None:
            error = too_slow(f"The body had not come after {self._body_seconds:g} s")
            await problem_of(error)(scope, receive, send)
            return
        answer = None
        if message["type"] == "http.request" and not message.get("more_body", False):
            future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
            self._small.answer(message.get("body", b""), explain, partial(settle, future))
            answer = await future
        if answer is None:
            await self._app(scope, _again(message, receive), send)
            return
        headers = [*answer.head.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.head.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _late_message(self, receiving: Generator[Any, Any, Message], waiting: Any) -> Message | None:
        """Wait for a message; return None if it takes too long."""
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _resumed(receiving, waiting)
        except TimeoutError:
            return None


@coroutine
def _resumed(receiving: Generator[Any, Any, Message], waiting: Any) -> Generator[Any, Any, Message]:
    """Go on with an awaitable that has been started and waits for a future."""
    while True:
        try:
            sent = yield waiting
        except BaseException as error:
            step = partial(receiving.throw, error)
        else:
            step = partial(receiving.send, sent)
        try:
            waiting = step()
        except StopIteration as received:
            message: Message = received.value
            return message


def _again(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that returns a message again, then the next ones."""
    messages = [message]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _is_small(headers: Headers) -> bool:
    declared = next((value for name, value in headers if name == b"content-length"), b"")
    return declared.isdigit() and len(declared) <= len(str(SMALL_BYTES)) and int(declared) <= SMALL_BYTES
