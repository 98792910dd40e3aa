"""Reads request bodies, with limits in size and time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import Request

from service.settings import Settings
from service.web.problems import CLOSE, RequestError, too_large


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
