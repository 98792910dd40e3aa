"""Lines of the log about requests: each that fails, a hundred a second at most, and all on request."""

from __future__ import annotations

import logging
import time
from typing import Final, final

from service.observing.observer import NO_DETECTOR, Version

_REFUSED: Final = frozenset({429, 503})
_MOST_REFUSED, _MOST_FAILED = 1, 100  # lines a second: one for each of a flood would be a load of its own

log = logging.getLogger("service.requests")


@final
class RequestLog:
    """Writes what became of requests, never what was in them.

    Args:
        every: Write a line for each request, also for those that succeed.
    """

    def __init__(self, *, every: bool = False) -> None:
        self._every = every
        self._refused, self._failed = _Lines(_MOST_REFUSED), _Lines(_MOST_FAILED)

    def ended(
        self,
        request_id: bytes,
        endpoint: str,
        status: int,
        *,
        version: Version = NO_DETECTOR,
        rows: int = 0,
        seconds: float = 0.0,
        client: tuple[str, int] | None = None,
    ) -> None:
        """Write a line about a request, if it has one.

        Args:
            request_id: Its id.
            endpoint: Name of the route.
            status: Status code.
            version: Name and version of the detector.
            rows: How many were answered.
            seconds: Until it was answered.
            client: Host and port of the client, where all requests are written.
        """
        if not self._every:
            if status < 400:
                return
            if status < 500 or status in _REFUSED:
                lines = self._refused if status in _REFUSED else self._failed
                if not lines.take():
                    return
        fields: dict[str, object] = {
            "id": request_id.decode(),
            "endpoint": endpoint,
            "detector": version[0],
            "version": version[1],
            "status": status,
            "rows": rows,
            "ms": round(seconds * 1000, 2),
        }
        if self._every and client is not None:
            fields["client"] = f"{client[0]}:{client[1]}"
        level = logging.ERROR if status == 500 else logging.WARNING if status >= 400 else logging.INFO
        log.log(level, "request failed" if status >= 400 else "request", extra={"fields": fields})


class _Lines:
    """So many lines a second; of what is left out, the number is written.

    Args:
        most: Lines a second.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._began = -1.0
        self._written = self._left_out = 0

    def take(self) -> bool:
        """Return whether a line may be written now."""
        now = time.monotonic()
        if now - self._began >= 1.0:
            if self._left_out:
                log.warning("failed requests without a line of their own: %d", self._left_out)
            self._began, self._written, self._left_out = now, 0, 0
        self._written += 1
        if self._written > self._most:
            self._left_out += 1
        return self._written <= self._most
