"""The gate: what applies to every request, however it is answered. Today that is admission."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final, TypeVar, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response

from models.threads import allowed_threads
from service.fast_path.load_shedding import Queue, Tick
from service.settings import Settings
from service.web.problems import CLOSE, RequestError, problem_of

Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

SMALL_BYTES: Final = 16_384
"""Largest body of a small request, which is scored on the event loop; larger ones wait for a thread."""

_SMALL_SHARE: Final = 0.005  # of the wait of a large request: a small one is that much less work
_RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds


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

    def admit(self, method: str, headers: Headers, *, large: bool) -> Response | None:
        """Return the refusal of a request, None if it is admitted.

        Args:
            method: HTTP method; all but POST are admitted.
            headers: Names in lower case.
            large: The request has to wait for a thread.
        """
        return self.admit_large() if large and method == "POST" else None

    def admit_to_batch(self) -> Response | None:
        """Return the refusal of a request that is whole and would join a micro-batch, None if it is admitted."""
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
