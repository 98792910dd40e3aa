"""Follows the folder that is served: new detectors and versions, and aliases that another process has moved."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, final

from models.errors import BundleError
from models.repository import complaint_about_name
from service.registry.aliases import ALIASES_FILE
from service.registry.contents import entry_of
from service.registry.registry import Registry
from service.registry.table import Entry

LOOK_SECONDS: Final = 1.0
"""Time between two looks at the folder; longer where one takes longer than a twentieth of it."""

_REMOTE_SECONDS: Final = 30.0  # between two looks at a storage or registry elsewhere

_REST: Final = 20  # times as long as a look takes, until the next one

Mark = tuple[object, ...]
"""What of a folder changes when something in it does."""

log = logging.getLogger(__name__)


@final
class Follower:
    """Looks at the folder of a registry, and loads what is new beside what is served.

    Without the alias `champion`, a new version becomes the active one if it can be loaded; with it, the champion stays.

    Args:
        registry: The registry.
        watch: Look again and again; else only when `wake` is called.
    """

    def __init__(self, registry: Registry, *, watch: bool = True) -> None:
        self._registry = registry
        self._watch = watch
        self._marks: dict[str, Mark] = {}
        self._unsettled: set[str] = set()  # in whose versions something may still change
        self._is_asked = False
        self._refreshed = time.monotonic()  # the copies of what lies elsewhere
        self._woken: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look again soon; may be called from a handler of a signal."""
        self._is_asked = True
        if self._loop is not None and self._woken is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    @asynccontextmanager
    async def following(self, app: object) -> AsyncIterator[None]:
        """Look once, then follow the folder until the block ends."""
        await asyncio.to_thread(self.look)
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        task = self._loop.create_task(self._follow(self._woken))
        try:
            yield
        finally:
            task.cancel()

    async def _follow(self, woken: asyncio.Event) -> None:
        rest: float | None = LOOK_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest if self._watch else None):
                    await woken.wait()
            woken.clear()
            began = time.monotonic()
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # the next look may succeed
                log.exception("the folder of detectors could not be looked at")
            rest = max(LOOK_SECONDS, _REST * (time.monotonic() - began))

    def look(self) -> None:
        """Take what has changed since the last look; of what lies elsewhere, now and then or when woken."""
        remote = self._registry.remote
        if remote is not None and (self._is_asked or time.monotonic() - self._refreshed > _REMOTE_SECONDS):
            self._is_asked = False
            try:
                remote.refresh()
            except BundleError as error:
                log.warning("%s", error)
            self._refreshed = time.monotonic()
        found = dict(self._folders())
        entries = self._registry.table.entries
        for name, (folder, mark) in found.items():
            seen = (*mark, *_marks_within(folder)) if name in self._unsettled else mark
            if self._marks.get(name) == seen:
                continue
            self._take(name, folder)
            self._marks[name] = seen
            self._unsettled.discard(name)
            if _is_unsettled(self._registry.table.entries.get(name), folder):
                self._unsettled.add(name)
        for name, entry in entries.items():
            if name not in found and entry.folder is not None:
                self._marks.pop(name, None)
                self._miss(name)

    def _folders(self) -> Iterator[tuple[str, tuple[Path, Mark]]]:
        """Yield the folder of each detector by name, with its mark."""
        path = self._registry.path
        if path is None:
            return
        for entry in self._registry.table.entries.values():
            if entry.folder == path:  # one detector's folder, whose name is another
                with suppress(OSError):
                    yield entry.name, (path, _mark_of(path, path.stat()))
                return
        with suppress(OSError), os.scandir(path) as inner:
            for item in inner:
                if item.is_dir() and not item.name.startswith(".") and not complaint_about_name(item.name):
                    yield item.name, (path / item.name, _mark_of(item.path, item.stat()))

    def _take(self, name: str, folder: Path) -> None:
        """Take the state of a detector's folder: load its wanted version if another is loaded."""
        found = entry_of(name, folder)
        if name not in self._registry.table.entries:
            if found is not None:
                self._registry.put(found)
                log.info("new: the detector %r, version %s", name, found.active)
            return
        if found is None:
            self._miss(name)
            return
        with self._registry.changing(name) as served:
            found = entry_of(name, folder) or found
            if found.blocked is not None:
                settled = replace(served, bundles=found.bundles, problem=found.blocked)
            elif self._registry.table.active(name) is None:
                settled = found
            else:
                settled = self._registry.settled(found, before=served.active, again=True)
            if settled != served:
                self._registry.put(settled)
        if settled.active != served.active:
            log.info("version %s of the detector %r is active, %s was", settled.active, name, served.active)
        if settled.problem not in (None, served.problem):
            log.warning("version %s of the detector %r stays active: %s", settled.active, name, settled.problem)

    def _miss(self, name: str) -> None:
        """Take that the folder of a detector is gone, or has no version: what is loaded is served on."""
        with self._registry.changing(name) as served:
            if self._registry.table.active(name) is None:
                self._registry.remove(name)
                log.warning("gone: the detector %r, whose folder has no version any more", name)
            elif served.problem != _GONE:
                self._registry.put(replace(served, problem=_GONE))
                log.warning("the detector %r: %s", name, _GONE)


_GONE: Final = "Its folder is gone, or has no version any more; the version in memory is served on."


def _mark_of(folder: str | Path, status: os.stat_result) -> Mark:
    """Return the mark of a detector's folder: its versions came or went, or its aliases were written."""
    aliases = 0
    with suppress(OSError):
        aliases = os.stat(os.path.join(folder, ALIASES_FILE)).st_mtime_ns  # noqa: PTH116, PTH118  # a thousand a second
    return status.st_mtime_ns, status.st_ino, aliases


def _is_unsettled(entry: Entry | None, folder: Path) -> bool:
    """Return whether something within the versions may still change: one is being copied, or is damaged."""
    if entry is None or entry.problem is not None:
        return True
    with suppress(OSError), os.scandir(folder) as inner:
        return any(item.name.isdecimal() and item.name not in entry.bundles for item in inner)
    return False


def _marks_within(folder: Path) -> Iterator[Mark]:
    """Yield the marks of the files of all versions of a detector."""
    for path in sorted(folder.glob("*/*")):
        with suppress(OSError):
            status = path.stat()
            yield str(path), status.st_size, status.st_mtime_ns, status.st_ino
