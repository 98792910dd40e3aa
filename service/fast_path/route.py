"""The application's route for small requests: the same answers as the protocol's, behind all middleware."""

from __future__ import annotations

import asyncio
from typing import final

from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from service.fast_path.answering import PATH, Answer, SmallScores
from service.gate import ADMITTED
from service.settings import Settings
from service.web.body import too_slow


@final
class SmallScoreRoute(APIRoute):
    """A route of FastAPI that answers small `POST /score` requests by itself and leaves all others to FastAPI."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self.path != PATH or scope["method"] != "POST" or ADMITTED in scope:  # else the protocol has tried
            await super().handle(scope, receive, send)
            return
        small: SmallScores = scope["app"].state.small_scores
        explain = small.explain_of(scope["query_string"], scope["headers"])
        if explain is None:
            await super().handle(scope, receive, send)
            return
        message = await _first_message(scope["app"].state.settings, receive)
        answer = None
        if message["type"] == "http.request" and not message.get("more_body", False):
            answer = await _answer(small, message.get("body", b""), explain)
        if answer is None:
            await super().handle(scope, _again(message, receive), send)
        else:
            await _send(answer, send)


async def _first_message(settings: Settings, receive: Receive) -> Message:
    try:
        async with asyncio.timeout(settings.body_seconds):
            return await receive()
    except TimeoutError as error:
        raise too_slow(f"The body had not come after {settings.body_seconds:g} s") from error


async def _answer(small: SmallScores, body: bytes, explain: int) -> Answer | None:
    future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def reply(answer: Answer | None) -> None:
        if not future.cancelled():
            future.set_result(answer)

    small.answer(body, explain, reply)
    return await future


def _again(message: Message, receive: Receive) -> Receive:
    """Return what receives a message again, then the rest."""
    messages = [message]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _send(answer: Answer, send: Send) -> None:
    headers = [*answer.head.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.head.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
