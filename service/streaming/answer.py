"""Streams: a body of any length is scored part by part while it comes, and each part is answered before the next.

The body is not read faster than the answer is, so memory does not grow. No thread waits for a client: a part is scored
when it is complete, and waits for a thread like other large requests.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import final

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from models.errors import DetectorError
from service.budget import BUDGET
from service.formats.answers import AnswerSpec, answer_headers, write_rows
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec, Rows, noted
from service.gate import Gate
from service.streaming.coming import ComingBody
from service.web.closing import linger
from service.web.problems import CLOSE, RequestError, problem_of

log = logging.getLogger(__name__)


async def answer_stream(request: Request, body: BodySpec, answer: AnswerSpec) -> Response:
    """Return the response to a request whose body is still coming, as soon as its first rows are scored.

    Raises:
        RequestError: The first rows cannot be scored, or did not come in time.
    """
    gate: Gate = request.app.state.gate
    if refusal := gate.admit_stream():
        return refusal
    end = gate.end_stream
    try:
        # On a thread, as the first stream of a format may have to load Arrow.
        stream = await gate.on_thread(partial(_Stream, request, body, answer), cancellation=answer.cancellation)
        end = stream.end
        answers = stream.answers()
        first = await anext(answers)
    except BaseException as error:
        end()
        if isinstance(error, RequestError):
            error.headers = {**error.headers, **CLOSE}
        raise
    return _StreamedAnswer(first, answers, stream)


@final
class _Stream:
    """A body as it comes, and its answers.

    Attributes:
        rows: Number of rows that were answered.
        coming: The body.
        notes: One line for each thing that was noted of the first rows.
    """

    def __init__(self, request: Request, body: BodySpec, spec: AnswerSpec) -> None:
        self.spec = spec
        self.body = FORMATS[body.format_name].open_stream(body)
        self.rows = 0
        self.notes: Sequence[str] = ()
        self._gate: Gate = request.app.state.gate
        self._on_thread = partial(self._gate.on_thread, cancellation=spec.cancellation)
        self.coming = ComingBody(request, request.app.state.settings.body_seconds)
        self._writer = FORMATS[spec.format_name].write(spec)

    def end(self) -> None:
        """Receive no more, and make room for another stream."""
        self.coming.stop()
        self._gate.end_stream()

    async def answers(self) -> AsyncGenerator[bytes, None]:
        """Yield the answer to each part that has one, some megabytes at a time."""
        while not self.coming.ended:
            content = await self.coming.next()
            for part in self.body.cut(content, last=self.coming.ended):
                async for answer in self._answers_to(self.body.rows(part)):
                    yield answer
        async for answer in self._answers_to(self.body.rest()):
            yield answer
        if not self.rows:
            raise RequestError(HTTPStatus.BAD_REQUEST, "The body is empty. Send at least one record.")
        if answer := b"".join(self._writer.write(None, last=True)):
            yield answer

    async def _answers_to(self, chunks: Iterator[Rows]) -> AsyncGenerator[bytes, None]:
        pieces, is_last = self._pieces(chunks), False
        while not is_last:
            self.coming.read_ahead()
            answer, is_last = await self._on_thread(partial(_some, pieces))
            if answer:
                yield answer
            self.coming.require_client()

    def _pieces(self, chunks: Iterator[Rows]) -> Iterator[bytes]:
        try:
            for rows in chunks:
                if not self.rows:
                    self.notes = noted(rows.with_notes(self.body.notes), self.spec.detector).notes
                yield from write_rows(self._writer, self.spec, rows)
                self.rows += len(rows)
        except DetectorError as error:
            raise RequestError.of_problems([error]) from error


def _some(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return some megabytes of an answer, and whether they are its last: rows of nulls take no bytes in a body."""
    written, size = [], 0
    for piece in pieces:
        written.append(piece)
        size += len(piece)
        if size > BUDGET.part_answer_bytes:
            return b"".join(written), False
    return b"".join(written), True


class _StreamedAnswer(Response):
    """A response that is sent while its request is received."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], stream: _Stream) -> None:
        super().__init__(headers=answer_headers(stream.spec, stream.notes) | CLOSE)
        del self.headers["content-length"]
        self._first, self._rest, self._stream = first, rest, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. One that fails in the middle has no end, and the server cuts the connection."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send(_more(self._first))
            async for content in self._rest:
                await send(_more(content))
        except ClientDisconnect:
            return
        except RequestError as error:
            log.warning("a stream is cut off after record %d: the next one cannot be scored", self._stream.rows - 1)
            if not FORMATS[self._stream.spec.format_name].ends_with_problem:
                return
            await send(_more(b'{"problem":' + bytes(problem_of(error).body) + b"}\n"))
            self._stream.coming.stop()
            await linger(scope, receive)
        finally:
            self._stream.end()
            await self._rest.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _more(content: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": content, "more_body": True}
