"""Load shedding: new requests are refused while the oldest waiting one has waited for too long."""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """Small requests that are there in one tick of the event loop; the first of them is the oldest.

    What counts is the CPU time that the loop has spent since it came: a process that others keep from its CPU is not
    overloaded. A burst is not refused, as it is over soon: the tick before must have been too long, too.

    Args:
        max_wait: Seconds that a tick may take before others of its requests are refused.
        clock: Tells the thread's CPU time.
    """

    def __init__(self, max_wait: float, clock: Callable[[], float] = time.thread_time) -> None:
        self._max_wait = max_wait
        self._clock = clock
        self._began = 0.0
        self._was_long = False

    def begin(self) -> None:
        """Begin with the first request."""
        self._began = self._clock()

    def is_overloaded(self) -> bool:
        """Return True if the next request must be refused."""
        return self._was_long and self._is_long()

    def end(self) -> None:
        """End behind the last request."""
        self._was_long = self._is_long()

    def _is_long(self) -> bool:
        return self._clock() - self._began > self._max_wait
