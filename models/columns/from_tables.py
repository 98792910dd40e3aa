"""Columns from tables, equal to those that `from_records` makes of equal records."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.columns.arrow_cells import (
    coded_values,
    numbers_at_once,
    plain_cells,
    python_values,
    timestamps_at_once,
)
from models.columns.from_records import brief_repr, column_array, problem_of, with_gaps
from models.errors import Message, RecordError, Set, TableError, mistyped, quoted
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import Cell, parser_of
from models.schema.nesting import inside
from models.schema.numbers import PERCENT
from models.tables.read_options import HEADER_AGAIN
from models.tables.table import Table, places_of


def columns_of_table(schema: FeatureSchema, table: Table, *, first_row: int = 0) -> dict[str, NDArray[Any]]:
    """Return the features of a table, by name; errors count rows from `first_row` + 1.

    Raises:
        TableError: A column is missing or a cell is not of the column's kind.
    """
    table = with_null_objects(schema, table)
    require_columns(schema, table.names)
    return {column.name: column_of_table(schema, table, column, first_row=first_row) for column in schema.read}


def with_null_objects(schema: FeatureSchema, table: Table) -> Table:
    """Return a table in which each object that has no value has null fields instead: those of the training data."""
    data = table.data
    null = [field.name for field in data.schema if field.name in schema.objects and pa.types.is_null(field.type)]
    if not null:
        return table
    fields = [name for name in inside(sorted(schema.known), null) if name not in table.names]
    data = data.drop_columns(null)
    for name in fields:
        data = data.append_column(name, pa.nulls(len(table), pa.string()))
    return replace(table, data=data)


def column_of_table(schema: FeatureSchema, table: Table, column: Column, *, first_row: int = 0) -> NDArray[Any]:
    """Return one feature of a table that has it; errors count rows from `first_row` + 1.

    Raises:
        TableError: A cell is not of the column's kind.
    """
    decimal, thousands = number_format_of(schema, table)
    about = RowsOfTable(table=table, first=first_row)
    return read_cells(column, _cells(table, column), decimal=decimal, thousands=thousands, about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfTable:
    """What errors say of the rows of a table: where they are, and how they are left out."""

    table: Table
    first: int = 0

    def place(self, index: int) -> str:
        """Return what a row is called: "row 7"."""
        if len(self.table.files) > 1:
            return places_of(self.table, [index])
        return f"row {self.table.row_number(index, first_row=self.first)}"

    def remedy(self, column: Column, value: object, index: int) -> Message | None:
        """Return what to say if a row whose cell is a text is no record; None where it cannot be left out."""
        if self.table.skipped is None or column.kind is Kind.CATEGORICAL or not isinstance(value, str):
            return None
        if value.strip() == column.name:
            return Message("If the row repeats the header line, say ", self.table.to_skip([HEADER_AGAIN]), ".")
        if len(self.table.files) > 1:
            return None
        number = self.table.row_number(index, first_row=self.first)
        return Message("If the row is no record, say ", self.table.to_skip([number]), ".")


def _cells(table: Table, column: Column) -> pa.ChunkedArray:
    """Return the cells of a column; one that may be absent has only missing ones then."""
    if column.optional and column.name not in table.names:
        return pa.chunked_array([pa.nulls(len(table), pa.float64() if column.kind is Kind.NUMERIC else pa.string())])
    return table.data.column(column.name)


def number_format_of(schema: FeatureSchema, table: Table) -> tuple[str, str]:
    """Return decimal mark and thousands separator of a table's texts: its own, else those that were learned from."""
    decimal = schema.decimal if table.decimal is None else table.decimal
    return decimal, schema.thousands if table.thousands is None else table.thousands


def plain_numbers(schema: FeatureSchema) -> frozenset[str]:
    """Return the features whose texts are numbers in the file's number format."""
    return frozenset(
        column.name
        for column in schema.read
        if column.kind is Kind.NUMERIC
        and not (column.unit or column.layout or column.decimal or column.thousands)
        and column.name not in schema.ids
    )


def require_columns(schema: FeatureSchema, names: Sequence[str]) -> None:
    """Raise `TableError` with the columns that differ, unless a table has every feature once."""
    wanted = [column.name for column in schema.read]
    present = frozenset(names)
    missing = [name for name in schema.required if name not in present]
    if missing:
        unknown = [name for name in names if name not in schema.known]
        extra = f"; not known to the detector: {', '.join(map(quoted, unknown))}" if unknown else ""
        raise TableError(
            f"The table has another shape than the training data. Missing: {', '.join(map(quoted, missing))}{extra}."
            f"{mistyped(missing, unknown)} Columns are taken by name, in any order."
        )
    counts = Counter(names)
    twice = [name for name in dict.fromkeys((*wanted, *schema.ids)) if counts[name] > 1]
    if twice:
        raise TableError(f"The table has more than one column {', '.join(map(quoted, twice))}. Give each its own name.")


def read_cells(
    column: Column, cells: pa.ChunkedArray, *, decimal: str = ".", thousands: str = "", about: RowsOfTable | None = None
) -> NDArray[Any]:
    """Return the values of one column `(n,)`, as `models/columns/from_records.py` describes them.

    The cells are of any Arrow type; errors count them from 1, or as the rows are called that they are about.

    Raises:
        TableError: A cell is not of the column's kind.
    """
    cells = plain_cells(cells)
    about = about or RowsOfTable(table=Table(data=pa.table({column.name: cells})))
    if column.kind is Kind.NUMERIC:
        numbers = numbers_at_once(column, cells, decimal=decimal, thousands=thousands)
        if numbers is None:
            numbers = _parsed(column, cells, parser_of(column, decimal=decimal, thousands=thousands), about)
        else:
            numbers = _present(column, numbers, about)
        in_percent = column.unit == PERCENT and column.name in about.table.percent
        return np.array([float(f"{100 * n:.15g}") for n in numbers.tolist()]) if in_percent else numbers
    if column.kind is Kind.DATETIME:
        timestamps = timestamps_at_once(column, cells)
        if timestamps is not None:
            return timestamps
    return _parsed(column, cells, parser_of(column, decimal=decimal, thousands=thousands), about)


def problems_of_table(schema: FeatureSchema, table: Table, *, first_record: int = 0) -> Iterator[RecordError]:
    """Yield every cell that `columns_of_table` would refuse, in the order of the rows."""
    decimal, thousands = number_format_of(schema, table)
    about = RowsOfTable(table=table, first=first_record)

    def problems_in(column: Column) -> Iterator[RecordError]:
        cells = _cells(table, column)
        try:
            read_cells(column, cells, decimal=decimal, thousands=thousands)
        except TableError:
            parse = parser_of(column, decimal=decimal, thousands=thousands)
            for index, value in enumerate(python_values(plain_cells(cells))):
                number = table.row_number(index, first_row=first_record)
                for problem in problem_of(column, parse, value, number - 1):
                    more = about.remedy(column, value, index)
                    remedy = problem.remedy if more is None else Message(problem.remedy, " ", more)
                    yield RecordError(problem.problem, record=problem.record, field=problem.field, remedy=remedy)

    return heapq.merge(*map(problems_in, schema.read), key=lambda problem: problem.record or 0)


def _parsed(
    column: Column, cells: pa.ChunkedArray, parse: Callable[[object], Cell], about: RowsOfTable
) -> NDArray[Any]:
    """Parse cells, each distinct value once."""
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    first, found = 0, [column_array(column, [])]
    for codes, values in coded_values(cells):
        parsed: list[Any] = []
        for code, value in enumerate(values):
            try:
                parsed.append(None if value is None else parse(value))
            except ValueError as error:
                row = first + int((codes == code).argmax())
                problem = f"Column {column.name!r}, {about.place(row)}: expected {error}, got {brief_repr(value)}. "
                if str(error) == "a finite number":
                    raise TableError(problem, _REMEDY_INFINITE) from error
                more = about.remedy(column, value, row)
                raise TableError(problem, _REMEDY if more is None else Message(_REMEDY, " ", more)) from error
        found.append(column_array(column, [*parsed, None])[codes])
        first += len(codes)
    return np.concatenate(found)


_REMEDY: Final = "Fix the cell, or leave it empty for a missing value."
_REMEDY_INFINITE: Final = Message("Fix the cell, leave it empty, or train with ", Set("infinite", "missing"), ".")


def _present(column: Column, numbers: NDArray[Any], about: RowsOfTable) -> NDArray[np.float64]:
    """Return numbers with NaN for missing ones; the others have to be finite."""
    numbers = with_gaps(column, numbers)
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax())
        raise TableError(
            f"Column {column.name!r}, {about.place(row)}: expected a finite number, got {numbers[row]}. ",
            _REMEDY_INFINITE,
        )
    return numbers
