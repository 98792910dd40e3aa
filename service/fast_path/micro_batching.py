"""Micro-batching: rows that arrive in one tick of the event loop and have the same shape are scored together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar, final

from models.detector import Detector
from service.budget import BUDGET
from service.formats.json_answers import encode_items, items_of
from service.formats.json_records import Records
from service.operations import OPERATIONS

T = TypeVar("T")
Done = Callable[[bytes | Exception], None]

MAX_ROWS: Final = 256
"""Most rows of a micro-batch; a single request may have more."""

_TICKS_BEHIND: Final = 3  # that what waits may take: some clients with costly requests are no overload


def cells_of(rows: int, detector: Detector, top: int) -> int:
    """Return how many cells are scored for rows: once, and once more for each of the `top` columns that are named."""
    return rows * len(detector.schema.read) * (1 + top)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """The rows of a request that wait for the end of the tick.

    Args:
        rows: All rows of the request.
        detector: The detector that scores them.
        top: How many of the columns that add most are named; at most all of the detector's.
        done: Called with their JSON items, or with the error.
    """

    rows: Records
    detector: Detector
    top: int
    done: Done

    def shape(self) -> Hashable:
        """Return the shape: rows of the same shape are scored together."""
        names = self.rows.names
        return id(self.detector), self.top, self.rows.typed, None if names is None else tuple(names)


@final
class Batcher:
    """Scores the rows of small requests in micro-batches, on the event loop.

    A tick is bounded, so that new connections are served in a burst, too: the rest is scored in the next ticks.

    Attributes:
        is_behind: More requests of earlier ticks wait to be scored than the next ticks have time for.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._rows = self._cells = 0
        self._batches: deque[list[_Waiting]] = deque()  # that are full, oldest first
        self._spent = 0.0  # CPU time of scoring in this tick
        self._scored = 0  # micro-batches of this tick
        self._scheduled = False
        self.is_behind = False

    @property
    def waiting(self) -> int:
        """How many rows wait to be scored."""
        return self._rows + sum(len(item.rows.rows) for batch in self._batches for item in batch)

    async def score(self, rows: Records, *, detector: Detector, top: int = 0) -> bytes:
        """Return the JSON items of the rows of one request, with commas between them.

        Args:
            rows: All rows of the request.
            detector: The detector that was active when the request came.
            top: How many of the columns that add most are named; at most all of the detector's.

        Raises:
            DataError: A value is not of its column's kind.
            RequestError: The network gave what is no number.
        """
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.submit(rows, detector=detector, top=top, done=partial(settle, future))
        return await future

    def submit(self, rows: Records, *, detector: Detector, top: int, done: Done) -> None:
        """Score rows at the end of the tick, as `score` does, and hand the items or the error to `done`."""
        count = len(rows.rows)
        cells = cells_of(count, detector, top)
        if self._rows + count > MAX_ROWS or self._cells + cells > BUDGET.loop_cells:
            self._flush()
        self._waiting.append(_Waiting(rows, detector, top, done))
        self._rows += count
        self._cells += cells
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._end_tick)

    def _end_tick(self) -> None:
        self._flush()
        self._scheduled, self.is_behind = bool(self._batches), len(self._batches) > _TICKS_BEHIND * self._scored
        self._spent, self._scored = 0.0, 0
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._end_tick)

    def _flush(self) -> None:
        """Close the micro-batch, and score what is closed as long as the tick has time."""
        if self._waiting:
            self._batches.append(self._waiting)
            self._waiting, self._rows, self._cells = [], 0, 0
        while self._batches and (not self._spent or self._spent < BUDGET.tick_seconds):
            began = time.thread_time()
            groups: dict[Hashable, list[_Waiting]] = {}
            for item in self._batches.popleft():
                groups.setdefault(item.shape(), []).append(item)
            for group in groups.values():
                _score_group(group)
            self._scored += 1
            self._spent += time.thread_time() - began


def _score_group(group: Sequence[_Waiting]) -> None:
    """Score a micro-batch; where that fails, each request alone, so that each caller gets its own error."""
    try:
        items = _items(group)
    except Exception as error:
        if len(group) == 1:
            group[0].done(error)  # the caller raises it
            return
        for item in group:
            _score_group([item])
        return
    start = 0
    for item in group:
        end = start + len(item.rows.rows)
        item.done(encode_items(items[start:end]))
        start = end


def _items(group: Sequence[_Waiting]) -> list[Any]:
    first, rows = group[0], group[0].rows
    if len(group) > 1:
        rows = replace(rows, rows=[row for item in group for row in item.rows.rows])
    return list(items_of(OPERATIONS["score"], first.detector, rows, first.top))


def settle(future: asyncio.Future[T], result: T | Exception) -> None:
    """Set the result of a future, or the exception; nothing if its caller has gone."""
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
