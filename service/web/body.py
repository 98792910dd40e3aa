"""Receives a request's body: bounded in bytes and in time, its form known, unpacked off the event loop."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request

from service.settings import Settings
from service.web.negotiation import MEDIA, bare, content_types, medium_of, parameters
from service.web.problems import RequestError

SCHEMA_HEADER: Final = "Detector-Schema"
"""Says the digest of the schema whose columns a body without names has."""

CLOSE: Final = {"Connection": "close"}
"""What an answer says behind which the rest of the body is not waited for."""

_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the headers of a request say of its body.

    Args:
        medium: A key of `MEDIA`.
        charset: The character encoding that the content type names, or None.
        packing: A key of `PACKINGS`, or None.
        schema_digest: The digest of the schema that its columns are of, or None.
    """

    medium: str
    charset: str | None
    packing: str | None
    schema_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What came, still packed.

    Args:
        content: The bytes.
        head: What the headers say of them.
    """

    content: bytes
    head: Head

    def unpacked(self, settings: Settings) -> bytes:
        """Return the bytes without the packing.

        Raises:
            RequestError: They are damaged, or more than `settings.max_body_bytes`.
        """
        if self.head.packing is None:
            return self.content
        content = PACKINGS[self.head.packing](self.content, settings.max_body_bytes + 1)
        if len(content) > settings.max_body_bytes:
            raise too_large(settings)
        return content


def head_of(request: Request, *, among: Collection[str] = MEDIA.keys()) -> Head:
    """Return what the headers say of a body.

    Args:
        request: The request.
        among: Keys of `MEDIA` that are read.

    Raises:
        RequestError: They name a form that is not read.
    """
    content_type = request.headers.get("content-type", "")
    medium = medium_of(content_type)
    if medium is None or medium not in among:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {bare(content_type)!r} is not read here. Send one of {', '.join(content_types(among))}.",
            headers={"Accept": ", ".join(content_types(among))},
        )
    return Head(
        medium=medium,
        charset=_charset(medium, content_type),
        packing=_packing(request.headers.get("content-encoding", "")),
        schema_digest=request.headers.get(SCHEMA_HEADER),
    )


async def read_body(request: Request, settings: Settings) -> Body:
    """Read a body of at most `settings.max_body_bytes` within `settings.body_seconds`.

    Raises:
        RequestError: It is larger or slower, or its headers name a form that is not ours.
    """
    head = head_of(request)
    return Body(content=await _receive(request, settings), head=head)


def too_large(settings: Settings) -> RequestError:
    """Return the error for a body of too many bytes."""
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {settings.max_body_bytes:,} bytes. Send fewer records a request, or raise "
        "DETECTOR_MAX_BODY_BYTES.",
        headers=CLOSE,
    )


def too_slow(what: str) -> RequestError:
    """Return the error for a body that does not come."""
    return RequestError(
        HTTPStatus.REQUEST_TIMEOUT,
        f"{what}. Send it faster or in smaller requests, or raise DETECTOR_BODY_SECONDS.",
        headers=CLOSE,
    )


async def _receive(request: Request, settings: Settings) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > settings.max_body_bytes):
        raise too_large(settings)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > settings.max_body_bytes:
                    raise too_large(settings)
    except TimeoutError as error:
        raise too_slow(f"The body had not come after {settings.body_seconds:g} s") from error
    return b"".join(chunks)


def _charset(medium: str, content_type: str) -> str | None:
    charset, allowed = parameters(content_type).get("charset", "").lower(), MEDIA[medium].charsets
    if not charset or not allowed:
        return None
    if charset not in allowed:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The charset {charset!r} is not read here for {MEDIA[medium].types[0]}. Send UTF-8, and say charset=utf-8 "
            "or nothing.",
        )
    return charset


def _packing(content_encoding: str) -> str | None:
    wanted = content_encoding.strip().lower()
    if wanted in ("", "identity"):
        return None
    packing = wanted.removeprefix("x-")
    if packing not in PACKINGS:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding {wanted!r} is not read here. Send the body as it is, or one of {', '.join(PACKINGS)}.",
            headers={"Accept-Encoding": ", ".join(PACKINGS)},
        )
    return packing


def _from_gzip(content: bytes, most: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return stream.read(most)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged("gzip") from error


def _from_zstd(content: bytes, most: int) -> bytes:
    import pyarrow as pa  # 30 MB: for the first such request

    out = bytearray()
    try:
        with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
            while len(out) < most and (piece := stream.read(min(_PIECE_BYTES, most - len(out)))):
                out += piece
    except OSError as error:
        raise damaged("zstd") from error
    return bytes(out)


def damaged(packing: str) -> RequestError:
    """Return the error for a body that cannot be unpacked."""
    detail = f"The body is not {packing}, as Content-Encoding says, or it is cut off. Send all of it, or as it is."
    return RequestError(HTTPStatus.BAD_REQUEST, detail)


PACKINGS: Final[dict[str, Callable[[bytes, int], bytes]]] = {"gzip": _from_gzip, "zstd": _from_zstd}
"""How a body may be packed (Content-Encoding); each gives at most so many bytes."""
