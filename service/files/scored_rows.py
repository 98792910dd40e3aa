"""Rows of an output: the ids, then scores and contributions, the embedding, the expected values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from models.columns.from_records import Columns
from models.columns.to_tables import arrow_of, expected_schema, expected_table
from models.detector import Contribution, Detector, Verdicts
from models.schema.cells import Cell, parse_category
from models.tables.writers import PlainRows, Rows, json_cells

FIGURES: Final = ("anomaly_score", "p_value", "is_anomaly")
"""Columns of the score, after the ids."""

THRESHOLD: Final = "threshold"
"""The column after these if thresholds go by segment."""

_EXPLAINED: Final = {
    "feature": pa.string(),
    "contribution": pa.float64(),
    "actual": pa.string(),
    "expected": pa.string(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Columns of an output.

    Args:
        ids: Name and type of each id column.
        scores: Whether scores are written.
        top: How many of the columns that add most are named.
        by_segment: Each row has its own threshold, and it is written.
        units: Width of the embedding; 0 if it is not written.
        expected: Columns whose expected values are written.
    """

    ids: Mapping[str, pa.DataType]
    scores: bool = True
    top: int = 0
    by_segment: bool = False
    units: int = 0
    expected: pa.Schema = field(default_factory=lambda: pa.schema([]))

    @classmethod
    def of(cls, detector: Detector, ids: Mapping[str, pa.DataType], write: Collection[str], *, top: int) -> Layout:
        """Return the layout of a detector's output.

        Args:
            detector: The detector that scores.
            ids: Name and type of each id column.
            write: Some of `service.files.WRITTEN`.
            top: How many of the columns that add most are named.
        """
        blank = np.zeros((1, len(detector.preprocessor.features)), np.float32)
        return cls(
            ids=ids,
            scores="scores" in write,
            top=min(top, len(detector.schema.columns)),
            by_segment=detector.schema.threshold_by is not None,
            units=detector.scorer.engine.embed(blank).shape[1] if "embedding" in write else 0,
            expected=expected_schema(detector.schema) if "expected" in write else pa.schema([]),
        )

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns of the score."""
        return (*FIGURES, THRESHOLD) if self.by_segment else FIGURES

    @property
    def more(self) -> pa.Schema:
        """The columns after those of the score."""
        embedding = [(f"embedding_{unit}", pa.float32()) for unit in range(1, self.units + 1)]
        return pa.schema([*embedding, *((f"expected_{column.name}", column.type) for column in self.expected)])

    @property
    def schema(self) -> pa.Schema:
        """All columns of a table, one level deep."""
        figures = {name: pa.bool_() if name == "is_anomaly" else pa.float64() for name in self.figures}
        explained = {f"top_{k}_{name}": kind for k in range(1, self.top + 1) for name, kind in _EXPLAINED.items()}
        scores = [*figures.items(), *explained.items()] if self.scores else []
        return pa.schema([*self.ids.items(), *scores, *self.more])

    def rows(self, detector: Detector, columns: Columns, ids: pa.Table) -> Rows:
        """Score n rows and return them as they are written.

        Args:
            detector: The detector that scores.
            columns: The values of the rows, by column.
            ids: Their id columns.
        """
        verdicts = detector.score(columns) if self.scores or self.expected else None
        arrays = [pa.array(unit) for unit in detector.embed(columns).T] if self.units else []
        if self.expected and verdicts is not None:
            arrays += expected_table(detector.schema, verdicts).columns
        more = pa.table(arrays, schema=self.more) if arrays else None
        if self.scores and verdicts is not None:
            return ScoredRows(ids=ids, verdicts=verdicts, top=self.top, more=more)
        return PlainRows(_beside(ids, more))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Some rows with their scores.

    Args:
        ids: Their id columns, as they were read.
        verdicts: Their scores and decisions.
        top: How many of the columns that add most are named.
        more: Further columns.
    """

    ids: pa.Table
    verdicts: Verdicts
    top: int = 0
    more: pa.Table | None = None

    @property
    def flagged(self) -> int:
        """Number of anomalies among them."""
        return int(self.verdicts.is_anomaly.sum())

    @property
    def layout(self) -> Layout:
        """The columns of the ids and the score."""
        types = {column.name: column.type for column in self.ids.schema}
        return Layout(ids=types, top=self.top, by_segment=self.verdicts.segments is not None)

    def table(self) -> pa.Table:
        """Return the rows as a table; actual and expected values are texts, because columns differ in kind."""
        columns: list[Any] = [*self.ids.columns, *map(arrow_of, self._figures())]
        if self.top:
            explained = self._contributions()
            for rank in range(self.top):
                picked = [contributions[rank] for contributions in explained]
                columns += [
                    pa.array([c.feature for c in picked], pa.string()),
                    pa.array([c.contribution for c in picked], pa.float64()),
                    pa.array([_text(c.actual) for c in picked], pa.string()),
                    pa.array([_text(c.expected) for c in picked], pa.string()),
                ]
        return _beside(pa.table(columns, names=self.layout.schema.names), self.more)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects; contributions are a list, as in the answers of the service."""
        more = {} if self.more is None else dict(zip(self.more.column_names, self.more.columns, strict=True))
        names = (*self.ids.column_names, *self.layout.figures, *more)
        columns = [
            *map(json_cells, self.ids.columns),
            *(figure.tolist() for figure in self._figures()),
            *map(json_cells, more.values()),
        ]
        records = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
        if self.top:
            for record, contributions in zip(records, self._contributions(), strict=True):
                record["contributions"] = contributions
        return records

    def _figures(self) -> list[Any]:
        return [getattr(self.verdicts, name) for name in self.layout.figures]

    def _contributions(self) -> list[list[Contribution]]:
        return list(self.verdicts.explained(top=self.top))


def _beside(left: pa.Table, right: pa.Table | None) -> pa.Table:
    if right is None:
        return left
    return pa.table([*left.columns, *right.columns], names=[*left.column_names, *right.column_names])


def _text(value: Cell) -> str | None:
    return None if value is None else parse_category(value)
