"""Tables: rows as they were read, with what was detected on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from models.errors import TableError

__all__ = ["Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they were read.

    Args:
        data: The cells; those of a text file are text.
        decimal: The decimal mark of numbers that are written as text.
        thousands: The mark between their thousands, empty where there is none.
        repairs: One line for each thing that was detected or repaired.
        header: The names that were given to a file without a header line.
        left_out: Names of the columns that were not read, because they were not asked for.
    """

    data: pa.Table
    decimal: str = "."
    thousands: str = ""
    repairs: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.data.column_names)

    def chunks(self, rows: int) -> Iterator[Table]:
        """Yield the rows in order, at most so many at a time; nothing is copied."""
        for start in range(0, len(self), rows):
            yield replace(self, data=self.data.slice(start, rows))


def table_of(data: object) -> Table:
    """Return the table of a data frame (pandas, polars, anything that exports Arrow) or an Arrow table.

    Raises:
        TableError: A column holds values of kinds that cannot stand together.
    """
    try:
        if hasattr(data, "to_numpy") and hasattr(data, "iloc"):
            data = pa.Table.from_pandas(data, preserve_index=False)
        return Table(data=plain_columns(data if isinstance(data, pa.Table) else pa.table(data)))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise TableError(f"The data frame cannot be read as a table: {error}. Give each column one type.") from error


def plain_columns(data: pa.Table) -> pa.Table:
    """Return a table with flat columns of plain types; a `TableError` if a nested field has another column's name."""
    before = Counter(data.column_names)
    data = flat_columns(data)
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
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    return column


class Regrouping:
    """Takes tables of any size, all of the same columns, and gives tables of one size; nothing is copied.

    Args:
        chunk_rows: Rows of each table that is given, but for the last.
    """

    def __init__(self, chunk_rows: int) -> None:
        self._chunk_rows = chunk_rows
        self._buffer: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Take a table, and yield the full ones that there are now."""
        if len(table) or not self._buffer:
            self._buffer.append(table)
            self._rows += len(table)
        if self._rows >= self._chunk_rows:
            data = pa.concat_tables(self._buffer)
            full = len(data) - len(data) % self._chunk_rows
            self._buffer, self._rows = [data.slice(full)], len(data) - full
            for start in range(0, full, self._chunk_rows):
                yield data.slice(start, self._chunk_rows)

    def rest(self) -> pa.Table | None:
        """Return the rows that are left; None where no table came."""
        return pa.concat_tables(self._buffer) if self._buffer else None


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
