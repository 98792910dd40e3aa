"""Rows of an output: the ids, then scores and contributions, the embedding, the expected values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.detector import Contribution, Detector, Verdicts
from models.reasons.values import percent
from models.schema import FeatureSchema, Kind
from models.schema.cells import Cell, parse_category
from models.tables.writers import json_cells

_ROWS_AT_ONCE: Final = 1024  # whose reasons are held as objects
_TYPES: Final = {Kind.NUMERIC: pa.float64(), Kind.BOOLEAN: pa.bool_()}


def rows_of(
    detector: Detector,
    columns: Columns,
    ids: pa.Table,
    kept: pa.Table | None = None,
    *,
    write: Collection[str] = ("scores",),
    top: int = 0,
) -> ScoredRows:
    """Score n rows and return them as they are written.

    Args:
        detector: Scores them.
        columns: Their features.
        ids: Their id columns, as they were read.
        kept: Columns of the input that stand behind everything else.
        write: Some of `service.batch.WRITTEN`.
        top: How many of the columns that add most are named.
    """
    verdicts = detector.score(columns) if {"scores", "expected"} & set(write) else None
    more: dict[str, Any] = {}
    if "embedding" in write:
        more |= {f"embedding_{unit}": pa.array(of) for unit, of in enumerate(detector.embed(columns).T, start=1)}
    if "expected" in write and verdicts is not None:
        more |= {f"expected_{name}": cells for name, cells in _named(expected_table(detector.schema, verdicts)).items()}
    if kept is not None:
        more |= _named(kept)
    top = min(top, len(detector.schema.columns))
    return ScoredRows(
        ids=ids,
        verdicts=verdicts if "scores" in write else None,
        top=top,
        with_reason=top > 0 or "reason" in write,
        more=more,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Some rows with their scores.

    Args:
        ids: Their id columns, as they were read.
        verdicts: Their scores and decisions; None if they are not written.
        top: How many of the columns that add most are named.
        with_reason: Their reasons are written in words.
        more: Columns that stand behind.
        check: Called before each piece of explaining, which it may end.
    """

    ids: pa.Table
    verdicts: Verdicts | None
    top: int = 0
    with_reason: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self.ids) if self.verdicts is None else len(self.verdicts)

    def take(self, rows: NDArray[np.intp]) -> ScoredRows:
        """Return some of the rows, in this order."""
        indices = pa.array(rows)
        return replace(
            self,
            ids=self.ids.take(indices),
            verdicts=None if self.verdicts is None else self.verdicts.take(rows),
            more={name: cells.take(indices) for name, cells in self.more.items()},
        )

    @property
    def anomaly_score(self) -> NDArray[np.float64]:
        """Their anomaly scores `(n,)`; none if they are not written."""
        return np.empty(0) if self.verdicts is None else self.verdicts.anomaly_score

    @property
    def flagged(self) -> int:
        """Number of anomalies among them, 0 if scores are not written."""
        return 0 if self.verdicts is None else int(self.verdicts.is_anomaly.sum())

    def table(self) -> pa.Table:
        """Return the rows as a table; actual and expected values are texts, because columns differ in kind."""
        columns = _named(self.ids) | {name: arrow_of(figures) for name, figures in self._figures().items()}
        return pa.table({**columns, **self._reason_columns(), **self.more})

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects; contributions are a list, as in the answers of the service."""
        columns = {
            **{name: json_cells(cells) for name, cells in _named(self.ids).items()},
            **{name: figures.tolist() for name, figures in self._figures().items()},
            **{name: json_cells(cells) for name, cells in self.more.items()},
        }
        records = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        for record, (contributions, reason) in zip(records, self._reasoned(), strict=False):
            if self.top:
                record["contributions"] = contributions
            if self.with_reason:
                record["reason"] = reason
        return records

    def _figures(self) -> dict[str, Any]:
        if self.verdicts is None:
            return {}
        names = ["anomaly_score", "p_value", "is_anomaly"]
        if self.verdicts.segments is not None:
            names.append("threshold")
        return {name: getattr(self.verdicts, name) for name in names}

    def _reason_columns(self) -> dict[str, Any]:
        reasoned = self._reasoned()
        at_once = iter(lambda: list(islice(reasoned, _ROWS_AT_ONCE)), [])
        tables = [self._reason_table(some) for some in at_once] or [self._reason_table([])]
        return _named(pa.concat_tables(tables).combine_chunks())

    def _reason_table(self, reasoned: Sequence[tuple[list[Contribution], str]]) -> pa.Table:
        columns: dict[str, pa.Array] = {}
        for rank in range(0 if self.verdicts is None else self.top):
            picked = [contributions[rank] for contributions, _ in reasoned]
            columns |= {
                f"top_{rank + 1}_feature": pa.array([c.feature for c in picked], pa.string()),
                f"top_{rank + 1}_contribution": pa.array([c.contribution for c in picked], pa.float64()),
                f"top_{rank + 1}_actual": pa.array([_text(c.actual) for c in picked], pa.string()),
                f"top_{rank + 1}_expected": pa.array([_expected_text(c) for c in picked], pa.string()),
            }
        if self.with_reason and self.verdicts is not None:
            columns["reason"] = pa.array([reason for _, reason in reasoned], pa.string())
        return pa.table(columns)

    def _reasoned(self) -> Iterator[tuple[list[Contribution], str]]:
        if self.verdicts is None or not (self.top or self.with_reason):
            return iter(())
        return self.verdicts.reasoned(top=self.top, check=self.check)


def _named(table: pa.Table) -> dict[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _expected_text(reason: Contribution) -> str | None:
    if reason.probability is None:
        return _text(reason.expected)
    return f"{_text(reason.expected) or 'missing'} at {percent(reason.probability)}"


def _text(value: Cell) -> str | None:
    return value if value is None or isinstance(value, str) else parse_category(value)


def arrow_of(figures: NDArray[Any]) -> pa.Array:
    """Return n floats or truth values as an Arrow array, without pandas, which Arrow's own way imports.

    Example:
        >>> arrow_of(np.array([True, False])).to_pylist(), arrow_of(np.array([0.5])).to_pylist()
        ([True, False], [0.5])
    """
    if figures.dtype == np.bool_:
        kind, buffer = pa.bool_(), np.packbits(figures, bitorder="little")
    else:
        kind, buffer = pa.float64(), np.ascontiguousarray(figures, np.float64)
    return pa.Array.from_buffers(kind, len(figures), [None, pa.py_buffer(buffer)])


def expected_table(schema: FeatureSchema, verdicts: Verdicts) -> pa.Table:
    """Return the expected values of n rows, in the user's own units and categories."""
    expected = [verdicts.expected(row) for row in range(len(verdicts))]
    fields = pa.schema([(column.name, _TYPES.get(column.kind, pa.string())) for column in schema.columns])
    return pa.table([pa.array([row[f.name] for row in expected], f.type) for f in fields], schema=fields)
