"""Tables: rows as they were read, with what was detected on the way."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import Set, TableError
from models.messages import Message, joined, listed, phrase, plural
from models.schema.names import in_one_form
from models.tables.arrow.dictionaries import place_of, runs_of
from models.tables.frames import arrow_of_frame

__all__ = ["Table"]

_SHOWN_ROWS: Final = 3  # of a file, and files
_VIEWS: Final = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they were read.

    Args:
        data: The cells; those of a text file are text.
        decimal: The decimal mark of numbers that are written as text; None where the format does not tell it.
        thousands: The mark between their thousands, empty where there is none; None where the format does not tell it.
        said: Decimal mark and thousands separator as the user of files named them, None for one that was not named;
            None where the rows are from no files.
        repairs: One line for each thing that was detected or repaired.
        header: The names that were given to a file without a header line.
        left_out: Names of the columns that were not read, because they were not asked for.
        absent: Names of fields that some of the records lack.
        percent: Names of columns of a sheet that shows their numbers in percent, and has 0.07 for 7 %, as `data` has.
        of_records: The rows were objects with named fields, each of which may lack some.
        files: Name and number of rows of each file that the rows are from, where it is known.
        skipped: What ``--skip-rows`` left out already; None where it cannot leave out rows, as in a data frame.
        numbers: Number of each row in its file, from 1, those that were skipped counted `(n,)`; None for 1 to n.
    """

    data: pa.Table
    decimal: str | None = None
    thousands: str | None = None
    said: tuple[str | None, str | None] | None = None
    repairs: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()
    percent: frozenset[str] = frozenset()
    of_records: bool = False
    files: tuple[tuple[str, int], ...] = ()
    skipped: tuple[str, ...] | None = None
    numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.data.column_names)

    @property
    def marks(self) -> tuple[str, str]:
        """Decimal mark and thousands separator; those of plain numbers where the format does not tell them."""
        return self.decimal or ".", self.thousands or ""

    def chunks(self, rows: int) -> Iterator[Table]:
        """Yield the rows in order, at most so many at a time; nothing is copied."""
        for start in range(0, len(self), rows):
            yield self.part(start, rows)

    def part(self, start: int, rows: int) -> Table:
        """Return at most so many rows from one on; nothing is copied."""
        numbers = None if self.numbers is None else self.numbers[start : start + rows]
        return replace(self, data=self.data.slice(start, rows), numbers=numbers)

    def row_number(self, index: int, *, first_row: int = 0) -> int:
        """Return the number of a row in its file, from 1; that of the first is `first_row` + 1 if none was skipped."""
        return first_row + index + 1 if self.numbers is None else int(self.numbers[index])

    def to_skip(self, rows: Iterable[int | str]) -> Set:
        """Return the flag that leaves out rows, given by number, together with those that are left out already."""
        return Set("skip_rows", tuple(dict.fromkeys((*(self.skipped or ()), *map(str, rows)))))


def numbers_of(tables: Sequence[Table]) -> NDArray[np.int64] | None:
    """Return the row numbers of tables that are put together `(n,)`; None where no row was skipped."""
    numbers = [table.numbers for table in tables if table.numbers is not None]
    return np.concatenate(numbers) if numbers else None


def rows_by_file(table: Table, rows: Iterable[int]) -> dict[str, list[int]]:
    """Return the numbers of rows in their files, from 1, by the file's name; rows are given by index, in order.

    A table that is not from files, or has other rows than these, has one part without a name.
    """
    files = table.files if sum(count for _, count in table.files) == len(table) else (("", len(table)),)
    ends = list(accumulate(count for _, count in files))
    found: dict[str, list[int]] = {}
    for row in rows:
        part = bisect_right(ends, row)
        name, count = files[part]
        found.setdefault(name, []).append(table.row_number(row, first_row=count - ends[part]))
    return found


def places_of(table: Table, rows: Iterable[int]) -> Message:
    """Return what rows, given by index, are called: "rows 1 and 2", "row 1 of day1.csv"."""
    places: list[Message] = []
    found = rows_by_file(table, rows)
    for name, numbers in list(found.items())[:_SHOWN_ROWS]:
        shown = [phrase("{number:,}", number=number) for number in numbers[:_SHOWN_ROWS]]
        if (more := len(numbers) - _SHOWN_ROWS) > 0:
            some = phrase("{rows} and {more:,} more", rows=joined(shown, by=", "), more=more)
        else:
            some = listed(shown)
        place = plural("row {rows}", "rows {rows}", count=len(numbers), rows=some)
        places.append(phrase("{rows} of {file}", rows=place, file=name) if len(table.files) > 1 else place)
    if len(found) > _SHOWN_ROWS:
        places.append(phrase("others"))
    return joined(places, by=" ") if len(places) == 1 else listed(places)


def table_of(data: object) -> Table:
    """Return the table of a data frame (pandas, polars, anything that exports Arrow) or an Arrow table.

    A named index of pandas is a column, one without a name is none. A column with integers of more than 64 bits is one
    of texts, as in a file.

    Raises:
        TableError: A column holds values of kinds that cannot stand together.
    """
    return Table(data=plain_columns(arrow_of_frame(data)))


def plain_columns(data: pa.Table) -> pa.Table:
    """Return a table with flat columns of plain types, their names in one Unicode form.

    Raises:
        TableError: A nested field has another column's name.
    """
    before = Counter(in_one_form(data.column_names))
    data = flat_columns(data)
    data = data.rename_columns(list(in_one_form(data.column_names)))
    repeated = next((n for n, count in Counter(data.column_names).items() if count > max(1, before[n])), None)
    if repeated is not None:
        raise TableError(f"Two fields are called {repeated!r}, one of them inside another. Rename one.")
    for index, field in enumerate(data.schema):
        column = _plain(data.column(index))
        if column.type != field.type:
            data = data.set_column(index, field.name, column)
    return data


def flat_columns(data: pa.Table) -> pa.Table:
    """Return a table whose nested fields are columns with dotted names."""
    while any(pa.types.is_struct(kind) for kind in data.schema.types):
        data = data.flatten()
    return data


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        stored = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        return _plain(stored)
    if pa.types.is_run_end_encoded(kind):
        return pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if kind in _VIEWS:
        return column.cast(_VIEWS[kind])
    if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
        return pa.chunked_array([_texts(*run) for run in runs_of(column)], pa.large_string())
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):  # for which Arrow has few functions
        return column.cast(pa.decimal128(kind.precision, kind.scale))
    return column


def _texts(codes: NDArray[np.int64], dictionary: pa.Array) -> pa.Array:
    """Return the texts of codes into a dictionary of views, for which Arrow has few functions."""
    return dictionary.cast(pa.large_string()).take(pa.array(codes, mask=codes < 0))


class Regrouping:
    """Takes tables of any size, all of the same columns, and gives tables of one size; nothing is copied.

    Args:
        chunk_rows: Rows of each table that is given, but for the last.
        most_bytes: Bytes above which those that are held are given as they are, whatever their rows; None for any.
    """

    def __init__(self, chunk_rows: int, *, most_bytes: int | None = None) -> None:
        self._chunk_rows = chunk_rows
        self._most_bytes = most_bytes
        self._buffer: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._dictionaries: set[tuple[int, ...]] = set()  # that are counted

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Take a table, and yield the full ones that there are now."""
        if len(table) or not self._buffer:
            self._buffer.append(table)
            self._rows += len(table)
            self._count(table)
        if self._rows >= self._chunk_rows:
            data = pa.concat_tables(self._buffer)
            full = len(data) - len(data) % self._chunk_rows
            self._hold([data.slice(full)])
            for start in range(0, full, self._chunk_rows):
                yield data.slice(start, self._chunk_rows)
        elif self._most_bytes is not None and self._bytes > self._most_bytes:
            held = pa.concat_tables(self._buffer)
            self._hold([])
            if len(held):
                yield held

    def rest(self) -> pa.Table | None:
        """Return the rows that are left; None where no table came."""
        return pa.concat_tables(self._buffer) if self._buffer else None

    def _hold(self, tables: list[pa.Table]) -> None:
        self._buffer, self._rows, self._bytes = tables, sum(map(len, tables)), 0
        self._dictionaries.clear()
        for table in tables:
            self._count(table)

    def _count(self, table: pa.Table) -> None:
        """Count the bytes of a table, a dictionary once for all that have it."""
        if self._most_bytes is None:
            return
        for column in table.columns:
            if not pa.types.is_dictionary(column.type):
                self._bytes += column.nbytes
                continue
            for chunk in column.chunks:
                self._bytes += chunk.indices.nbytes
                if (place := place_of(chunk.dictionary)) not in self._dictionaries:
                    self._dictionaries.add(place)
                    self._bytes += chunk.dictionary.nbytes


def regroup(batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Put record batches of any size together to tables of `chunk_rows` rows, at least one."""
    grouping = Regrouping(chunk_rows)
    any_yet = False
    for batch in batches:
        for chunk in grouping.add(pa.Table.from_batches([batch], schema)):
            any_yet = True
            yield chunk
    rest = grouping.rest()
    if rest is not None and len(rest):
        yield rest
    elif not any_yet:
        yield schema.empty_table()
