"""The rows of a tensor of plain numbers, which needs neither names nor Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, columns_of_rows, problems_of_rows
from models.errors import RecordError
from models.schema import Column, FeatureSchema
from models.schema.cells import Cell
from service.formats.rows import chunk_rows

__all__ = ["NumberRows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRows:
    """Rows of numbers, one of each column that a detector reads.

    Args:
        cells: `(n, d)`, in the order of the schema; NaN for a missing one.
        first: Index of the first of them in the request.
        notes: One line for each thing that is ignored.
    """

    cells: NDArray[np.float64]
    first: int = 0
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.cells)

    def with_notes(self, notes: Sequence[str]) -> NumberRows:
        """Return the rows with other notes."""
        return replace(self, notes=notes)

    def chunks(self, schema: FeatureSchema) -> Iterator[NumberRows]:
        """Yield the rows in order, at most `chunk_rows` at a time."""
        size = chunk_rows(schema)
        for start in range(0, len(self), size):
            yield replace(self, cells=self.cells[start : start + size], first=self.first + start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the rows' values by column, read as rows of cells in JSON are."""
        rows = self._plain() if np.isinf(self.cells).any() else cast("list[Any]", self.cells)
        return columns_of_rows(schema, schema.read_names, rows, first_record=self.first, typed=True)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return no id field for each row: none has one."""
        return [{} for _ in self.cells]

    def values(self, schema: FeatureSchema, column: Column) -> Iterator[Cell]:
        """Yield the values of one column, row by row."""
        yield from map(_plain, self.cells[:, schema.read_names.index(column.name)].tolist())

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, Any]:
        """Return no id column."""
        return {}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Yield each number that is infinite."""
        return problems_of_rows(schema, schema.read_names, self._plain(), first_record=self.first)

    def _plain(self) -> list[list[Cell]]:
        return [[_plain(cell) for cell in row] for row in self.cells.tolist()]


def _plain(cell: float) -> float | None:
    return None if cell != cell else cell  # noqa: PLR0124  # NaN is what does not equal itself
