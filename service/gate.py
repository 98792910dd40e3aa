"""The gate: load shedding, which applies to every request however it is answered, and the threads of large ones."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response

from models.threads import allowed_threads
from service.settings import Settings
from service.web.problems import CLOSE, RequestError, problem_of

T = TypeVar("T")

SMALL_BYTES: Final = 16_384
"""Largest body of a small request, which is scored on the event loop; larger ones wait for a thread."""

_SMALL_SHARE: Final = 0.005  # of the wait of a large request: a small one is that much less work
_BURST: Final = 4  # times the wait: with less, a burst of some hundred requests would be refused
_RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds


@final
class Gate:
    """Refuses requests while the oldest waiting one has waited for too long, and runs large ones on threads.

    Args:
        settings: Settings of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._tick = Tick(settings.max_wait_seconds * _SMALL_SHARE)
        self._max_wait = settings.max_wait_seconds
        self._waiting: dict[object, float] = {}  # large requests, since when they wait for a thread; oldest first
        self._refusal_of_small, self._refusal_of_large = _overloaded({}), _overloaded(CLOSE)
        self._in_tick = False
        self._threads = CapacityLimiter(allowed_threads())  # more would only take more memory
        self._unlimited = CapacityLimiter(math.inf)

    def admit_to_batch(self) -> Response | None:
        """Return the refusal of a request that is whole and would join a micro-batch, None if it is admitted."""
        if not self._in_tick:
            self._in_tick = True
            self._tick.begin()
            asyncio.get_running_loop().call_soon(self._end_tick)
        return self._refusal_of_small if self._tick.is_overloaded() else None

    def admit_large(self) -> Response | None:
        """Return the refusal of a request that has to wait for a thread, None if it is admitted."""
        now = time.monotonic()
        oldest = next(iter(self._waiting.values()), now)
        return self._refusal_of_large if now - oldest > self._max_wait else None

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Wait for a thread, run the work of a large request on it, and return the result."""
        ticket = object()
        self._waiting[ticket] = time.monotonic()
        try:
            await self._threads.acquire_on_behalf_of(ticket)
        finally:
            del self._waiting[ticket]  # it has its thread, or its client has gone
        try:
            return await run_sync(work, limiter=self._unlimited)
        finally:
            self._threads.release_on_behalf_of(ticket)

    def _end_tick(self) -> None:
        self._in_tick = False
        self._tick.end()


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


def _overloaded(headers: dict[str, str]) -> Response:
    detail = (
        "Requests have waited for too long already. Send it again later, start more services, or raise "
        "DETECTOR_MAX_WAIT_SECONDS."
    )
    return problem_of(RequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=_RETRY_AFTER | headers))
