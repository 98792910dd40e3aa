"""From records to columns of plain values, by name and in the schema's order.

Columns map each feature's name to one array of n values: float64 for numeric, boolean (0, 1) and datetime
(seconds since 1970-01-01 UTC) features, with NaN where a value is missing; objects (`str` or None) for
categorical ones. `models/columns.py` makes equal columns from equal cells of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import RecordError
from models.schema import Column, FeatureSchema, Kind
from models.values import parser_of

Columns = Mapping[str, NDArray[Any]]
"""Name → n values; see the module's docstring."""


def columns_of_records(
    schema: FeatureSchema, records: Sequence[Mapping[str, Any]], *, first_record: int = 0
) -> dict[str, NDArray[Any]]:
    """Take the features out of records: objects by name.

    A field that is null is a missing value; one that is absent is an error; fields that are no features
    are left alone.

    Args:
        schema: Which features are wanted, and their kinds.
        records: n objects, at least one.
        first_record: Number of the first record in its request, for errors.

    Raises:
        RecordError: A field is absent or its value is not of the column's kind.
    """
    columns: dict[str, NDArray[Any]] = {}
    for column in schema.read:
        try:
            cells = [record[column.name] for record in records]
        except KeyError:
            number = next(number for number, record in enumerate(records) if column.name not in record)
            raise RecordError(
                "is absent.",
                record=first_record + number,
                field=column.name,
                remedy="Send it, or null where it has no value.",
            ) from None
        columns[column.name] = _parsed(column, cells, first_record)
    return columns


def columns_of_rows(
    schema: FeatureSchema, names: Sequence[str], rows: Sequence[Sequence[Any]], *, first_record: int = 0
) -> dict[str, NDArray[Any]]:
    """Take the features out of rows of cells, in the order of `names`.

    Args:
        schema: Which features are wanted, and their kinds.
        names: What each cell of a row is called.
        rows: n rows of `len(names)` cells, at least one.
        first_record: Number of the first row in its request, for errors.

    Raises:
        RecordError: A column is absent, a row has another length, or a value is not of the column's kind.
    """
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise RecordError(
                f"has {len(row)} cells for {len(names)} columns.",
                record=first_record + number,
                field=None,
                remedy="Send one cell a column, null where there is no value.",
            )
    places = {name: place for place, name in enumerate(names)}
    columns: dict[str, NDArray[Any]] = {}
    for column in schema.read:
        if column.name not in places:
            raise RecordError("is absent.", record=None, field=column.name, remedy="Send the column.")
        place = places[column.name]
        columns[column.name] = _parsed(column, [row[place] for row in rows], first_record)
    return columns


def column_array(column: Column, cells: Sequence[Any]) -> NDArray[Any]:
    """Return parsed cells as the array of their column."""
    if column.kind is Kind.CATEGORICAL:
        texts = np.empty(len(cells), object)
        texts[:] = cells
        return texts
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def shown(value: object) -> str:
    """Show a value, but not all of a long one."""
    text = "null" if value is None else f"the text {value!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _parsed(column: Column, values: Sequence[Any], first_record: int) -> NDArray[Any]:
    """Parse the values of one column of a request."""
    parse = parser_of(column)
    cells: list[Any] = []
    for number, value in enumerate(values):
        try:
            cells.append(None if value is None else parse(value))
        except ValueError as error:
            raise RecordError(
                f"got {shown(value)}.",
                record=first_record + number,
                field=column.name,
                remedy=f"Send {error}, or null.",
            ) from error
    return column_array(column, cells)
