"""From a table to columns of plain values, equal to those that `from_records` makes of equal records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.columns.arrow_arrays import floats_of
from models.columns.from_records import column_array, problem_of, shown
from models.columns.number_columns import with_gaps
from models.columns.timestamp_columns import instants_at_once
from models.errors import Message, RecordError, Set, TableError
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import MARK_VARIANTS, MISSING_TEXTS, Cell, grouped_number, parser_of
from models.tables.table import Table


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
        column.name: read_cells(
            column,
            table.data.column(column.name),
            decimal=table.decimal,
            thousands=table.thousands,
            first_row=first_row,
        )
        for column in schema.read
    }


def plain_numbers(schema: FeatureSchema) -> frozenset[str]:
    """Return the features whose texts are numbers in the file's own way of writing them, and nothing else."""
    return frozenset(
        column.name
        for column in schema.read
        if column.kind is Kind.NUMERIC
        and not (column.unit or column.layout or column.decimal or column.thousands)
        and column.name not in schema.ids
    )


def require_columns(schema: FeatureSchema, names: Sequence[str]) -> None:
    """Check that a table has every feature.

    Raises:
        TableError: It has not; the error lists the columns that differ.
    """
    wanted = [column.name for column in schema.read]
    missing = [name for name in wanted if name not in names]
    if missing:
        unknown = [name for name in names if name not in schema.known]
        extra = f"; not known to the detector: {', '.join(map(repr, unknown))}" if unknown else ""
        raise TableError(
            f"The table has another shape than the training data. Missing: {', '.join(map(repr, missing))}{extra}. "
            "Columns are taken by name, in any order."
        )
    twice = [name for name in dict.fromkeys((*wanted, *schema.ids)) if list(names).count(name) > 1]
    if twice:
        raise TableError(f"The table has more than one column {', '.join(map(repr, twice))}. Give each its own name.")


def read_cells(
    column: Column, cells: pa.ChunkedArray, *, decimal: str = ".", thousands: str = "", first_row: int = 0
) -> NDArray[Any]:
    """Return the values of one column `(n,)`, as `models/columns/from_records.py` describes them.

    Args:
        column: What the values are.
        cells: n cells of any Arrow type.
        decimal: The decimal mark of numbers that are written as text.
        thousands: The mark between their thousands; empty where there is none.
        first_row: Number of the first row in its file, for errors.

    Raises:
        TableError: A cell is not of the column's kind.
    """
    cells = plain_cells(cells)
    if column.kind is Kind.NUMERIC:
        numbers = _numbers(column, cells, decimal, thousands)
        if numbers is not None:
            return _present(column, numbers, first_row)
    if column.kind is Kind.DATETIME:
        instants = instants_at_once(column, cells)
        if instants is not None:
            return instants
    return _parsed(column, cells, parser_of(column, decimal=decimal, thousands=thousands), first_row)


def plain_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return cells in the few types that are read: texts as one type, durations in seconds, at most microseconds."""
    kind = cells.type
    if pa.types.is_run_end_encoded(kind):
        return plain_cells(pa.chunked_array([pc.run_end_decode(chunk) for chunk in cells.chunks], kind.value_type))
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name in _PLAIN_EXTENSIONS:
        return plain_cells(pa.chunked_array([chunk.storage for chunk in cells.chunks], kind.storage_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return cells.cast(pa.string())
    if pa.types.is_duration(kind):
        return pc.divide(cells.cast(pa.int64()).cast(pa.float64(), safe=False), _PER_SECOND[kind.unit])
    if (pa.types.is_timestamp(kind) or pa.types.is_time(kind)) and kind.unit == "ns":  # Python has no nanoseconds
        return cells.cast(pa.time64("us") if pa.types.is_time(kind) else pa.timestamp("us", kind.tz), safe=False)
    return cells


def python_values(cells: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return cells as Python has them; one that Python cannot hold, such as a day in the year 300,000, as a text."""
    try:
        values: list[Any] = cells.to_pylist()
    except UnicodeDecodeError:
        raise
    except (OverflowError, ValueError):
        values = [_python_value(cell) for cell in cells]
    return values


def _python_value(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        return f"{getattr(cell, 'value', '…')} of type {cell.type}"


_PER_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_PLAIN_EXTENSIONS: Final = frozenset(["arrow.bool8", "arrow.json"])


def problems_of_table(schema: FeatureSchema, table: Table, *, first_record: int = 0) -> Iterator[RecordError]:
    """Return every cell that `columns_of_table` would refuse, column by column.

    Args:
        schema: Which features are wanted, and their kinds.
        table: n rows with every feature.
        first_record: Number of the table's first row among all of them; records count from 0.
    """
    for column in schema.read:
        cells = table.data.column(column.name)
        try:
            read_cells(column, cells, decimal=table.decimal, thousands=table.thousands)
        except TableError:
            parse = parser_of(column, decimal=table.decimal, thousands=table.thousands)
            for number, value in enumerate(python_values(plain_cells(cells)), start=first_record):
                yield from problem_of(column, parse, value, number)


def _numbers(column: Column, cells: pa.ChunkedArray, decimal: str, thousands: str) -> NDArray[np.float64] | None:
    """Read numbers all at once, or return None where one of them needs the slow and exact way."""
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return floats_of(cells if pa.types.is_float64(kind) else pc.cast(cells, pa.float64(), safe=False))
    if pa.types.is_string(kind) and column.unit is None and column.layout is None:
        return _plain_numbers(cells, column.decimal or decimal, column.thousands or thousands)
    return None


def _parsed(column: Column, cells: pa.ChunkedArray, parse: Callable[[object], Cell], first_row: int) -> NDArray[Any]:
    """Parse each distinct value once."""
    kind = cells.type
    if not pa.types.is_dictionary(kind):
        cells = cells.dictionary_encode()
    encoded = cells.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], kind)
        if not pa.types.is_dictionary(encoded.type):
            encoded = encoded.dictionary_encode()
    # Polars counts categories without a sign, where −1 could not stand for a missing one.
    codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    parsed: list[Any] = []
    for code, value in enumerate(python_values(encoded.dictionary)):
        try:
            parsed.append(None if value is None else parse(value))
        except ValueError as error:
            where = np.flatnonzero(codes == code)
            if not len(where):  # a category that the type lists and no row has
                parsed.append(None)
                continue
            row = first_row + int(where[0]) + 1
            remedy = _MEND_INFINITE if str(error) == "a finite number" else _MEND
            raise TableError(
                f"Column {column.name!r}, row {row}: expected {error}, got {shown(value)}. ", remedy
            ) from error
    found: NDArray[Any] = column_array(column, [*parsed, None])[codes]
    return found


_MEND: Final = "Mend the cell, or leave it empty for a missing value."
_MEND_INFINITE: Final = Message("Mend the cell, leave it empty, or train with ", Set("infinite", "missing"), ".")


def _plain_numbers(cells: pa.ChunkedArray, decimal: str, thousands: str) -> NDArray[np.float64] | None:
    """Read texts as numbers all at once, or return None where one of them needs the slow and exact way."""
    if decimal == "." and not thousands:
        numbers = _finite_numbers(cells)
        if numbers is not None:
            return numbers
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
    if thousands:
        texts = _ungrouped(texts, decimal, thousands)
    if decimal == ",":
        texts = pc.replace_substring(texts, ",", ".", max_replacements=1)
    numbers = _finite_numbers(texts)
    if numbers is not None:
        return numbers
    well_formed = pc.match_substring_regex(texts, r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
    if not pc.all(well_formed, min_count=0).as_py():
        return None
    try:
        return floats_of(pc.cast(pc.utf8_ltrim(texts, "+"), pa.float64()))
    except pa.ArrowInvalid:
        return None


def _finite_numbers(texts: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Read texts as numbers, or return None where one is none, an infinite one or Arrow's "nan"."""
    try:
        numbers = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None
    return floats_of(numbers) if pc.all(pc.is_finite(numbers), min_count=0).as_py() else None


def _ungrouped(texts: pa.ChunkedArray, decimal: str, thousands: str) -> pa.ChunkedArray:
    """Take the marks between thousands out; one that stands elsewhere becomes what is no number."""
    for variant, mark in MARK_VARIANTS.items():
        texts = pc.replace_substring(texts, chr(variant), mark)
    grouped = pc.match_substring_regex(texts, f"^{grouped_number(decimal, thousands)}$")
    plain = pc.if_else(grouped, pc.replace_substring(texts, thousands, ""), texts)
    return pc.replace_substring(plain, thousands, "no number")


def _present(column: Column, numbers: NDArray[Any], first_row: int) -> NDArray[np.float64]:
    """Return numbers with NaN for those that say that there is none; the others have to be finite."""
    numbers = with_gaps(column, numbers)
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax())
        raise TableError(
            f"Column {column.name!r}, row {first_row + row + 1}: expected a finite number, got {numbers[row]}. ",
            _MEND_INFINITE,
        )
    return numbers
