"""The observer, which counts what a worker answers: on its way a request costs one number in a list."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from models.detector import Detector
from service.observing.scored import ScoredRows, histogram_of
from service.observing.shared_values import Block, Key, SharedValues

Version = tuple[str, str]
"""Name and version of a detector."""

NO_DETECTOR: Final[Version] = ("", "")
"""Of a request that is answered without one, or before one was looked up."""

_FOLD_SECONDS: Final = 1.0  # after which what was seen is there for other workers

clock: Final = time.perf_counter


@final
class Observer:
    """Counts requests, rows and what becomes of them.

    What is seen is kept in lists, and counted a second later, or when it is asked for: many at a time by NumPy.

    Args:
        workers: Processes that count together.
    """

    def __init__(self, workers: int = 1) -> None:
        self.gauges: Mapping[str, Callable[[], float]] = {}
        self._values = SharedValues(workers)
        self._lock = threading.Lock()
        self._blocks: dict[Key, Block] = {}
        self._seconds: dict[tuple[str, int, Version], list[float]] = {}
        self._scored: dict[Version, ScoredRows] = {}
        self._due = 0.0  # when what was seen is counted at the latest

    def begin(self, worker: int) -> None:
        """Begin as one of the workers, before the first request."""
        self._values.begin(worker)
        self._blocks.clear()

    def watched(self, detector: Detector) -> Detector:
        """Return a detector whose rows are counted."""
        version = detector.name, detector.version
        scored = self._scored[version] = ScoredRows(detector, self._add)
        return replace(detector, watch=scored)

    def ended(self, endpoint: str, status: int, version: Version, began: float) -> None:
        """Count a request that is answered; on the event loop.

        Args:
            endpoint: Name of the route, never a path: a client could make up any number of them.
            status: Status code.
            version: Of the detector that was found; else `NO_DETECTOR`.
            began: What `clock` said when the request was there.
        """
        now = clock()
        key = endpoint, status // 100, version
        try:
            self._seconds[key].append(now - began)
        except KeyError:
            self._seconds[key] = [now - began]
        if now > self._due:
            self._fold_later(now)

    def refused(self, reason: str) -> None:
        """Count a request that is refused as it comes."""
        self._add("detector_refused_total", (reason,), (), np.ones(1))

    def swapped(self, detector: str, outcome: str) -> None:
        """Count a change of the version that serves, or one that failed.

        Args:
            detector: Name of the detector.
            outcome: `swapped` or `failed`.
        """
        self._add("detector_swaps_total", (detector, outcome), (), np.ones(1))

    def compared(self, labels: tuple[str, str, str], outcome: str, rows: int) -> None:
        """Count rows that a challenger has scored, too, or that were dropped.

        Args:
            labels: Detector, active version and challenger.
            outcome: Which of them say that a row is an anomaly; or `dropped`.
            rows: How many.
        """
        self._add("detector_shadow_rows_total", (*labels, outcome), (), np.array([float(rows)]))

    def fold(self) -> None:
        """Count what was seen; on the event loop."""
        taken, self._seconds = self._seconds, {}
        for (endpoint, hundreds, version), seconds in taken.items():
            labels = (*version, endpoint, f"{hundreds}xx")
            numbers = histogram_of("detector_request_seconds", np.array(seconds))
            self._add("detector_request_seconds", labels, (), numbers)
        for scored in list(self._scored.values()):
            scored.fold()
        for name, value_of in self.gauges.items():
            self._block((name, (), ()))[0] = value_of()

    def pids(self) -> dict[int, int]:
        """Return the process of each worker."""
        return self._values.pids()

    def totals(self) -> dict[Key, Block]:
        """Return what all workers have counted."""
        with self._lock:
            return self._values.sums()

    def _add(self, family: str, labels: tuple[str, ...], items: tuple[str, ...], numbers: NDArray[np.float64]) -> None:
        block = self._block((family, labels, items))
        with self._lock:
            block += numbers

    def _block(self, key: Key) -> Block:
        block = self._blocks.get(key)
        if block is None:
            with self._lock:
                block = self._blocks[key] = self._values.block(key)
        return block

    def _fold_later(self, now: float) -> None:
        self._due = now + 2.0 * _FOLD_SECONDS  # by then it is folded, unless that loop has ended
        asyncio.get_running_loop().call_later(_FOLD_SECONDS, self._fold_now)

    def _fold_now(self) -> None:
        self._due = 0.0
        self.fold()
        if any(self._block((name, (), ()))[0] for name in self.gauges):  # others read it until it is none again
            self._fold_later(clock())
