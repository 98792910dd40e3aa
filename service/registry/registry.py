"""The registry: hands out detectors, loads those that are not loaded, and unloads those that are not asked for."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, final

import numpy as np

from models.bundle import TrustedKeys, load_detector
from models.detector import Detector
from models.errors import BundleError, BusyError, DetectorError, NotServedError
from models.languages import LANGUAGES, Language
from service.api.schemas import example_record
from service.registry.contents import Contents
from service.registry.remote import Remote
from service.registry.table import Entry, Key, Loaded, Table, listed

MOST_LOADED: Final = 100
"""Detectors that are in memory at the same time, if nothing else is said."""

_THREADS: Final = 2  # that load detectors: each is work for one CPU
_AGAIN_SECONDS: Final = 5.0  # after which a bundle that could not be loaded is tried again

_MOST_COMING: Final = 64  # detectors that are waited for

log = logging.getLogger(__name__)


@final
class Registry:
    """Owns the table of detectors. A reader takes its detector once, at the start of a request, and keeps it.

    Loading is done on threads, beside what is served, one load at a time for each detector.

    Args:
        detectors: Live in memory alone; the first is the default.

    Attributes:
        table: All detectors, as they are now; it is replaced as a whole.
        path: Where they lie; None for those that live in memory alone.
        count: Is called with the name of a detector and `swapped` or `failed`, on any thread, when its version changes.
    """

    def __init__(self, *detectors: Detector) -> None:
        entries = {one.name: Entry(name=one.name, bundles={}, active=one.version) for one in detectors}
        loaded = {(one.name, one.version): Loaded(one) for one in detectors}
        self.table = Table(entries=entries, loaded=loaded, default=detectors[0].name if detectors else None)
        self.path: Path | None = None
        self._language = LANGUAGES["en"]
        self.remote: Remote | None = None
        self._trusted: TrustedKeys | None = None
        self._most = MOST_LOADED
        self._watched: tuple[Callable[[Detector], Detector], ...] = ()
        self.count: Callable[[str, str], None] = lambda name, outcome: None
        self._has_started = False
        self._writing = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._failed: dict[Key, tuple[float, NotServedError]] = {}
        self._coming: dict[tuple[str, str | None], Future[Detector]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="load a detector")

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        remote: Remote | None = None,
        default: str | None = None,
        language: Language = LANGUAGES["en"],
        trusted: TrustedKeys | None = None,
        most: int = MOST_LOADED,
        load: bool = True,
    ) -> Registry:
        """Return a registry of all detectors in a path; the default one is loaded, the others when they are asked for.

        Args:
            path: A bundle, a detector's folder, or a folder of detectors.
            remote: Where the folder is the copy of what lies elsewhere: that.
            default: Name of the detector that answers where none is named; the only one if there is one.
            language: In which reasons are said.
            trusted: The keys of which one must have signed each bundle; None where none need be signed.
            most: How many detectors may be loaded at the same time.
            load: Load the default one now.

        Raises:
            BundleError: The path means no bundle, or that of the default detector is damaged, or signed by none of the
                trusted keys.
            UnknownDetectorError: There is no detector with the name of the default.
        """
        registry = cls()
        registry.path = path
        registry._language, registry._trusted, registry._most, registry.remote = language, trusted, most, remote
        entries = Contents(path).entries()
        if default is None and len(entries) == 1:
            [default] = entries
        registry.table = Table(entries=entries, loaded={}, default=default)
        if default is not None:
            registry.table.entry(default)
        if default is not None and load:
            try:
                registry.load(default)
            except NotServedError as error:
                raise BundleError(str(error.__cause__ or error)) from error  # the cause has the path
        registry._has_started = True
        return registry

    def watch(self, watched: Callable[[Detector], Detector]) -> None:
        """Have the rows of all detectors watched, also of those that are loaded later.

        Args:
            watched: Returns a detector that is watched.
        """
        with self._replacing() as table:
            self._watched = (*self._watched, watched)
            loaded = {key: Loaded(watched(found.detector)) for key, found in table.loaded.items()}
            self.table = replace(table, loaded=loaded)

    def active(self, name: str | None = None) -> Detector:
        """Return the active version of a detector, of the default one if no name is given; load it if need be.

        Raises:
            UnknownDetectorError: There is no detector of that name, or none is the default.
            NotServedError: It cannot be loaded.
        """
        found = self.table.active(name)
        return self.load(self.table.entry(name).name) if found is None else found.detector

    async def get(self, name: str | None = None, version: str | None = None) -> Detector:
        """Return a detector: the default one if no name is given, the active version if none is; load it if need be.

        Raises:
            UnknownDetectorError: There is no detector or version of that name, or none is the default.
            NotServedError: It cannot be loaded.
            BusyError: Many others are being loaded.
        """
        table = self.table
        entry = table.entry(name)
        found = table.loaded.get((entry.name, entry.active if version is None else entry.require(version)))
        if found is not None:
            found.used = time.monotonic()
            return found.detector
        key = (entry.name, version)
        coming = self._coming.get(key)
        if coming is None:
            if len(self._coming) >= _MOST_COMING:
                raise BusyError(
                    "Many detectors are being loaded already. Send it again later, or raise --max-detectors."
                )
            coming = self._coming[key] = self._threads.submit(self.load, *key)
            coming.add_done_callback(lambda _: self._coming.pop(key, None))
        return await asyncio.shield(asyncio.wrap_future(coming))

    def load(self, name: str, version: str | None = None) -> Detector:
        """Load a version of a detector, the active one if none is named, and return it; at once if it is loaded.

        Without the alias `champion`, the latest version that can be loaded becomes the active one.

        Raises:
            UnknownDetectorError: There is no detector or version of that name.
            NotServedError: It cannot be loaded.
        """
        with self.changing(name) as entry:
            if version is not None:
                return self.take(entry, entry.require(version))
            if (found := self.table.active(name)) is not None:
                return found.detector
            if entry.blocked is not None:
                raise NotServedError(
                    f"It is not known which version of the detector {name!r} is active: {entry.blocked}"
                )
            try:
                settled = self.settled(entry)
            except NotServedError as error:
                self.put(replace(entry, problem=str(error)))
                raise
            self.put(settled)
            return self.take(settled, settled.active)

    @contextmanager
    def changing(self, name: str) -> Iterator[Entry]:
        """Give a detector to one thread at a time, which loads it or changes it.

        Raises:
            UnknownDetectorError: There is no detector of that name.
        """
        self.table.entry(name)
        with self._locks.setdefault(name, threading.Lock()):
            yield self.table.entry(name)

    def settled(self, entry: Entry, *, before: str | None = None, again: bool = False) -> Entry:
        """Return a detector with the wanted version active, which is loaded and checked; call it within `changing`.

        Args:
            entry: The detector.
            before: A version that goes on being active if none that is wanted can be loaded.
            again: Try those that could not be loaded a moment ago.

        Raises:
            NotServedError: None can be loaded, and there is no version before.
        """
        problem: NotServedError | None = None
        for version in entry.wanted:
            try:
                self.take(entry, version, again=again)
            except NotServedError as error:
                problem = problem or error
                continue
            break
        else:
            if before is None:
                raise problem or NotServedError(f"The detector {entry.name!r} has no version.")
            version = before
        if problem is not None and version != before:
            log.warning("version %s of %r is active in place of a newer one: %s", version, entry.name, problem)
        return replace(entry, active=version, problem=None if problem is None else str(problem))

    def take(self, entry: Entry, version: str, *, again: bool = False) -> Detector:
        """Return a version of a detector, loaded and checked; call it within `changing`.

        Args:
            entry: The detector.
            version: The version.
            again: Try it even if it could not be loaded a moment ago.

        Raises:
            NotServedError: It cannot be loaded.
        """
        key = (entry.name, version)
        if (found := self.table.loaded.get(key)) is not None:
            return found.detector
        failed, known = self._failed.get(key, (0.0, None))
        if known is not None and not again and time.monotonic() - failed < _AGAIN_SECONDS:
            raise NotServedError(str(known)) from known.__cause__
        try:
            detector = self._checked(entry, version)
        except DetectorError as cause:
            why = str(cause).removeprefix(f"{entry.bundles.get(version)}: ")
            error = NotServedError(f"Version {version} of the detector {entry.name!r} cannot be loaded: {why}")
            self._failed[key] = time.monotonic(), error
            if self._has_started and str(known) != str(error):  # before, the program prints it
                self.count(entry.name, "failed")
                log.error("version %s of the detector %r cannot be loaded: %s", version, entry.name, cause)
            raise error from cause
        self._failed.pop(key, None)
        with self._replacing() as table:
            for watched in self._watched:
                detector = watched(detector)
            self.table = table.with_loaded(Loaded(detector), most=self._most)
        return detector

    def _checked(self, entry: Entry, version: str) -> Detector:
        """Load a bundle, with its digests, format and probe, and score a record as a request would.

        Raises:
            BundleError: It is damaged, or scores no record.
        """
        if (path := entry.bundles.get(version)) is None:
            raise BundleError(f"there is no such version. There is {listed(entry.versions)}.")
        detector = load_detector(path, trusted=self._trusted)
        detector = replace(detector, name=entry.name, version=version, language=self._language)
        if not np.isfinite(detector.score_records([example_record(detector)]).anomaly_score).all():
            raise BundleError(f"{path}: its score of a typical record is no number. Train it anew.")
        return detector

    def put(self, entry: Entry) -> None:
        """Replace the table by one with another state of a detector."""
        with self._replacing() as table:
            self.table = table.with_entry(entry)
        before = table.entries.get(entry.name)
        if before is not None and before.active != entry.active and (entry.name, before.active) in table.loaded:
            self.count(entry.name, "swapped")

    def remove(self, name: str) -> None:
        """Replace the table by one without a detector."""
        with self._replacing() as table:
            self.table = table.without(name)

    @contextmanager
    def _replacing(self) -> Iterator[Table]:
        with self._writing:
            yield self.table
