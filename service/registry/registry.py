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
from models.errors import BundleError, DetectorError
from models.languages import LANGUAGES, Language
from service.api.schemas import example_record
from service.registry.contents import Contents
from service.registry.errors import BusyError, NotServedError
from service.registry.table import CHAMPION, Entry, Key, Loaded, Table

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
    """

    def __init__(self, *detectors: Detector) -> None:
        entries = {one.name: Entry(name=one.name, bundles={}, active=one.version) for one in detectors}
        loaded = {(one.name, one.version): Loaded(one) for one in detectors}
        self.table = Table(entries=entries, loaded=loaded, default=detectors[0].name if detectors else None)
        self._language = LANGUAGES["en"]
        self._trusted: TrustedKeys | None = None
        self._most = MOST_LOADED
        self._watched: Callable[[Detector], Detector] = _as_it_is
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
        default: str | None = None,
        language: Language = LANGUAGES["en"],
        trusted: TrustedKeys | None = None,
        most: int = MOST_LOADED,
    ) -> Registry:
        """Return a registry of all detectors in a path; the default one is loaded, the others when they are asked for.

        Args:
            path: A bundle, a detector's folder, or a folder of detectors.
            default: Name of the detector that answers where none is named; the only one if there is one.
            language: In which reasons are said.
            trusted: The keys of which one must have signed each bundle; None where none need be signed.
            most: How many detectors may be loaded at the same time.

        Raises:
            BundleError: The path means no bundle, or that of the default detector is damaged, or signed by none of the
                trusted keys.
            UnknownDetectorError: There is no detector with the name of the default.
        """
        registry = cls()
        registry._language, registry._trusted, registry._most = language, trusted, most
        entries = Contents(path).entries()
        if default is None and len(entries) == 1:
            [default] = entries
        registry.table = Table(entries=entries, loaded={}, default=default)
        if default is not None:
            try:
                registry.load(default)
            except NotServedError as error:
                raise BundleError(str(error.__cause__)) from error  # with the path
        registry._has_started = True
        return registry

    def observe(self, watched: Callable[[Detector], Detector]) -> None:
        """Have the rows of all detectors counted, also of those that are loaded later.

        Args:
            watched: Returns a detector that is watched.
        """
        with self._replacing() as table:
            self._watched = watched
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
        self.table.entry(name)
        with self._locks.setdefault(name, threading.Lock()):
            entry = self.table.entry(name)
            if version is not None:
                return self._take(entry, entry.require(version))
            if (found := self.table.active(name)) is not None:
                return found.detector
            wanted = entry.aliases.get(CHAMPION)
            return self._take_first(entry, list(reversed(entry.versions)) if wanted is None else [wanted])

    def _take_first(self, entry: Entry, versions: list[str]) -> Detector:
        """Return the first of some versions that can be loaded, and make it the active one."""
        problem = None
        for version in versions:
            try:
                detector = self._take(entry, version)
            except NotServedError as error:
                problem = problem or error
                continue
            self._write(replace(entry, active=version, problem=None if problem is None else str(problem)))
            if problem is not None:
                log.warning(
                    "version %s of the detector %r is served in place of a newer one: %s", version, entry.name, problem
                )
            return detector
        problem = problem or NotServedError(f"The detector {entry.name!r} has no version.")
        self._write(replace(entry, problem=str(problem)))
        raise problem

    def _take(self, entry: Entry, version: str) -> Detector:
        """Return a version, loaded and checked."""
        key = (entry.name, version)
        if (found := self.table.loaded.get(key)) is not None:
            return found.detector
        failed, known = self._failed.get(key, (0.0, None))
        if known is not None and time.monotonic() - failed < _AGAIN_SECONDS:
            raise NotServedError(str(known)) from known.__cause__
        try:
            detector = self._checked(entry, version)
        except DetectorError as cause:
            path = entry.bundles[version]
            why = str(cause).removeprefix(f"{path}: ")
            error = NotServedError(f"Version {version} of the detector {entry.name!r} cannot be loaded: {why}")
            self._failed[key] = time.monotonic(), error
            if self._has_started:  # before, the program prints it
                log.error("version %s of the detector %r cannot be loaded: %s", version, entry.name, cause)
            raise error from cause
        self._failed.pop(key, None)
        with self._replacing() as table:
            detector = self._watched(detector)
            self.table = table.with_loaded(Loaded(detector), most=self._most)
        return detector

    def _checked(self, entry: Entry, version: str) -> Detector:
        """Load a bundle, with its digests, format and probe, and score a record as a request would.

        Raises:
            BundleError: It is damaged, or scores no record.
        """
        path = entry.bundles[version]
        detector = load_detector(path, trusted=self._trusted)
        detector = replace(detector, name=entry.name, version=version, language=self._language)
        if not np.isfinite(detector.score_records([example_record(detector)]).anomaly_score).all():
            raise BundleError(f"{path}: its score of a typical record is no number. Train it anew.")
        return detector

    def _write(self, entry: Entry) -> None:
        with self._replacing() as table:
            self.table = table.with_entry(entry)

    @contextmanager
    def _replacing(self) -> Iterator[Table]:
        with self._writing:
            yield self.table


def _as_it_is(detector: Detector) -> Detector:
    return detector
