"""Cross-origin requests (CORS): which sites' pages may read the answers in a browser; none unless they are named."""

from __future__ import annotations

from typing import Final, final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

ORIGIN: Final = b"origin"
"""Header of a request that a page sends; with CORS, the routes answer it, whose answers get the headers."""

_SENT: Final = ("Authorization", "Content-Type", "Content-Encoding", "X-Request-ID", "traceparent")
_READ: Final = (
    "Detector-Name",
    "Detector-Version",
    "Detector-Threshold",
    "Detector-Notes",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)


@final
class OriginsMiddleware(CORSMiddleware):
    """Answers the questions that browsers ask before a page's request, and says who may read the answers.

    It stands before the gate: such a question has no key. Passwords and cookies are not taken from other sites' pages.

    Args:
        app: Answers the requests.
        origins: Those that may ask, such as `https://board.example`; `*` for all.
    """

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        super().__init__(
            app, allow_origins=origins, allow_methods=("GET", "HEAD", "POST"), allow_headers=_SENT, expose_headers=_READ
        )
