"""The gate that every request passes, however it is answered: admission, load shedding, the threads of large ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from http import HTTPStatus
from typing import Final, TypeVar, final

from anyio import CapacityLimiter
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from models.threads import allowed_threads
from service.access.access import Access
from service.access.limits import Admission
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.observing.observer import Observer
from service.settings import Settings, spelt
from service.web.problems import CLOSE, RETRY_LATER, RequestError, problem_of

Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

PROBES: Final = frozenset(["/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"])
"""Paths that are answered at any load."""

SMALL_BYTES: Final = 16_384
"""Largest body of a small request, which is scored on the event loop; larger ones wait for a thread."""

_SMALL_SHARE: Final = 0.01  # of the wait of a large request: a small one is that much less work
_BURST: Final = 2  # times the wait: with less, a burst of some hundred requests would be refused
_LONG: Final = 10  # times the wait: a tick of requests that are answered one by one, each of some milliseconds
_OF_BODIES: Final = frozenset([b"content-length", b"transfer-encoding"])
_LEAST: Final = 0.1  # of the wait: what each tick has for answers


_ADMITTED: Final = Admission(None)
_LIMIT: Final = HTTPStatus.TOO_MANY_REQUESTS.value


@final
class Gate:
    """Refuses requests while the oldest waiting one has waited for too long, and runs large ones on threads.

    `admit` is called once for each request, by the protocol or by the middleware: what applies to all of them, such as
    authentication, metrics and request ids, belongs there. All that is answered on the event loop but `PROBES` is
    counted by one clock, whoever answers it: it is admitted by `admit_to_batch` or `admit_to_routes`.

    Args:
        settings: Settings of the service.
        observer: Counts what is refused; None for nobody.
        access: Knows who may do what; None where everybody may do everything.
    """

    def __init__(self, settings: Settings, observer: Observer | None = None, access: Access | None = None) -> None:
        self._observer = observer
        self._access = access
        self._tick = Tick(settings.max_wait_seconds * _SMALL_SHARE)
        self._max_wait = settings.max_wait_seconds
        self._waiting: dict[object, float] = {}  # large requests, since when they wait for a thread; oldest first
        self._refusal_of_small, self._refusal_of_large = _overloaded({}), _overloaded(CLOSE)
        self._in_tick = self._has_taken = False
        self._streams = 0
        threads = allowed_threads()  # more would only take more memory
        self._free = CapacityLimiter(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="large request")

    def admit(self, method: str, path: str, headers: Headers, *, to_batch: bool) -> Admission:
        """Return whether a request is admitted whose headers have come.

        Args:
            method: HTTP method.
            path: Decoded path, as routes match it.
            headers: Names in lower case.
            to_batch: It is going to be asked of `admit_to_batch` when it is whole.
        """
        meter = None if self._access is None else self._access.admit(method, path, headers)
        if isinstance(meter, RequestError):
            refusal = problem_of(meter.closing() if _has_large_body(headers) else meter)
            return Admission(self.refused("limit" if refusal.status_code == _LIMIT else "access", refusal))
        if not (to_batch or method != "POST" or _is_small(headers)) and (overload := self.admit_large()):
            if meter is not None:
                meter.end()
            return Admission(overload)
        return _ADMITTED if meter is None else meter.admission

    def admit_to_batch(self, *, behind: bool = False) -> Response | None:
        """Return the refusal of a request that is whole and would join a micro-batch, None if it is admitted.

        Args:
            behind: More requests of earlier ticks wait to be scored than the next ticks have time for.
        """
        self._begin_tick()
        if behind:
            self._tick.refuse()
        return self.refused("overload", self._refusal_of_small) if self._tick.is_overloaded() else None

    def admit_to_routes(self, method: str, headers: Headers) -> Response | None:
        """Return the refusal of a request that the routes would answer, None if it is admitted."""
        self._begin_tick()
        if not (self._tick.is_overloaded() or self._tick.is_long()):
            return None
        is_small = method != "POST" or _is_small(headers)
        return self.refused("overload", self._refusal_of_small if is_small else self._refusal_of_large)

    def admit_large(self) -> Response | None:
        """Return the refusal of a request that has to wait for a thread, None if it is admitted."""
        now = time.monotonic()
        oldest = next(iter(self._waiting.values()), now)
        return self.refused("threads", self._refusal_of_large) if now - oldest > self._max_wait else None

    def take_when_idle(self) -> bool:
        """Return True, once a tick, while no large request waits or is being answered."""
        self._begin_tick()
        if self._has_taken or self._waiting or self._free.borrowed_tokens:
            return False
        self._has_taken = True
        return True

    def admit_stream(self) -> Response | None:
        """Return the refusal of a stream, None if it is admitted: then call `end_stream` when it has ended."""
        if self._streams >= BUDGET.open_streams:
            detail = f"{self._streams} streams are open already. Send it again later, or start more services."
            error = RequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_LATER | CLOSE)
            return self.refused("streams", problem_of(error))
        self._streams += 1
        return None

    def refused(self, reason: str, refusal: T) -> T:
        """Return a refusal, which is counted."""
        if self._observer is not None:
            self._observer.refused(reason)
        return refusal

    @property
    def waiting(self) -> int:
        """How many large requests wait for a thread."""
        return len(self._waiting)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams

    def end_stream(self) -> None:
        """Make room for another stream."""
        self._streams -= 1

    async def on_thread(
        self, work: Callable[[], T], *, cancellation: Cancellation, receive: Receive | None = None
    ) -> T:
        """Wait for a thread, run the work of a large request on it, and return the result.

        Args:
            work: Looks at the cancellation, and ends soon when that is cancelled; its thread is taken until then.
            cancellation: Is cancelled when nobody waits for the work any more.
            receive: Receives that the client has left; None where nobody may, as its body is still coming.

        Raises:
            ClientDisconnect: The client has left.
        """
        working = asyncio.create_task(self._work(work, cancellation))
        waiting = [working] if receive is None else [working, asyncio.create_task(_departure(receive))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientDisconnect
            return working.result()
        finally:
            if not working.done():
                cancellation.cancel()
            for task in waiting:
                task.cancel()

    async def _work(self, work: Callable[[], T], cancellation: Cancellation) -> T:
        ticket, loop = object(), asyncio.get_running_loop()
        self._waiting[ticket] = time.monotonic()
        try:
            await self._free.acquire_on_behalf_of(ticket)
        finally:
            del self._waiting[ticket]  # it has its thread, or its client has gone

        def run() -> T:
            cancellation.begin()
            return work()

        def free(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._free.release_on_behalf_of, ticket)

        future = self._threads.submit(copy_context().run, run)
        future.add_done_callback(free)
        return await asyncio.wrap_future(future)

    def _begin_tick(self) -> None:
        if not self._in_tick:
            self._in_tick = True
            self._tick.begin()
            asyncio.get_running_loop().call_soon(self._end_tick)

    def _end_tick(self) -> None:
        self._in_tick = self._has_taken = False
        self._tick.end()


@final
class SheddingMiddleware:
    """Refuses what the routes would answer while the event loop is overloaded, and queries without end.

    Probes are always answered.

    Args:
        app: The routes.
        gate: Admits requests.
    """

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["query_string"].count(b"&") >= BUDGET.query_parameters:
            return _TOO_MANY_PARAMETERS
        if scope["path"].removeprefix(scope.get("root_path", "")) in PROBES:
            return None
        return self._gate.admit_to_routes(scope["method"], scope["headers"])


@final
class Tick:
    """What is answered on the event loop in one tick of it.

    The oldest may have arrived just after the loop had begun the tick before: its wait is the CPU time since then. A
    process that gets no CPU is not overloaded. A burst, or a machine that halts for a moment, is over soon and is not
    refused: overload begins after two ticks in a row of `_BURST` times the wait, and ends with a tick in which nothing
    is refused.

    Args:
        max_wait: Seconds that the oldest may have waited before new ones are refused.
        clock: Returns the CPU time of the thread.
    """

    def __init__(self, max_wait: float, clock: Callable[[], float] = time.thread_time) -> None:
        self._max_wait = max_wait
        self._clock = clock
        self._began = self._began_before = 0.0
        self._was_long = self._is_shedding = self._has_refused = False

    def begin(self) -> None:
        """Begin a tick with its first request."""
        self._began_before, self._began = self._began, self._clock()
        self._has_refused = False

    def refuse(self) -> None:
        """Refuse all further requests of this tick."""
        self._has_refused = True

    def is_overloaded(self) -> bool:
        """Return True if a new request must be refused."""
        if not self._is_shedding or self._has_refused:
            return self._has_refused
        now = self._clock()
        # Some are taken in each tick, or a crowd of clients that send again at once would keep all others out.
        if now - self._began_before <= self._max_wait or now - self._began <= _LEAST * self._max_wait:
            return False
        self._has_refused = True
        return True

    def is_long(self) -> bool:
        """Return True, and refuse all further requests, in a tick that is too long even for a burst."""
        if self._clock() - self._began > _LONG * self._max_wait:
            self._has_refused = True
        return self._has_refused

    def end(self) -> None:
        """End a tick after its last request."""
        was_long, self._was_long = self._was_long, self._clock() - self._began > _BURST * self._max_wait
        self._is_shedding = self._has_refused or (was_long and self._was_long)


async def _departure(receive: Receive) -> None:
    """Return when the client of a request whose body has come has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_small(headers: Headers) -> bool:
    declared = next((value for name, value in headers if name == b"content-length"), b"")
    return declared.isdigit() and len(declared) <= len(str(SMALL_BYTES)) and int(declared) <= SMALL_BYTES


def _has_large_body(headers: Headers) -> bool:
    """Return True if a body is announced that is not small: it is not read to its end for a refusal."""
    return any(name in _OF_BODIES for name, _ in headers) and not _is_small(headers)


def _overloaded(headers: dict[str, str]) -> Response:
    detail = (
        "Requests have waited for too long already. Send it again later, start more services, or raise "
        f"{spelt('max_wait_seconds')}."
    )
    return problem_of(RequestError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_LATER | headers))


_TOO_MANY_PARAMETERS: Final = problem_of(
    RequestError(
        HTTPStatus.REQUEST_URI_TOO_LONG,
        f"The query has more than {BUDGET.query_parameters} parameters. Send those that /docs lists, once each.",
        headers=CLOSE,
    )
)
