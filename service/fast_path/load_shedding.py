"""Load shedding: new requests are refused while the oldest waiting one has waited for too long."""

from __future__ import annotations

from math import inf
from typing import final


@final
class Queue:
    """Large requests that wait for a thread, with the time since when.

    Args:
        max_wait: Seconds that the oldest may have waited before new ones are refused.
    """

    def __init__(self, max_wait: float) -> None:
        self._max_wait = max_wait
        self._since: dict[object, float] = {}

    def is_overloaded(self, now: float) -> bool:
        """Return True if a new request must be refused.

        Args:
            now: Seconds on a monotonic clock.
        """
        return now - next(iter(self._since.values()), now) > self._max_wait

    def enter(self, ticket: object, now: float) -> None:
        """Add a request."""
        self._since[ticket] = now

    def leave(self, ticket: object) -> None:
        """Remove a request: it has its thread, or its client has gone."""
        del self._since[ticket]


@final
class Tick:
    """Small requests that are there in one tick of the event loop, of which the oldest is the first.

    A burst is not refused, as it is over soon: the tick before must have been too long, too.

    Args:
        max_wait: Seconds that a tick may take before others of its requests are refused.
    """

    def __init__(self, max_wait: float) -> None:
        self._max_wait = max_wait
        self._began = self._ended = -inf
        self._was_long = False

    def begin(self, now: float) -> None:
        """Begin with the first request, at a time on a monotonic clock."""
        self._was_long = self._was_long and now - self._ended <= self._max_wait
        self._began = now

    def is_overloaded(self, now: float) -> bool:
        """Return True if the next request must be refused."""
        return self._was_long and now - self._began > self._max_wait

    def end(self, now: float) -> None:
        """End behind the last request."""
        self._was_long = now - self._began > self._max_wait
        self._ended = now
