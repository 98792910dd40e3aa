"""Looks at the file of keys while the service runs, so that a new or a revoked key counts within a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from service.access.callers import KeyFile, KeyRing

LOOK_SECONDS: Final = 1.0
"""Time between two looks at the file."""


def begin_watching(file: KeyFile, take: Callable[[KeyRing], None]) -> None:
    """Look at a file of keys now, and again and again on a thread, as long as the event loop runs.

    Each process does so for itself, from its first request on: before, it has no event loop.

    Args:
        file: The file.
        take: Takes new keys.
    """
    loop = asyncio.get_running_loop()

    def receive(ring: KeyRing | None) -> None:
        if ring is not None:
            take(ring)
        loop.call_later(LOOK_SECONDS, look)

    def look() -> None:
        loop.run_in_executor(None, file.changed).add_done_callback(looked)

    def looked(looking: asyncio.Future[KeyRing | None]) -> None:
        if not looking.cancelled():
            receive(looking.result())

    receive(file.changed())
