"""Load shedding: new requests are refused while the oldest waiting one has waited for too long."""

from __future__ import annotations

from collections.abc import Hashable
from typing import final


@final
class Queue:
    """The requests that wait for a CPU, with the time since when.

    Args:
        max_wait: Seconds that the oldest may have waited before new ones are refused.
    """

    def __init__(self, max_wait: float) -> None:
        self._max_wait = max_wait
        self._since: dict[Hashable, float] = {}

    def is_overloaded(self, now: float) -> bool:
        """Return True if a new request must be refused: the oldest one has waited too long.

        Args:
            now: Seconds on a monotonic clock.
        """
        oldest = next(iter(self._since.values()), now)
        return now - oldest > self._max_wait

    def enter(self, ticket: Hashable, now: float) -> None:
        """Add a request, or some that came together, under a ticket; one that is there keeps its time."""
        self._since.setdefault(ticket, now)

    def leave(self, ticket: Hashable) -> None:
        """Remove a request: it waits no longer."""
        self._since.pop(ticket, None)
