"""Contents: bodies are read and decompressed with limits, answers compressed where it is asked for and worth it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import Request

from models.errors import TooLargeError, UnreadableError
from models.tables.decompression import GZIP_WINDOW, decompress
from service.cancellation import Cancellation
from service.formats.formats import FORMATS
from service.settings import Settings, spelt
from service.web.negotiation import qualities
from service.web.problems import CLOSE, RequestError, too_large

_LEAST_BYTES: Final = 1024
_LEVEL: Final = 1  # of both codings: more takes several times as long and saves a tenth


async def read_body(request: Request, settings: Settings) -> bytes:
    """Read a body of at least one byte, at most `settings.max_body_bytes`, within `settings.body_seconds`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > settings.max_body_bytes):
        raise too_large(settings.max_body_bytes)
    content = bytearray()  # a list of chunks could be a list of bytes
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                content += chunk
                if len(content) > settings.max_body_bytes:
                    raise too_large(settings.max_body_bytes)
    except TimeoutError as error:
        raise too_slow(f"The body had not come after {settings.body_seconds:g} s") from error
    return _not_empty(bytes(content))


def _not_empty(content: bytes) -> bytes:
    if not content:
        raise RequestError(HTTPStatus.BAD_REQUEST, "The body is empty. Send at least one record.")
    return content


def too_slow(what: str) -> RequestError:
    """Return the error for a body that does not come."""
    return RequestError(
        HTTPStatus.REQUEST_TIMEOUT,
        f"{what}. Send it faster or in smaller requests, or raise {spelt('body_seconds')}.",
        headers=CLOSE,
    )


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
    return _not_empty(content)


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
