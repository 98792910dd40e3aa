"""From records or a table to columns of plain values, by name and in the schema's order.

Columns map each feature's name to one array of n values: float64 for numeric, boolean (0, 1) and datetime
(seconds since 1970-01-01 UTC) features, with NaN where a value is missing; objects (`str` or None) for
categorical ones. Both ways in give equal columns for equal cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import RecordError, TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables import Table
from models.values import MISSING_TEXTS, parser_of

Columns = Mapping[str, NDArray[Any]]
"""Name → n values; see the module's docstring."""


def columns_of_records(schema: FeatureSchema, records: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Take the features out of records: objects by name.

    A field that is null is a missing value; one that is absent is an error; fields that are no features
    are left alone.

    Args:
        schema: Which features are wanted, and their kinds.
        records: n objects, at least one.

    Raises:
        RecordError: A field is absent or its value is not of the column's kind.
    """
    columns: dict[str, NDArray[Any]] = {}
    for column in schema.columns:
        name, parse = column.name, parser_of(column)
        cells: list[Any] = []
        for number, record in enumerate(records):
            try:
                value = record[name]
                cells.append(None if value is None else parse(value))
            except KeyError:
                raise RecordError(
                    "is absent.", record=number, field=name, remedy="Send it, or null where it has no value."
                ) from None
            except ValueError as error:
                raise RecordError(
                    f"got {_shown(record[name])}.", record=number, field=name, remedy=f"Send {error}, or null."
                ) from error
        columns[name] = _array(column, cells)
    return columns


def columns_of_table(schema: FeatureSchema, table: Table, *, first_row: int = 0) -> dict[str, NDArray[Any]]:
    """Take the features out of a table, by name.

    Args:
        schema: Which features are wanted, and their kinds.
        table: n rows; columns that are no features are left alone.
        first_row: Number of the table's first row in its file, for errors; rows count from 1.

    Raises:
        TableError: A column is missing or a cell is not of the column's kind.
    """
    require_columns(schema, table.names)
    return {
        column.name: _cells(column, table.data.column(column.name), decimal=table.decimal, first_row=first_row)
        for column in schema.columns
    }


def require_columns(schema: FeatureSchema, names: Sequence[str]) -> None:
    """Check that a table has every feature.

    Raises:
        TableError: It has not; the error lists the columns that differ.
    """
    missing = [name for name in schema.names if name not in names]
    if missing:
        unknown = [name for name in names if name not in schema.known]
        extra = f"; not known to the detector: {', '.join(map(repr, unknown))}" if unknown else ""
        raise TableError(
            f"The table has another shape than the training data. Missing: {', '.join(map(repr, missing))}{extra}. "
            "Columns are taken by name, in any order."
        )


def _cells(column: Column, cells: pa.ChunkedArray, *, decimal: str, first_row: int) -> NDArray[Any]:
    """Parse each distinct value once, except plain numbers, which need no parsing."""
    kind = cells.type
    if column.kind is Kind.NUMERIC and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _finite(column, pc.cast(cells, pa.float64(), safe=False).to_numpy(), first_row)
    if column.kind is Kind.NUMERIC and pa.types.is_string(kind):
        fast = _plain_numbers(cells, decimal)
        if fast is not None:
            return _finite(column, fast, first_row)
    parse = parser_of(column, decimal=decimal)
    if not pa.types.is_dictionary(kind):
        cells = cells.dictionary_encode()
    encoded = cells.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], kind)
        if not pa.types.is_dictionary(encoded.type):
            encoded = encoded.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    parsed: list[Any] = []
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        try:
            parsed.append(None if value is None else parse(value))
        except ValueError as error:
            where = np.flatnonzero(codes == code)
            row = first_row + int(where[0]) + 1 if len(where) else 0
            raise TableError(
                f"Column {column.name!r}, row {row}: expected {error}, got {_shown(value)}. Mend the cell, or leave it "
                "empty for a missing value."
            ) from error
    return _array(column, [*parsed, None])[codes]


def _plain_numbers(cells: pa.ChunkedArray, decimal: str) -> NDArray[np.float64] | None:
    """Read texts as numbers all at once, or return None where one of them needs the slow and exact way."""
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
    if decimal == ",":
        texts = pc.replace_substring(texts, ",", ".", max_replacements=1)
    well_formed = pc.match_substring_regex(texts, r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
    if not pc.all(well_formed, min_count=0).as_py():
        return None
    try:
        numbers: NDArray[np.float64] = pc.cast(pc.utf8_ltrim(texts, "+"), pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return numbers


def _finite(column: Column, numbers: NDArray[Any], first_row: int) -> NDArray[np.float64]:
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise TableError(
            f"Column {column.name!r}, row {first_row + int(infinite[0]) + 1}: expected a finite number, got "
            f"{numbers[infinite[0]]}. Mend the cell, or leave it empty for a missing value."
        )
    return np.asarray(numbers, np.float64)


def _array(column: Column, cells: Sequence[Any]) -> NDArray[Any]:
    if column.kind is Kind.CATEGORICAL:
        texts = np.empty(len(cells), object)
        texts[:] = cells
        return texts
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def _shown(value: object) -> str:
    """Show a value, but not all of a long one."""
    text = "null" if value is None else f"the text {value!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
