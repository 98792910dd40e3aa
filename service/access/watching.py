"""Looks at what callers are known by while the service runs: the file of keys, and the keys of an issuer of tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class Watch(Generic[T]):
    """Looks at something again and again, on a thread, as long as the event loop runs.

    Each process does so for itself, from its first request on: before, it has no event loop.

    Args:
        look: Returns what is new, None if nothing is; raises nothing.
        take: Takes what is new, on the event loop.
        seconds: Time between two looks.
    """

    def __init__(self, look: Callable[[], T | None], take: Callable[[T], None], *, seconds: float) -> None:
        self._look = look
        self._take = take
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: asyncio.TimerHandle | None = None
        self._is_looking = False

    @property
    def has_begun(self) -> bool:
        """Return True if somebody looks."""
        return self._loop is not None

    def begin(self, *, at_once: bool = False) -> None:
        """Begin to look, on the event loop that runs; perhaps with a first look that it waits for."""
        self._loop = asyncio.get_running_loop()
        if at_once and (new := self._look()) is not None:
            self._take(new)
        self._next = self._loop.call_later(self._seconds, self.look_now)

    def look_now(self) -> None:
        """Look now, and not only when it is time again."""
        if self._is_looking or self._loop is None:
            return
        self._is_looking = True
        if self._next is not None:
            self._next.cancel()
        self._loop.run_in_executor(None, self._look).add_done_callback(self._looked)

    def _looked(self, looking: asyncio.Future[T | None]) -> None:
        self._is_looking = False
        if looking.cancelled() or self._loop is None:
            return
        self._next = self._loop.call_later(self._seconds, self.look_now)
        if (new := looking.result()) is not None:
            self._take(new)
