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
    are left alone. Nested objects are fields with dotted names; where one is null, so are its fields.

    Args:
        schema: Which features are wanted, and their kinds.
        records: n objects, at least one.
        first_record: Number of the first record in its request, for errors.

    Raises:
        RecordError: A field is absent or its value is not of the column's kind.
    """
    if any("." in name for name in schema.names):
        records = [_flat(record, first_record + number) for number, record in enumerate(records)]
    columns: dict[str, NDArray[Any]] = {}
    for column in schema.read:
        try:
            cells = [record[column.name] for record in records]
        except KeyError:
            cells = [_cell_or_null(column.name, record, first_record + n) for n, record in enumerate(records)]
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


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose nested objects are fields of their own, called by the way to them.

    Lists stay as they are: they are no features.

    Args:
        record: Values by name.

    Raises:
        ValueError: Two fields come to one name; it is the error's text.

    Example:
        >>> flatten({"id": 7, "motor": {"heat": 60.5, "fan": {"on": True}}})
        {'id': 7, 'motor.heat': 60.5, 'motor.fan.on': True}
    """
    flat: dict[str, Any] = {}
    todo = list(record.items())[::-1]  # not by recursion: a caller decides on the depth
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict):
            todo += [(f"{name}.{inner}", cell) for inner, cell in reversed(value.items())]
        elif name in flat:
            raise ValueError(name)
        else:
            flat[name] = value
    return flat


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


def _cell_or_null(name: str, record: Mapping[str, Any], number: int) -> Any:
    """Return a field, or None where an object that it would be in is null."""
    if name in record:
        return record[name]
    parts = name.split(".")
    outer = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    if any(place in record and record[place] is None for place in outer):
        return None
    raise RecordError("is absent.", record=number, field=name, remedy="Send it, or null where it has no value.")


def _flat(record: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    try:
        return flatten(record)
    except ValueError as error:
        raise RecordError(
            "comes twice, once inside another field.", record=number, field=str(error), remedy="Send it once."
        ) from error


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
