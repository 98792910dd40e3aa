"""From a table to columns of plain values, equal to those that `models/records.py` makes of equal records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import RecordError, TableError
from models.records import column_array, problem_of, shown
from models.schema import Column, FeatureSchema, Kind
from models.tables import Table
from models.values import MARK_VARIANTS, MISSING_TEXTS, grouped_number, parser_of


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
        column.name: _cells(
            column,
            table.data.column(column.name),
            decimal=table.decimal,
            thousands=table.thousands,
            first_row=first_row,
        )
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
    twice = [name for name in dict.fromkeys((*schema.names, *schema.ids)) if list(names).count(name) > 1]
    if twice:
        raise TableError(f"The table has more than one column {', '.join(map(repr, twice))}. Give each its own name.")


def problems_of_table(schema: FeatureSchema, table: Table, *, first_record: int = 0) -> Iterator[RecordError]:
    """Return every cell that `columns_of_table` would refuse, column by column.

    Args:
        schema: Which features are wanted, and their kinds.
        table: n rows with every feature.
        first_record: Number of the table's first row among all of them; records count from 0.
    """
    for column in schema.columns:
        try:
            _cells(
                column, table.data.column(column.name), decimal=table.decimal, thousands=table.thousands, first_row=0
            )
        except TableError:
            parse = parser_of(column, decimal=table.decimal, thousands=table.thousands)
            cells = table.data.column(column.name).to_pylist()
            for number, value in enumerate(cells, start=first_record):
                yield from problem_of(column, parse, value, number)


def _cells(column: Column, cells: pa.ChunkedArray, *, decimal: str, thousands: str, first_row: int) -> NDArray[Any]:
    """Parse each distinct value once, except plain numbers, which need no parsing."""
    kind = cells.type
    if column.kind is Kind.NUMERIC and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _finite(column, pc.cast(cells, pa.float64(), safe=False).to_numpy(), first_row)
    if column.kind is Kind.NUMERIC and pa.types.is_string(kind):
        fast = _plain_numbers(cells, decimal, thousands)
        if fast is not None:
            return _finite(column, fast, first_row)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        kind = pa.timestamp("us", kind.tz)  # Python has no nanoseconds
        cells = cells.cast(kind, safe=False)
    parse = parser_of(column, decimal=decimal, thousands=thousands)
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
            if not len(where):  # a category that the type lists and no row has
                parsed.append(None)
                continue
            row = first_row + int(where[0]) + 1
            raise TableError(
                f"Column {column.name!r}, row {row}: expected {error}, got {shown(value)}. Mend the cell, or leave it "
                "empty for a missing value."
            ) from error
    found: NDArray[Any] = column_array(column, [*parsed, None])[codes]
    return found


def _plain_numbers(cells: pa.ChunkedArray, decimal: str, thousands: str) -> NDArray[np.float64] | None:
    """Read texts as numbers all at once, or return None where one of them needs the slow and exact way."""
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
    if thousands:
        texts = _ungrouped(texts, decimal, thousands)
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


def _ungrouped(texts: pa.ChunkedArray, decimal: str, thousands: str) -> pa.ChunkedArray:
    """Take the marks between thousands out; one that stands elsewhere becomes what is no number."""
    for variant, mark in MARK_VARIANTS.items():
        texts = pc.replace_substring(texts, chr(variant), mark)
    grouped = pc.match_substring_regex(texts, f"^{grouped_number(decimal, thousands)}$")
    plain = pc.if_else(grouped, pc.replace_substring(texts, thousands, ""), texts)
    return pc.replace_substring(plain, thousands, "no number")


def _finite(column: Column, numbers: NDArray[Any], first_row: int) -> NDArray[np.float64]:
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise TableError(
            f"Column {column.name!r}, row {first_row + int(infinite[0]) + 1}: expected a finite number, got "
            f"{numbers[infinite[0]]}. Mend the cell, or leave it empty for a missing value."
        )
    return np.asarray(numbers, np.float64)
