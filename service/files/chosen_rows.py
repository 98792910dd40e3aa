"""Which scored rows are written, and in which order: all, the flagged ones, those that score highest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.tables.writers import Writer
from service.files.scored_rows import ScoredRows
from service.files.spreadsheet import ForSpreadsheets

_WRITTEN_ROWS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Rows that are written.

    Args:
        most: So many, those with the highest scores; None for no limit.
        only_flagged: Anomalies alone.
        is_sorted: The highest score first; rows of the same score in their order. So are the `most` rows.
    """

    most: int | None = None
    only_flagged: bool = False
    is_sorted: bool = False

    @property
    def is_all(self) -> bool:
        """Whether every row is written, in its place."""
        return not (self.holds_rows or self.only_flagged)

    @property
    def chooses(self) -> bool:
        """Whether some rows are not written."""
        return self.only_flagged or self.most is not None

    @property
    def holds_rows(self) -> bool:
        """Whether rows are held until the last one is scored."""
        return self.is_sorted or self.most is not None

    def of(self, rows: ScoredRows, *, above: float) -> ScoredRows:
        """Return those of some rows that may be written.

        Args:
            rows: With their scores.
            above: Where there is a limit, so many rows before these score at least that high.
        """
        if self.is_all or rows.verdicts is None:
            return rows
        scores = rows.verdicts.anomaly_score
        chosen = rows.verdicts.is_anomaly.copy() if self.only_flagged else np.ones(len(scores), np.bool_)
        indices = np.flatnonzero(chosen & (scores > above))
        if self.most is not None and len(indices) > self.most:
            highest = np.argsort(-scores[indices], kind="stable")[: self.most]
            indices = np.sort(indices[highest])
        return rows.take(indices)


EVERY_ROW: Final = Choice()
"""All rows, each in its place."""


@final
class Waiting:
    """Rows that wait until all are scored: at most as many as are written, or all where they are sorted.

    Args:
        most: How many of them are written; None for all.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._scores: NDArray[np.float64] = np.empty(0)
        self._parts: list[Held] = []

    @property
    def above(self) -> float:
        """The score that a further row has to exceed to be written."""
        if self._most is None or len(self._scores) < self._most:
            return -np.inf
        return float(np.partition(self._scores, -self._most)[-self._most])

    def ready(self, *rows: ScoredRows | ForSpreadsheets, as_objects: bool) -> Callable[[], None]:
        """Return the function that holds the rows of a chunk when it is their turn, as a writer's `ready` does."""
        return partial(self._add, Held.joined([Held.of(each, as_objects=as_objects) for each in rows]))

    def _add(self, part: Held) -> None:
        self._parts.append(part)
        self._scores = np.concatenate([self._scores, part.scores])
        if self._most is not None and len(self._scores) > 2 * self._most:
            self._parts = [self._highest()]
            self._scores = self._parts[0].scores

    def write(self, writer: Writer) -> int:
        """Write the rows, the highest score first; return their number."""
        if not self._parts:
            return 0
        rows = self._highest()
        for start in range(0, len(rows.scores), _WRITTEN_ROWS):
            writer.ready(rows.slice(start, _WRITTEN_ROWS))()
        return len(rows.scores)

    def _highest(self) -> Held:
        order = np.argsort(-self._scores, kind="stable")[: self._most]
        return Held.joined(self._parts).take(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Some rows as they are written, with their scores `(n,)`: objects or a table, whichever the format takes."""

    scores: NDArray[np.float64]
    objects: list[dict[str, Any]] | None = None
    flat: pa.Table | None = None

    @classmethod
    def of(cls, rows: ScoredRows | ForSpreadsheets, *, as_objects: bool) -> Held:
        """Return scored rows as they are written."""
        if as_objects:
            return cls(scores=rows.anomaly_score, objects=rows.records())
        return cls(scores=rows.anomaly_score, flat=rows.table())

    def table(self) -> pa.Table:
        """Return the rows as a table."""
        return self.flat

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects."""
        return self.objects or []

    def take(self, order: NDArray[np.intp]) -> Held:
        """Return some rows in an order."""
        return Held(
            scores=self.scores[order],
            objects=None if self.objects is None else [self.objects[i] for i in order.tolist()],
            flat=None if self.flat is None else self.flat.take(pa.array(order)),
        )

    def slice(self, start: int, rows: int) -> Held:
        """Return the rows from one on."""
        return self.take(np.arange(start, min(start + rows, len(self.scores))))

    @staticmethod
    def joined(parts: list[Held]) -> Held:
        """Return all rows of several parts."""
        if len(parts) == 1:
            return parts[0]
        tables = [part.flat for part in parts if part.flat is not None]
        return Held(
            scores=np.concatenate([part.scores for part in parts]),
            objects=[each for part in parts for each in part.records()] if not tables else None,
            flat=_concatenated(tables) if tables else None,
        )


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    """Return the rows of several tables; a column whose type differs between them as texts."""
    kinds = zip(*(table.schema.types for table in tables), strict=True)
    fields = zip(tables[0].column_names, kinds, strict=True)
    schema = pa.schema([(name, of[0] if len(set(of)) == 1 else pa.string()) for name, of in fields])
    return pa.concat_tables([table.cast(schema) for table in tables])
