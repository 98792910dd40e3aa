"""Load shedding: new requests are refused while the oldest waiting one has waited for too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

_BURST: Final = 4  # times the wait: with less, a burst of some hundred requests would be refused


@final
class Queue:
    """Large requests that wait for a thread, and since when.

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
    """Small requests that arrive in one tick of the event loop; the first of them is the oldest.

    Their wait is the CPU time that the loop has spent since then: a process that gets no CPU is not overloaded. A burst
    is over soon and is not refused: overload begins after a tick of `_BURST` times the wait, and ends with a short one.

    Args:
        max_wait: Seconds that the oldest may have waited before new ones are refused.
        clock: Returns the CPU time of the thread.
    """

    def __init__(self, max_wait: float, clock: Callable[[], float] = time.thread_time) -> None:
        self._max_wait = max_wait
        self._clock = clock
        self._began = 0.0
        self._is_shedding = False

    def begin(self) -> None:
        """Begin a tick with its first request."""
        self._began = self._clock()

    def is_overloaded(self) -> bool:
        """Return True if a new request must be refused."""
        return self._is_shedding and self._clock() - self._began > self._max_wait

    def end(self) -> None:
        """End a tick after its last request."""
        longest = self._max_wait * (1 if self._is_shedding else _BURST)
        self._is_shedding = self._clock() - self._began > longest
