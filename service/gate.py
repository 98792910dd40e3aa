"""The gate: what applies to every request, however it is answered. Today that is load shedding.

New requests are refused while the oldest waiting one has waited for too long.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final, Literal, TypeVar, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response

from models.threads import allowed_threads
from service.settings import Settings
from service.web.problems import CLOSE, RequestError, problem_of

Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

SMALL_BYTES: Final = 16_384
"""Largest body of a small request, which is scored on the event loop; larger ones wait for a thread."""

_SMALL_SHARE: Final = 0.005  # of the wait of a large request: a small one is that much less work
_RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds
_BURST: Final = 4  # times the wait: with less, a burst of some hundred requests would be refused


@final
class Gate:
    """Admits requests, and runs the work of large ones on threads.

    Authentication, metrics and request ids belong here, too: `admit` is called once for each request, by the protocol
    or by the middleware.

    Args:
        settings: Settings of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._tick = Tick(settings.max_wait_seconds * _SMALL_SHARE)
        self._large = Queue(settings.max_wait_seconds)
        self._refusal_of_small, self._refusal_of_large = _overloaded({}), _overloaded(CLOSE)
        self._in_tick = False
        self._threads = CapacityLimiter(allowed_threads())  # more would only take more memory
        self._unlimited = CapacityLimiter(math.inf)

    def admit(self, method: str, headers: Headers, *, waits_for: Literal["batch", "thread"] | None) -> Response | None:
        """Return the refusal of a request, None if it is admitted.

        Args:
            method: HTTP method; all but POST are admitted.
            headers: Names in lower case.
            waits_for: A micro-batch, when the body has come; a thread; or nothing.
        """
        if waits_for is None or method != "POST":
            return None
        if waits_for == "thread":
            return self.admit_large()
        if not self._in_tick:
            self._in_tick = True
            self._tick.begin()
            asyncio.get_running_loop().call_soon(self._end_tick)
        return self._refusal_of_small if self._tick.is_overloaded() else None

    def admit_large(self) -> Response | None:
        """Return the refusal of a request that has to wait for a thread, None if it is admitted."""
        return self._refusal_of_large if self._large.is_overloaded(time.monotonic()) else None

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Wait for a thread, run the work of a large request on it, and return the result."""
        ticket = object()
        self._large.enter(ticket, time.monotonic())
        try:
            await self._threads.acquire_on_behalf_of(ticket)
        finally:
            self._large.leave(ticket)
        try:
            return await run_sync(work, limiter=self._unlimited)
        finally:
            self._threads.release_on_behalf_of(ticket)

    def _end_tick(self) -> None:
        self._in_tick = False
        self._tick.end()


def _overloaded(headers: dict[str, str]) -> Response:
    detail = (
        "Requests have waited for too long already. Send it again later, start more services, or raise "
        "DETECTOR_MAX_WAIT_SECONDS."
    )
    return problem_of(RequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=_RETRY_AFTER | headers))


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
