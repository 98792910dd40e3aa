"""Reads request bodies: what their headers say, and their bytes, with limits in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request

from service.formats.formats import FORMATS
from service.settings import Settings
from service.web.content_encoding import coding_of
from service.web.negotiation import bare, content_types, format_of, parameters
from service.web.problems import CLOSE, RequestError, too_large


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the headers of a request say of its body.

    Args:
        format_name: A key of `FORMATS`.
        charset: The character encoding that the content type names, or None.
        coding: One of `CODINGS`, or None.
    """

    format_name: str
    charset: str | None
    coding: str | None


def head_of(request: Request, *, among: Collection[str] = FORMATS.keys()) -> Head:
    """Return what the headers say of a body.

    Args:
        request: The request.
        among: Keys of `FORMATS` that are read.

    Raises:
        RequestError: They name a format, charset or coding that is not read.
    """
    content_type = request.headers.get("content-type", "")
    name = format_of(content_type)
    if name is None or name not in among:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {bare(content_type)!r} is not read here. Send one of {', '.join(content_types(among))}.",
            headers={"Accept": ", ".join(content_types(among))},
        )
    coding = coding_of(request.headers.get("content-encoding", ""))
    return Head(format_name=name, charset=_charset(name, content_type), coding=coding)


async def read_body(request: Request, settings: Settings) -> bytes:
    """Read a body of at most `settings.max_body_bytes` within `settings.body_seconds`.

    Raises:
        RequestError: It is larger or slower.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > settings.max_body_bytes):
        raise too_large(settings.max_body_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > settings.max_body_bytes:
                    raise too_large(settings.max_body_bytes)
    except TimeoutError as error:
        raise too_slow(f"The body had not come after {settings.body_seconds:g} s") from error
    return b"".join(chunks)


def too_slow(what: str) -> RequestError:
    """Return the error for a body that does not come."""
    return RequestError(
        HTTPStatus.REQUEST_TIMEOUT,
        f"{what}. Send it faster or in smaller requests, or raise DETECTOR_BODY_SECONDS.",
        headers=CLOSE,
    )


def _charset(format_name: str, content_type: str) -> str | None:
    charset, allowed = parameters(content_type).get("charset", "").lower(), FORMATS[format_name].charsets
    if not charset or not allowed:
        return None
    if charset not in allowed:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The charset {charset!r} is not read here for {FORMATS[format_name].types[0]}. Send UTF-8, and say "
            "charset=utf-8 or nothing.",
        )
    return charset
