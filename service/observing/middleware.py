"""The outermost middleware, which counts each request that comes over ASGI."""

from __future__ import annotations

from typing import Any, Final, final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.detector import Detector
from service.observing.observer import NO_DETECTOR, Observer, Version, clock

_SEEN: Final = "detector.seen"
_UNMATCHED: Final = "unmatched"


class Seen:
    """What is known of a request that is being answered.

    Attributes:
        endpoint: Name of the endpoint, if it is not that of the route.
        version: Name and version of the detector that was found.
        status: Status code of the answer.
    """

    __slots__ = ("endpoint", "status", "version")

    def __init__(self) -> None:
        self.endpoint: str | None = None
        self.version: Version = NO_DETECTOR
        self.status = 500


def note_detector(scope: Scope, detector: Detector) -> None:
    """Note which detector answers a request, when it has been looked up."""
    note(scope, (detector.name, detector.version))


def note(scope: Scope, version: Version, *, endpoint: str | None = None) -> None:
    """Note which detector answers a request, and by which endpoint, if no route is asked."""
    seen: Seen | None = scope.get(_SEEN)
    if seen is not None:
        seen.version = version
        seen.endpoint = endpoint or seen.endpoint


@final
class ObservingMiddleware:
    """Counts requests when they are answered.

    Args:
        app: Answers them.
        observer: Counts them; None for nobody.
    """

    def __init__(self, app: ASGIApp, *, observer: Observer | None) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._observer is None or scope["type"] != "http" or _SEEN in scope:
            await self._app(scope, receive, send)
            return
        began, seen = clock(), Seen()
        scope[_SEEN] = seen

        async def seeing(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seeing)
        finally:
            endpoint = seen.endpoint or _name_of(scope.get("route"))
            self._observer.ended(endpoint, seen.status, seen.version, began)


def _name_of(route: Any) -> str:
    return getattr(route, "name", None) or _UNMATCHED
