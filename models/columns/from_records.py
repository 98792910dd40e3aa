"""Columns from records: arrays of plain values, by name and in the schema's order.

Columns map each feature's name to one array of n values: float64 for numeric, boolean (0, 1) and datetime
(seconds since 1970-01-01 UTC) features, with NaN where a value is missing; objects (`str` or None) for
categorical ones. `models/columns/from_tables.py` makes equal columns from equal cells of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import RecordError, mistyped, quoted
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import Cell, missing_cells, parser_of
from models.schema.nesting import flat_records, inside

Columns = Mapping[str, NDArray[Any]]
"""Name → n values; see the module's docstring."""

_JSON_WORDS: Final = {"None": "null", "True": "true", "False": "false"}
_LONG_BITS: Final = 1024
_LONGEST_TEXT: Final = 100  # characters that are looked at, of which fewer are shown
_PLAIN: Final = frozenset([float, int, type(None)])
_TEXTS: Final = frozenset([str, type(None)])


def columns_of_records(
    schema: FeatureSchema, records: Sequence[Mapping[str, Any]], *, first_record: int = 0
) -> dict[str, NDArray[Any]]:
    """Return the features of records, which are objects by name.

    A field that is null is a missing value; one that is absent is an error; fields that are no features are
    ignored. Nested objects are fields with dotted names; where an object is null, so are its fields.

    There is at least one; `first_record` is the index of the first in its request, for errors.

    Raises:
        RecordError: A field is absent or its value is not of the column's kind.
    """
    records = list(flat_records(records, schema.read_names, first_record=first_record))
    numbers = _plain_numbers(schema, schema.numbers, records)
    parsed: dict[str, list[Cell]] = {}
    for column in schema.read:
        if column.name in numbers:
            continue
        try:
            cells = [record[column.name] for record in records]
        except KeyError:
            cells = [_cell_or_null(schema, column, record, first_record + n) for n, record in enumerate(records)]
        parsed[column.name] = _parsed(schema, column, cells, first_record)
    return _arrays(schema, parsed, numbers)


def columns_of_rows(
    schema: FeatureSchema,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    first_record: int = 0,
    typed: bool = False,
) -> dict[str, NDArray[Any]]:
    """Return the features of rows of cells, in the order of `names`.

    Args:
        schema: Which features are wanted, and their kinds.
        names: Name of each cell of a row.
        rows: n rows of `len(names)` cells, at least one.
        first_record: Index of the first row in its request, for errors.
        typed: The rows are known to have that many cells, with numbers or None in those of `schema.numbers`.

    Raises:
        RecordError: A column is absent, a row has another length, or a value is not of the column's kind.
    """
    if not typed:
        for index, row in enumerate(rows):
            if len(row) != len(names):
                raise _ragged(names, row, first_record + index)
    elif names == schema.numbers == schema.read_names and (plain := _number_columns(schema, rows)):
        return plain  # the usual case: only numbers, in order
    positions = {name: i for i, name in enumerate(names)}
    in_null = _fields_in_null(schema, names, rows)
    for column in schema.read:
        if column.name not in positions:
            if not (column.optional or column.name in in_null):
                raise absent_column(schema, column.name, names)
            positions[column.name] = len(positions)
            rows = [(*row, None) for row in rows]
    numbers = _plain_numbers(schema, [positions[name] for name in schema.numbers], rows, typed=typed)
    parsed = {
        column.name: _parsed(schema, column, [row[positions[column.name]] for row in rows], first_record)
        for column in schema.read
        if column.name not in numbers
    }
    return _arrays(schema, parsed, numbers)


def problems_of_records(
    schema: FeatureSchema, records: Sequence[Mapping[str, Any]], *, first_record: int = 0
) -> Iterator[RecordError]:
    """Yield everything that `columns_of_records` would refuse, record by record."""
    parsers = [(column, parser_in(schema, column)) for column in schema.read]
    for index, nested in enumerate(records, start=first_record):
        try:
            [record] = flat_records([nested], schema.read_names, first_record=index)
        except RecordError as twice:
            yield twice
            continue
        for column, parse in parsers:
            try:
                value = _cell_or_null(schema, column, record, index)
            except RecordError as absent:
                yield absent
            else:
                yield from problem_of(column, parse, value, index)


def problems_of_rows(
    schema: FeatureSchema, names: Sequence[str], rows: Sequence[Sequence[Any]], *, first_record: int = 0
) -> Iterator[RecordError]:
    """Yield everything that `columns_of_rows` would refuse: columns once, with the first rows, then row by row."""
    if first_record == 0:
        present = {*names, *_fields_in_null(schema, names, rows)}
        lacking = (name for name in schema.required if name not in present)
        yield from (absent_column(schema, name, names) for name in lacking)
    read = [column for column in schema.read if column.name in names]
    parsers = [(column, parser_in(schema, column), names.index(column.name)) for column in read]
    for index, row in enumerate(rows, start=first_record):
        if len(row) != len(names):
            yield _ragged(names, row, index)
            continue
        for column, parse, position in parsers:
            yield from problem_of(column, parse, row[position], index)


def problem_of(column: Column, parse: Callable[[object], Cell], value: object, index: int) -> Iterator[RecordError]:
    """Yield the error for a value that is not of the column's kind; nothing for one that is."""
    try:
        if value is not None:
            parse(value)
    except ValueError as error:
        yield _refused(column, value, index, error)


def column_array(column: Column, cells: Sequence[Any]) -> NDArray[Any]:
    """Return parsed cells as the array of their column."""
    if column.kind is Kind.CATEGORICAL:
        texts = np.empty(len(cells), object)
        texts[:] = cells
        return texts
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def with_gaps(column: Column, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Return n numbers with NaN for those that stand for a missing value in the column.

    Example:
        >>> with_gaps(Column(name="load", kind=Kind.NUMERIC, missing=("-200",)), np.array([-200.0, 7.5]))
        array([nan, 7.5])
    """
    numbers = np.asarray(numbers, np.float64)
    if not column.missing:
        return numbers
    gone = [cell for cell in missing_cells(column) if isinstance(cell, float)]
    return np.where(np.isin(numbers, np.array(gone)), np.nan, numbers)


def missing_mask(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of n values of a column are missing `(n,)`."""
    if values.dtype == object:
        return np.array([value is None for value in values.tolist()], np.bool_)
    mask: NDArray[np.bool_] = np.isnan(values)
    return mask


def brief_repr(value: object) -> str:
    """Return a value as an error message shows it: shortened, and without the contents of a list or an object."""
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, Mapping):
        return "an object" if value else "an empty object"
    if isinstance(value, int) and value.bit_length() > _LONG_BITS:  # Python refuses to write the longest ones
        return "a number of hundreds of digits"
    if isinstance(value, str):
        text = f"the text {quoted(value[:_LONGEST_TEXT])}"
    else:
        text = _JSON_WORDS.get(repr(value), repr(value))
    return text if len(text) <= 60 else f"{text[:57]}…"


def absent_column(schema: FeatureSchema, name: str, given: Iterable[str], *, record: int | None = None) -> RecordError:
    """Return the error for a column that is not among the given names, of one record or of all of them."""
    remedy = "Send the column." if record is None else "Send it, or null where it has no value."
    meant = mistyped([name], (other for other in given if other not in schema.known))
    return RecordError("is absent.", record=record, field=name, remedy=remedy + meant)


def _ragged(names: Sequence[str], row: Sequence[Any], index: int) -> RecordError:
    return RecordError(
        f"has {len(row)} cells for {len(names)} columns.",
        record=index,
        field=None,
        remedy="Send one cell a column, null where there is no value.",
    )


def _refused(column: Column, value: object, index: int, error: ValueError) -> RecordError:
    return RecordError(f"got {brief_repr(value)}.", record=index, field=column.name, remedy=f"Send {error}, or null.")


def _cell_or_null(schema: FeatureSchema, column: Column, record: Mapping[str, Any], index: int) -> Any:
    """Return a field, None where it may be absent; else a `RecordError`."""
    if column.name in record:
        return record[column.name]
    if column.optional:
        return None
    raise absent_column(schema, column.name, record, record=index)


def _fields_in_null(schema: FeatureSchema, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> frozenset[str]:
    """Return the columns that lie in an object of which all cells are null."""
    objects = [(i, name) for i, name in enumerate(names) if name in schema.objects]
    null = {name for i, name in objects if all(len(row) > i and row[i] is None for row in rows)}
    return frozenset(inside(schema.read_names, null)) if null else frozenset()


def parser_in(schema: FeatureSchema, column: Column) -> Callable[[object], Cell]:
    """Return the parser for the values of a column; numbers that are sent as text are read as they were learned."""
    return parser_of(column, decimal=schema.decimal, thousands=schema.thousands)


def _parsed(schema: FeatureSchema, column: Column, values: Sequence[Any], first_record: int) -> list[Cell]:
    """Parse the values of one column of a request; where all are texts, each distinct one once."""
    parse = parser_in(schema, column)
    if _TEXTS.issuperset(map(type, values)):
        with suppress(ValueError):
            texts: dict[Any, Cell] = {value: None if value is None else parse(value) for value in set(values)}
            return [texts[value] for value in values]
    cells: list[Any] = []
    for index, value in enumerate(values):
        try:
            cells.append(None if value is None else parse(value))
        except ValueError as error:
            raise _refused(column, value, first_record + index, error) from error
    return cells


def _plain_numbers(
    schema: FeatureSchema, keys: Sequence[Any], rows: Sequence[Any], *, typed: bool = False
) -> dict[str, NDArray[Any]]:
    """Return the columns of plain numbers at once if all their cells are numbers or null; else none of them."""
    if not keys:
        return {}
    pick = itemgetter(*keys) if len(keys) > 1 else lambda row: (row[keys[0]],)
    try:
        picked = list(map(pick, rows))
    except KeyError:
        return {}
    if not (typed or _PLAIN.issuperset(map(type, chain.from_iterable(picked)))):
        return {}
    return _number_columns(schema, picked)


def _number_columns(schema: FeatureSchema, rows: Sequence[Sequence[float | None]]) -> dict[str, NDArray[Any]]:
    """Return columns of numbers from rows of their cells; none of them where one is too large."""
    try:
        values = _array_of(rows, len(schema.numbers))
    except OverflowError:
        return {}
    return {} if np.isinf(values).any() else dict(zip(schema.numbers, np.ascontiguousarray(values.T), strict=True))


def _array_of(rows: Sequence[Sequence[float | None]], width: int) -> NDArray[np.float64]:
    """Return rows of numbers as an array, NaN for None; an array as it is."""
    if isinstance(rows, np.ndarray):
        return rows
    try:
        cells = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width)
    except TypeError:  # there is a None
        cells = np.array(list(chain.from_iterable(rows)), np.float64)
    return cells.reshape(len(rows), width)


def _arrays(
    schema: FeatureSchema, parsed: Mapping[str, list[Cell]], numbers: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return all columns in the schema's order, those that were parsed and those that were plain numbers."""
    return {
        column.name: numbers[column.name] if column.name in numbers else column_array(column, parsed[column.name])
        for column in schema.read
    }
