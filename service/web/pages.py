"""Security headers of the pages that people look at: /docs and what it loads."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ADDRESS: Final = "/docs"
_HEADERS: Final = {
    # The page has a script and styles of its own in it; all else comes from the service, which no other site may frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def new_app(*, docs: bool, **named: Any) -> FastAPI:
    """Return a new application, with /docs and /openapi.json or without."""
    if not docs:
        return FastAPI(docs_url=None, redoc_url=None, openapi_url=None, **named)
    # /docs draws its page with scripts of ours, not with those of a host on the internet
    return FastAPIOffline(redoc_url=None, static_url=f"{_ADDRESS}/static", **named)


def secure_pages(app: FastAPI) -> None:
    """Send security headers with the pages of an application; its routes are there already."""
    for route in app.routes:
        if getattr(route, "path", "").startswith(_ADDRESS):
            route.app = _with_headers(route.app)  # type: ignore[attr-defined]  # each kind of route has one


def _with_headers(page: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await page(scope, receive, with_headers)

    return answer
