"""Scored rows as files and tables have them: the ids, what was decided, and the columns that add most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from models.columns.to_tables import arrow_of
from models.detector import Contribution, Verdicts
from models.schema.cells import Cell, parse_category
from models.tables.writers import json_cells

FIGURES: Final = ("anomaly_score", "p_value", "is_anomaly")
"""What is written of every row, behind its ids."""

THRESHOLD: Final = "threshold"
"""What is written behind these where thresholds go by segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the rows of a file have in common.

    Args:
        ids: Name and type of each id column.
        top: How many of the columns that add most are named.
        by_segment: Each row has its own threshold, and it is written.
    """

    ids: Mapping[str, pa.DataType]
    top: int = 0
    by_segment: bool = False

    @property
    def figures(self) -> tuple[str, ...]:
        """What is written of every row, behind its ids."""
        return (*FIGURES, THRESHOLD) if self.by_segment else FIGURES

    @property
    def schema(self) -> pa.Schema:
        """The columns of a table of scored rows, one level deep."""
        parts = {"feature": pa.string(), "contribution": pa.float64(), "actual": pa.string(), "expected": pa.string()}
        figures = {name: pa.bool_() if name == "is_anomaly" else pa.float64() for name in self.figures}
        explained = {f"top_{k}_{part}": kind for k in range(1, self.top + 1) for part, kind in parts.items()}
        return pa.schema([*self.ids.items(), *figures.items(), *explained.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Some rows and what was decided about them.

    Args:
        ids: The rows' id columns, as they were read; any number of columns.
        verdicts: Of the same rows.
        top: How many of the columns that add most are named.
    """

    ids: pa.Table
    verdicts: Verdicts
    top: int = 0

    @property
    def layout(self) -> Layout:
        """What these rows have in common."""
        types = {field.name: field.type for field in self.ids.schema}
        return Layout(ids=types, top=self.top, by_segment=self.verdicts.segments is not None)

    def table(self) -> pa.Table:
        """Return them as a table; values are text there, because columns differ in kind."""
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
        return pa.table(columns, names=self.layout.schema.names)

    def records(self) -> list[dict[str, Any]]:
        """Return them as objects; contributions are a list, as the service answers them."""
        names = (*self.ids.column_names, *self.layout.figures)
        columns = [*(json_cells(column) for column in self.ids.columns), *(f.tolist() for f in self._figures())]
        records = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
        if self.top:
            for record, contributions in zip(records, self._contributions(), strict=True):
                record["contributions"] = contributions
        return records

    def _figures(self) -> list[Any]:
        return [getattr(self.verdicts, name) for name in self.layout.figures]

    def _contributions(self) -> list[list[Contribution]]:
        return list(self.verdicts.explained(top=self.top))


def _text(value: Cell) -> str | None:
    return None if value is None else parse_category(value)
