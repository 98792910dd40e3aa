"""Reads CSV, Arrow and Parquet bodies; loaded for the first such body, because Arrow takes 30 MB.

A body is bounded before it is decompressed: what is small on the wire can be gigabytes of cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

import numpy as np
import pyarrow as pa

from models.columns.from_records import Columns, absent_column
from models.columns.from_tables import (
    column_of_table,
    columns_of_table,
    problems_of_table,
    require_columns,
    with_null_objects,
)
from models.errors import RecordError, TableError, TooLargeError, UnreadableError
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import Cell
from models.tables.arrow.texts import text_bytes
from models.tables.decompression import compression_of
from models.tables.files import iter_table
from models.tables.read_options import CHUNK_ROWS, ReadOptions, options_as_learned
from models.tables.source import Source
from models.tables.table import Table, numbers_of
from service.budget import BUDGET
from service.formats.bounds import (
    require_few_columns,
    require_small_head,
    too_long_texts,
    too_many_entries,
    too_much,
    too_much_grown,
)
from service.formats.formats import FORMATS, Format
from service.formats.rows import BodySpec, chunk_rows
from service.web.problems import RequestError, note_over_http, too_large, too_many_rows

_PROBLEM_ROWS: Final = 1024  # whose cells are made plain values at once


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """The rows of a table that Arrow read.

    Args:
        first: Index of the first of them in the request.
        notes: One line for each thing that was detected, repaired or is ignored.
        echoed: Columns whose texts are kept as they are: ids and categories.
    """

    table: Table
    first: int = 0
    notes: Sequence[str] = ()
    echoed: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.table)

    def with_notes(self, notes: Sequence[str]) -> TableRows:
        """Return the rows with other notes."""
        return replace(self, notes=notes)

    def chunks(self, schema: FeatureSchema) -> Iterator[TableRows]:
        """Yield the rows in order, at most `chunk_rows` at a time, and fewer where they hold long texts."""
        size = chunk_rows(schema)
        for index, table in enumerate(self.table.chunks(size)):
            yield from TableRows(table=table, first=self.first + index * size, echoed=self.echoed)._light()

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the values by column."""
        return columns_of_table(schema, self.table, first_row=self.first)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id columns that came, as plain values by row."""
        cells = {name: _plain(name, column) for name, column in self.id_columns(schema).items()}
        return [{name: cells[name][row] for name in cells} for row in range(len(self))]

    def values(self, schema: FeatureSchema, column: Column) -> Iterator[Cell]:
        """Yield the values of one column, row by row."""
        for table in self.table.chunks(CHUNK_ROWS):
            yield from column_of_table(schema, table, column).tolist()

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, pa.ChunkedArray]:
        """Return the id columns that came."""
        return {name: self.table.data.column(name) for name in schema.ids if name in self.table.names}

    def _light(self) -> Iterator[TableRows]:
        """Yield the rows of a chunk in pieces of at most `BUDGET.chunk_text_bytes` of texts, mostly one."""
        names = [name for name in self.echoed if name in self.table.names]
        ends = np.cumsum(text_bytes(self.table.data.select(names)))
        most, start, before = BUDGET.chunk_text_bytes, 0, 0
        while start < len(self):
            end = int(np.searchsorted(ends, before + most, side="right"))
            if end == start:
                raise too_long_texts(self.first + start, int(ends[start]) - before)
            yield replace(self, table=self.table.part(start, end - start), first=self.first + start)
            start, before = end, int(ends[end - 1])

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Yield every cell that `columns` would refuse."""
        first = self.first
        for table in self.table.chunks(_PROBLEM_ROWS):
            yield from problems_of_table(schema, table, first_record=first)
            first += len(table)


def read_rows(content: bytes, spec: BodySpec) -> TableRows:
    """Read a body of a format of tables; how CSV is written is detected.

    Raises:
        RequestError: It cannot be read, is of another format, holds too much, or lacks a column.
        DataError: It holds no rows, or a column is of a type that is not read.
    """
    row = FORMATS[spec.format_name]
    name, start = row.name, row.start
    if not content.startswith(start):
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body is no {name}: it starts with {content[:6]!r}, not with {start!r}. Say what it is in "
            "Content-Type.",
        )
    if compression := compression_of(content):
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body is {compression}, not {name}. Say so: Content-Encoding: {compression}.",
        )
    table = read_table(content, spec, row)
    if not len(table):
        raise TableError("The body holds no rows. Send at least one.")
    return TableRows(table=table, notes=notes_of(table, spec.schema), echoed=echoed_of(spec.schema))


def read_table(content: bytes, spec: BodySpec, row: Format) -> Table:
    """Read the rows of a table, of its columns only those that the detector knows.

    Raises:
        RequestError: It cannot be read, holds too much, or lacks a column.
        DataError: A column is of a type that is not read.
    """
    schema = spec.schema
    wanted = frozenset([*(column.name for column in schema.read), *schema.ids])
    said = ReadOptions(**{"encoding": spec.charset, "columns": wanted, **spec.options})
    options = options_as_learned(schema, said)
    source = Source(
        name="request body",
        content=content,
        max_bytes=spec.max_bytes,
        max_rows=spec.max_rows,
        max_columns=spec.max_columns,
        max_cells=spec.max_bytes // BUDGET.bytes_per_cell,
        check=spec.cancellation.check,
        max_head=BUDGET.arrow_head_bytes,
    )
    tables: list[Table] = []
    try:
        chunks = iter_table(source, options, format=row.table, chunk_rows=CHUNK_ROWS)
        for table in (with_null_objects(schema, chunk) for chunk in spec.cancellation.checked(chunks)):
            if not tables:
                require_shape(schema, table)
            tables.append(table if row.table == "csv" else replace(table, skipped=None))  # no other takes the parameter
    except TooLargeError as error:
        if error.of == "rows":
            raise too_many_rows(error.count, spec.max_rows) from error
        if error.of == "bytes in dictionaries that grow":
            raise too_much_grown(error.count, spec.max_bytes) from error
        if error.of == "entries in a dictionary":
            raise too_many_entries(error.count, spec.max_rows) from error
        if error.of == "columns":
            require_few_columns(error.count, spec)
        if error.of == "bytes in the head of an Arrow message":
            require_small_head(error.count)
        if error.of == "cells":
            raise too_much("cells", error.count, spec.max_bytes // BUDGET.bytes_per_cell) from error
        raise too_large(spec.max_bytes) from error
    except UnreadableError as error:
        reason = error.reason.removeprefix("cannot be read: ")
        detail = f"The body cannot be read as {row.name}: {reason}. Send it anew, whole."
        raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
    except RecordError as error:
        raise RequestError.of_problems([error]) from error
    if len(tables) == 1:
        return tables[0]
    return replace(tables[0], data=pa.concat_tables([t.data for t in tables]), numbers=numbers_of(tables))


def notes_of(table: Table, schema: FeatureSchema) -> tuple[str, ...]:
    """Return one line for each thing that was detected, repaired or is ignored in a table."""
    ignored = schema.note_of_ignored((*table.left_out, *table.names))
    return tuple(map(note_over_http, table.repairs if ignored is None else (*table.repairs, ignored)))


def echoed_of(schema: FeatureSchema) -> tuple[str, ...]:
    """Return the columns whose texts are kept as they are, and may stand in the answer."""
    return (*schema.ids, *(column.name for column in schema.read if column.kind is not Kind.NUMERIC))


def require_shape(schema: FeatureSchema, table: Table) -> None:
    """Refuse a table that lacks a column, or has one twice.

    Raises:
        RequestError: A column is absent; the error names each.
        TableError: A column comes twice.
    """
    names = frozenset(table.names)
    missing = [name for name in schema.required if name not in names]
    if missing:
        given = (*table.left_out, *table.names)
        raise RequestError.of_problems([absent_column(schema, name, given) for name in missing])
    require_columns(schema, table.names)


def _plain(name: str, column: pa.ChunkedArray) -> list[Any]:
    """Return ids as JSON has them; timestamps and exact decimals as text."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    as_text = pa.types.is_temporal(kind) or pa.types.is_decimal(kind)
    try:
        cells: list[Any] = column.cast(pa.string()).to_pylist() if as_text else column.to_pylist()
    except pa.ArrowInvalid as error:
        remedy = "Send the ids as texts, or in a time zone that is known, such as UTC."
        raise RecordError(f"is of type {column.type}: {error}.", record=None, field=name, remedy=remedy) from error
    return cells
