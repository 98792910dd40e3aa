"""Contents: bodies are read and decompressed with limits, answers compressed where it is asked for and worth it."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, final

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from models.errors import TooLargeError, UnreadableError
from models.tables.decompression import GZIP_WINDOW, decompress
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.formats.formats import FORMATS
from service.settings import Settings, spelt
from service.web.closing import READ_TO_END
from service.web.negotiation import qualities
from service.web.problems import CLOSE, RETRY_LATER, RequestError, problem_of, too_large

_LEAST_BYTES: Final = 1024
_PIECE_BYTES: Final = 65_536
_LEVEL: Final = 1  # of both codings: more takes several times as long and saves a tenth


async def read_body(
    request: Request, settings: Settings, turns: Turns, hold: Callable[[int], None] = lambda size: None
) -> list[bytes]:
    """Read a body of at least one byte, at most `settings.max_body_bytes`, within `settings.body_seconds`.

    Args:
        request: Its body has not been read.
        settings: Settings of the service.
        turns: Turns of large bodies.
        hold: Called with the size of each piece of a large body.

    Returns:
        The body in pieces, which `whole` joins; a small one is one piece.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > settings.max_body_bytes):
        raise too_large(settings.max_body_bytes)
    pieces, small, size = list[bytes](), bytearray(), 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > settings.max_body_bytes:
                    raise too_large(settings.max_body_bytes)
                small += chunk  # else the pieces could be single bytes
                if len(small) >= _PIECE_BYTES:
                    hold(len(small))
                    pieces.append(bytes(small))
                    small.clear()
                    await turns.take(len(pieces[-1]))
    except TimeoutError as error:
        raise too_slow(f"The body had not come after {settings.body_seconds:g} s") from error
    request.scope[READ_TO_END] = True
    if small:
        pieces.append(bytes(small))
    if not pieces:
        raise _empty()
    return pieces


def whole(pieces: list[bytes]) -> bytes:
    """Join the pieces of a body and forget them, on a thread where there are many."""
    content = b"".join(pieces)
    pieces.clear()
    return content


def too_slow(what: str) -> RequestError:
    """Return the error for a body that does not come."""
    return RequestError(
        HTTPStatus.REQUEST_TIMEOUT,
        f"{what}. Send it faster or in smaller requests, or raise {spelt('body_seconds')}.",
        headers=CLOSE,
    )


def _empty() -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, "The body is empty. Send at least one record.")


def decoded(content: bytes, coding: str | None, *, max_bytes: int, cancellation: Cancellation) -> bytes:
    """Return a body without its coding, one of `CODINGS`: at least one byte, at most `max_bytes`.

    Raises:
        RequestError: It is damaged, too large or empty.
    """
    try:
        if coding is not None:
            content = decompress(content, coding, name="The body", max_bytes=max_bytes, check=cancellation.check)
    except TooLargeError as error:
        raise too_large(max_bytes) from error
    except UnreadableError as error:
        detail = f"The body is not {coding}, as Content-Encoding says, or it is cut off. Send all of it, or as it is."
        raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
    if not content:
        raise _empty()
    return content


@final
class HeldBytes:
    """Counts the bytes that are held: of large bodies until they are answered, or of large answers until they are read.

    Args:
        most: Bytes beyond which no more are taken.
        refused: Called when a request is refused for that.
    """

    def __init__(self, most: int, refused: Callable[[], None] = lambda: None) -> None:
        self._refused = refused
        self._most = most
        self._held = 0

    @contextmanager
    def one(self) -> Iterator[Callable[[int], None]]:
        """Give a function to call with each size that is held for one request; all of it is forgotten at the end.

        Raises:
            RequestError: All together would be too much.
        """
        own = 0

        def hold(size: int) -> None:
            nonlocal own
            if self._held + size > self._most:
                detail = (
                    f"Other requests hold {self._held:,} bytes already. Send it again later, or start more services."
                )
                headers = RETRY_LATER | CLOSE
                self._refused()
                raise RequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)
            self._held += size
            own += size

        try:
            yield hold
        finally:
            self._held -= own


@final
class LargeResponse(Response):
    """A response that is sent in pieces, as its client reads them, and is counted until then.

    Args:
        content: The body.
        headers: Headers.
        held: Counts answers.
    """

    def __init__(self, content: bytes, headers: Mapping[str, str], held: HeldBytes) -> None:
        super().__init__(content, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, or the refusal where too much is held already."""
        with self._held.one() as hold:
            try:
                hold(len(self.body))
            except RequestError as error:
                await problem_of(error)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in range(0, len(self.body), BUDGET.piece_bytes):
                piece = self.body[start : start + BUDGET.piece_bytes]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})  # waits for the last piece


@final
class Turns:
    """Turns of requests that read large bodies, so that all of them together read at most so much in one tick.

    Args:
        most: Bytes that are read in one tick of the event loop.
    """

    def __init__(self, most: int = BUDGET.body_bytes_in_tick) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._scheduled = False

    async def take(self, size: int) -> None:
        """Wait for a turn to read about as many bytes."""
        loop = asyncio.get_running_loop()
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._begin_tick)
        if not self._waiting and self._taken < self._most:
            self._taken += size
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((turn, size))
        await turn

    def _begin_tick(self) -> None:
        self._taken = 0
        while self._waiting and self._taken < self._most:
            turn, size = self._waiting.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                self._taken += size
        self._scheduled = bool(self._taken)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._begin_tick)


def coding_for(content: bytes, format_name: str, accept_encoding: str) -> str | None:
    """Return the coding of an answer that its caller prefers, a key of `ENCODERS`; None for none.

    Texts of a kilobyte and more are compressed: tables of scores as they are in memory hardly get smaller.

    Example:
        >>> coding_for(bytes(2000), "json", "gzip;q=0.5, zstd")
        'zstd'
    """
    if not accept_encoding or len(content) < _LEAST_BYTES or not FORMATS[format_name].charsets:
        return None
    wanted = qualities(accept_encoding.replace("x-gzip", "gzip"))
    others = wanted.get("*", 0.0)
    rated = {name: wanted.get(name, others) for name in ENCODERS}
    best = max(rated, key=lambda name: rated[name])  # the first of equals
    return best if rated[best] > 0.0 and rated[best] >= wanted.get("identity", 0.0) else None


def _gzip(content: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return compressor.compress(content) + compressor.flush()


def _zstd(content: bytes) -> bytes:
    import pyarrow as pa  # 30 MB: for the first such answer

    compressed: bytes = pa.Codec("zstd", compression_level=_LEVEL).compress(content, asbytes=True)
    return compressed


ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {"zstd": _zstd, "gzip": _gzip}
"""The content codings of answers; of those that a caller rates equally, the first is used."""
