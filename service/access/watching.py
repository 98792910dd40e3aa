"""Looks at the file of keys while the service runs, so that a new or a revoked key counts within a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, final

from service.access.callers import KeyFile, KeyRing

LOOK_SECONDS: Final = 1.0
"""Time between two looks at the file."""


@final
class Watch:
    """Looks at a file of keys again and again, on a thread.

    Each process does so for itself, from its first request on: before, it has no event loop.

    Args:
        file: The file.
        take: Takes new keys.
    """

    def __init__(self, file: KeyFile, take: Callable[[KeyRing], None]) -> None:
        self._file = file
        self._take = take
        self._loop: asyncio.AbstractEventLoop | None = None

    def keep_on(self) -> None:
        """Look at the file now and from now on, unless that has begun already."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        self._loop = loop
        self._receive(self._file.changed())
        loop.call_later(LOOK_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        def looked(looking: asyncio.Future[KeyRing | None]) -> None:
            if not looking.cancelled():
                self._receive(looking.result())
                loop.call_later(LOOK_SECONDS, self._look, loop)

        loop.run_in_executor(None, self._file.changed).add_done_callback(looked)

    def _receive(self, ring: KeyRing | None) -> None:
        if ring is not None:
            self._take(ring)
