"""Cancels work on a thread: a thread cannot be ended from outside, so the work looks at its `Cancellation`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Final, TypeVar, final

from service.budget import BUDGET
from service.web.problems import RequestError

T = TypeVar("T")

_NEVER: Final = float("inf")
_TOO_LONG: Final = (
    f"Answering these records took more than {BUDGET.thread_seconds:g} s of CPU time. Send fewer records a request."
)


class CancelledWorkError(Exception):
    """Ends work on a thread for which nobody waits any more."""


@final
class Cancellation:
    """Whether the work for a request is to end early: its client has left, the service ends, or it took too long.

    Whatever works on a thread looks at it between chunks, at least about once a second.

    Args:
        seconds: CPU time that one piece of work may take.
        clock: Returns the CPU time of the thread.
    """

    def __init__(self, seconds: float = BUDGET.thread_seconds, clock: Callable[[], float] = time.thread_time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = _NEVER  # on the event loop there is no end, and reading the clock takes some microseconds
        self._is_cancelled = False

    def begin(self) -> None:
        """Begin with a piece of work, on the thread that does it."""
        self._end = self._clock() + self._seconds

    def cancel(self) -> None:
        """End the work at its next look; any thread may say so."""
        self._is_cancelled = True

    def check(self) -> None:
        """Look whether the work is to end.

        Raises:
            CancelledWorkError: Nobody waits for it.
            RequestError: It has taken too long.
        """
        if self._is_cancelled:
            raise CancelledWorkError
        if self._end < _NEVER and self._clock() > self._end:
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LONG)

    def checked(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items, with a look before each."""
        for item in items:
            self.check()
            yield item
