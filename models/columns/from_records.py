"""From records to columns of plain values, by name and in the schema's order.

Columns map each feature's name to one array of n values: float64 for numeric, boolean (0, 1) and datetime
(seconds since 1970-01-01 UTC) features, with NaN where a value is missing; objects (`str` or None) for
categorical ones. `models/columns/from_tables.py` makes equal columns from equal cells of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import RecordError
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import Cell, parser_of

Columns = Mapping[str, NDArray[Any]]
"""Name → n values; see the module's docstring."""

_JSON_WORDS: Final = {"None": "null", "True": "true", "False": "false"}
_LONG_BITS: Final = 1024
_PLAIN: Final = frozenset([float, int, type(None)])
_TEXTS: Final = frozenset([str, type(None)])


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
    records = list(flat_records(records, schema.read_names, first_record=first_record))
    numbers = _plain_numbers(schema, schema.numbers, records)
    parsed: dict[str, list[Cell]] = {}
    for column in schema.read:
        if column.name in numbers:
            continue
        try:
            cells = [record[column.name] for record in records]
        except KeyError:
            cells = [_cell_or_null(column, record, first_record + n) for n, record in enumerate(records)]
        parsed[column.name] = _parsed(column, cells, first_record)
    return _arrays(schema, parsed, numbers)


def columns_of_rows(
    schema: FeatureSchema,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    first_record: int = 0,
    typed: bool = False,
) -> dict[str, NDArray[Any]]:
    """Take the features out of rows of cells, in the order of `names`.

    Args:
        schema: Which features are wanted, and their kinds.
        names: What each cell of a row is called.
        rows: n rows of `len(names)` cells, at least one.
        first_record: Number of the first row in its request, for errors.
        typed: It is known that rows have so many cells, and that those of `schema.numbers` are numbers or None.

    Raises:
        RecordError: A column is absent, a row has another length, or a value is not of the column's kind.
    """
    if not typed:
        for number, row in enumerate(rows):
            if len(row) != len(names):
                raise _ragged(names, row, first_record + number)
    elif names == schema.numbers == schema.read_names and (plain := _number_columns(schema, rows)):
        return plain  # as for most: there is nothing to look for
    places = {name: place for place, name in enumerate(names)}
    for column in schema.read:
        if column.name not in places:
            raise _absent(column, None)
    numbers = _plain_numbers(schema, [places[name] for name in schema.numbers], rows, typed=typed)
    parsed = {
        column.name: _parsed(column, [row[places[column.name]] for row in rows], first_record)
        for column in schema.read
        if column.name not in numbers
    }
    return _arrays(schema, parsed, numbers)


def problems_of_records(
    schema: FeatureSchema, records: Sequence[Mapping[str, Any]], *, first_record: int = 0
) -> Iterator[RecordError]:
    """Return everything that `columns_of_records` would refuse, record by record."""
    parsers = [(column, parser_of(column)) for column in schema.read]
    for number, nested in enumerate(records, start=first_record):
        try:
            [record] = flat_records([nested], schema.read_names, first_record=number)
        except RecordError as twice:
            yield twice
            continue
        for column, parse in parsers:
            try:
                value = _cell_or_null(column, record, number)
            except RecordError as absent:
                yield absent
            else:
                yield from problem_of(column, parse, value, number)


def problems_of_rows(
    schema: FeatureSchema, names: Sequence[str], rows: Sequence[Sequence[Any]], *, first_record: int = 0
) -> Iterator[RecordError]:
    """Return everything that `columns_of_rows` would refuse: columns once, with the first rows, then row by row."""
    if first_record == 0:
        yield from (_absent(column, None) for column in schema.read if column.name not in names)
    parsers = [(column, parser_of(column), names.index(column.name)) for column in schema.read if column.name in names]
    for number, row in enumerate(rows, start=first_record):
        if len(row) != len(names):
            yield _ragged(names, row, number)
            continue
        for column, parse, place in parsers:
            yield from problem_of(column, parse, row[place], number)


def problem_of(column: Column, parse: Callable[[object], Cell], value: object, number: int) -> Iterator[RecordError]:
    """Return the error for a value that is not of the column's kind; nothing for one that is."""
    try:
        if value is not None:
            parse(value)
    except ValueError as error:
        yield _refused(column, value, number, error)


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


def flat_records(
    records: Sequence[Mapping[str, Any]], names: tuple[str, ...], *, first_record: int = 0
) -> Iterator[Mapping[str, Any]]:
    """Open the nested objects that dotted names lead into, as `flatten` does for all of them.

    Args:
        records: Values by name.
        names: The fields that are wanted.
        first_record: Number of the first record in its request, for errors.

    Raises:
        RecordError: Two fields come to one name.
    """
    if not _outer(names):
        yield from records
        return
    for number, record in enumerate(records, start=first_record):
        yield _flat(record, names, number)


def column_array(column: Column, cells: Sequence[Any]) -> NDArray[Any]:
    """Return parsed cells as the array of their column."""
    if column.kind is Kind.CATEGORICAL:
        texts = np.empty(len(cells), object)
        texts[:] = cells
        return texts
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def shown(value: object) -> str:
    """Show a value, but not all of a long one, and nothing of what is in a list or an object."""
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, Mapping):
        return "an object" if value else "an empty object"
    if isinstance(value, int) and value.bit_length() > _LONG_BITS:  # Python refuses to write the longest ones
        return "a number of hundreds of digits"
    text = _JSON_WORDS.get(repr(value), f"the text {value!r}" if isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else f"{text[:57]}…"


def _absent(column: Column, number: int | None) -> RecordError:
    remedy = "Send the column." if number is None else "Send it, or null where it has no value."
    return RecordError("is absent.", record=number, field=column.name, remedy=remedy)


def _ragged(names: Sequence[str], row: Sequence[Any], number: int) -> RecordError:
    return RecordError(
        f"has {len(row)} cells for {len(names)} columns.",
        record=number,
        field=None,
        remedy="Send one cell a column, null where there is no value.",
    )


def _refused(column: Column, value: object, number: int, error: ValueError) -> RecordError:
    return RecordError(f"got {shown(value)}.", record=number, field=column.name, remedy=f"Send {error}, or null.")


def _cell_or_null(column: Column, record: Mapping[str, Any], number: int) -> Any:
    """Return a field, or None where an object that it would be in is null.

    Raises:
        RecordError: It is absent.
    """
    if column.name in record:
        return record[column.name]
    if any(record.get(outer, ...) is None for outer in _outer((column.name,))):
        return None
    raise _absent(column, number)


@lru_cache(maxsize=256)
def _outer(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the objects that dotted names lead through."""
    parts = [name.split(".") for name in names]
    return frozenset(".".join(way[:depth]) for way in parts for depth in range(1, len(way)))


def _flat(record: Mapping[str, Any], names: tuple[str, ...], number: int) -> Mapping[str, Any]:
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    outer = _outer(names)
    flat: dict[str, Any] = {}
    todo = list(record.items())
    while todo:
        name, value = todo.pop()
        if name in outer and isinstance(value, dict):  # no other is opened: its names could fill the memory
            todo += [(f"{name}.{inner}", cell) for inner, cell in value.items()]
        elif name in flat and name in names:
            raise RecordError(
                "comes twice, once inside another field.", record=number, field=name, remedy="Send it once."
            )
        else:
            flat[name] = value
    return flat


def _parsed(column: Column, values: Sequence[Any], first_record: int) -> list[Cell]:
    """Parse the values of one column of a request; where all are texts, as most are, each of them once."""
    parse = parser_of(column)
    if _TEXTS.issuperset(map(type, values)):
        with suppress(ValueError):
            texts: dict[Any, Cell] = {value: None if value is None else parse(value) for value in set(values)}
            return [texts[value] for value in values]
    cells: list[Any] = []
    for number, value in enumerate(values):
        try:
            cells.append(None if value is None else parse(value))
        except ValueError as error:
            raise _refused(column, value, first_record + number, error) from error
    return cells


def _plain_numbers(
    schema: FeatureSchema, keys: Sequence[Any], rows: Sequence[Any], *, typed: bool = False
) -> dict[str, NDArray[Any]]:
    """Return the columns of numbers at once, where all their cells are numbers or null; else none of them.

    Args:
        schema: Says which columns these are.
        keys: Where a row has each of them, in the order of `schema.numbers`.
        rows: Records, or rows of cells.
        typed: It is known that they are numbers or null.
    """
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
    """Return the columns of numbers by their cells, row by row; none of them where one is too large."""
    try:
        values = _array_of(rows, len(schema.numbers))
    except OverflowError:
        return {}
    return {} if np.isinf(values).any() else dict(zip(schema.numbers, np.ascontiguousarray(values.T), strict=True))


def _array_of(rows: Sequence[Sequence[float | None]], width: int) -> NDArray[np.float64]:
    """Return rows of numbers as an array, NaN for None."""
    try:
        cells = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width)
    except TypeError:  # there is a None
        cells = np.array(list(chain.from_iterable(rows)), np.float64)
    return cells.reshape(len(rows), width)


def _arrays(
    schema: FeatureSchema, parsed: Mapping[str, list[Cell]], numbers: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the columns in the schema's order, from those that were parsed and those that needed it not."""
    return {
        column.name: numbers[column.name] if column.name in numbers else column_array(column, parsed[column.name])
        for column in schema.read
    }
