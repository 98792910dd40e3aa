"""The outermost middleware: each request that comes over ASGI gets its id, is counted, and has its line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.detector import Detector
from service.observing.observer import NO_DETECTOR, Observer, Version, clock
from service.observing.request_ids import HEADER, request_id
from service.observing.request_log import RequestLog

if TYPE_CHECKING:
    from service.observing.tracing import Tracing

_SEEN: Final = "detector.seen"
_UNMATCHED: Final = "unmatched"


class Seen:
    """What is known of a request that is being answered.

    Attributes:
        request_id: Its id.
        endpoint: Name of the endpoint, if it is not that of the route.
        version: Name and version of the detector that was found.
        status: Status code of the answer.
        rows: How many were answered.
    """

    __slots__ = ("endpoint", "request_id", "rows", "status", "version")

    def __init__(self, request_id: bytes) -> None:
        self.request_id = request_id
        self.endpoint: str | None = None
        self.version: Version = NO_DETECTOR
        self.status = 500
        self.rows = 0


def seen_in(scope: Scope) -> Seen:
    """Return what is known of the request of an ASGI scope; nothing is kept where it did not pass the middleware."""
    seen: Seen | None = scope.get(_SEEN)
    return Seen(request_id(scope["headers"])) if seen is None else seen


def note_detector(scope: Scope, detector: Detector) -> None:
    """Note which detector answers a request, when it has been looked up."""
    seen_in(scope).version = (detector.name, detector.version)


@final
class ObservingMiddleware:
    """Gives requests their ids, and counts and logs them when they are answered.

    Args:
        app: Answers them.
        observer: Counts them; None for nobody.
        log: Logs them.
        tracing: Makes spans of them; None for nobody.
    """

    def __init__(
        self, app: ASGIApp, *, observer: Observer | None, log: RequestLog, tracing: Tracing | None = None
    ) -> None:
        self._app = app
        self._observer = observer
        self._log = log
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or _SEEN in scope:
            await self._app(scope, receive, send)
            return
        scope[_SEEN] = seen = Seen(request_id(scope["headers"]))
        if self._tracing is None:
            await self._answer(seen, scope, receive, send)
            return
        with self._tracing.span(scope, seen):
            await self._answer(seen, scope, receive, send)

    async def _answer(self, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        began = clock()

        async def seeing(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                headers = message.get("headers", [])
                if not any(name == HEADER for name, _ in headers):
                    message["headers"] = [*headers, (HEADER, seen.request_id)]
            await send(message)

        try:
            await self._app(scope, receive, seeing)
        finally:
            endpoint = seen.endpoint = seen.endpoint or _name_of(scope.get("route"))
            if self._observer is not None:
                self._observer.ended(endpoint, seen.status, seen.version, began)
            self._log.ended(
                seen.request_id,
                endpoint,
                seen.status,
                version=seen.version,
                rows=seen.rows,
                seconds=clock() - began,
                client=scope.get("client"),
            )


def _name_of(route: Any) -> str:
    return getattr(route, "name", None) or _UNMATCHED
