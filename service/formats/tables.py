"""Reads and writes CSV, Arrow and Parquet; loaded for the first such body or answer, because Arrow takes 30 MB.

A body is bounded before it is decompressed: what is small on the wire can be gigabytes of cells.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, final

import pyarrow as pa

from models.columns.from_records import Columns
from models.columns.from_tables import columns_of_table, problems_of_table, require_columns
from models.errors import RecordError, TableError, TooLargeError, UnreadableError
from models.schema import FeatureSchema
from models.schema.cells import parse_category
from models.tables.decompression import compression_of
from models.tables.files import iter_table
from models.tables.read_options import CHUNK_ROWS, ReadOptions
from models.tables.source import Source
from models.tables.table import Table
from models.tables.writers import (
    PlainRows,
    Writer,
    arrow_file_writer,
    arrow_stream_writer,
    csv_writer,
    parquet_writer,
)
from service.formats.answers import AnswerSpec, AnswerWriter
from service.formats.rows import BodySpec, Rows
from service.web.problems import RequestError, too_large, too_many_rows

_SHOWN_NAMES: Final = 10
_FILE_START: Final = b"ARROW1"
_PARQUET_START: Final = b"PAR1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """Rows that Arrow read.

    Args:
        tables: At most `CHUNK_ROWS` rows each, of equal columns.
        first: Index of the first of them in the request.
        notes: One line for each thing that was detected, repaired or is ignored.
    """

    tables: Sequence[Table]
    first: int = 0
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def chunks(self) -> Iterator[TableRows]:
        """Return a table at a time, in order."""
        first = self.first
        for table in self.tables:
            yield TableRows(tables=[table], first=first)
            first += len(table)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the values by column, of rows that are one chunk.

        Raises:
            TableError: A value is not of the column's kind.
        """
        [table] = self.tables
        return columns_of_table(schema, table, first_row=self.first)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id columns that came, as plain values by row."""
        cells = {name: _plain(column) for name, column in self.id_columns(schema).items()}
        return [{name: cells[name][row] for name in cells} for row in range(len(self))]

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, pa.ChunkedArray]:
        """Return the id columns that came."""
        if not schema.ids:
            return {}
        data = pa.concat_tables([table.data for table in self.tables], promote_options="permissive")
        return {name: data.column(name) for name in schema.ids if name in data.column_names}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return every cell that `columns` would refuse."""
        first = self.first
        for table in self.tables:
            yield from problems_of_table(schema, table, first_record=first)
            first += len(table)


def read_csv(content: bytes, spec: BodySpec) -> TableRows:
    """Read a CSV body; how it is written is detected."""
    return _read(content, spec, "csv", "csv")


def read_arrow(content: bytes, spec: BodySpec) -> TableRows:
    """Read an Arrow stream."""
    return _read(content, spec, "arrow", "arrow")


def read_arrow_file(content: bytes, spec: BodySpec) -> TableRows:
    """Read an Arrow file."""
    return _read(content, spec, "arrow", "arrow file", start=_FILE_START)


def read_parquet(content: bytes, spec: BodySpec) -> TableRows:
    """Read a Parquet file."""
    return _read(content, spec, "parquet", "parquet", start=_PARQUET_START)


def read_tables(content: bytes, spec: BodySpec, file_format: str, name: str) -> list[Table]:
    """Read the rows of a table, of its columns only those that the detector knows.

    Args:
        content: The table.
        spec: The columns that are wanted, and how much may come.
        file_format: A key of `models.tables.formats.FORMATS`.
        name: What errors call the format.

    Returns:
        Tables of at most `CHUNK_ROWS` rows, all but the last full; none where there is no row.

    Raises:
        RequestError: It cannot be read, holds too much, or lacks a column.
        DataError: A column is of a type that is not read.
    """
    schema = spec.schema
    wanted = frozenset([*(column.name for column in schema.read), *schema.ids])
    options = ReadOptions(**{"encoding": spec.charset, "header": schema.header, "columns": wanted, **spec.options})
    source = Source(name="request body", content=content, max_bytes=spec.max_bytes, max_rows=spec.max_rows)
    tables: list[Table] = []
    try:
        for index, table in enumerate(iter_table(source, options, format=file_format, chunk_rows=CHUNK_ROWS)):
            if index == 0:
                _require_shape(schema, table)
            if len(table):
                tables.append(table)
    except TooLargeError as error:
        raise too_large(spec.max_bytes) if error.rows is None else too_many_rows(error.rows, spec.max_rows) from error
    except UnreadableError as error:
        reason = error.reason.removeprefix("cannot be read: ")
        detail = f"The body cannot be read as {name}: {reason}. Send it anew, whole."
        raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
    except RecordError as error:
        raise RequestError.of_problems([error]) from error
    return tables


def _read(content: bytes, spec: BodySpec, file_format: str, name: str, *, start: bytes = b"") -> TableRows:
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
    tables = read_tables(content, spec, file_format, name)
    if not tables:
        raise TableError("The body holds no rows. Send at least one.")
    return TableRows(tables=tables, notes=notes_of(tables[0], spec.schema))


def notes_of(table: Table, schema: FeatureSchema) -> tuple[str, ...]:
    """Return one line for each thing that was detected, repaired or is ignored in a table."""
    ignored = [name for name in (*table.left_out, *table.names) if name not in schema.known]
    if not ignored:
        return table.repairs
    more = f" and {len(ignored) - _SHOWN_NAMES:,} more" if len(ignored) > _SHOWN_NAMES else ""
    listed = ", ".join(map(repr, ignored[:_SHOWN_NAMES]))
    return (*table.repairs, f"ignored: {listed}{more}, which the detector does not know")


def _require_shape(schema: FeatureSchema, table: Table) -> None:
    names = frozenset(table.names)
    missing = [column.name for column in schema.read if column.name not in names]
    if missing:
        absent = [RecordError("is absent.", record=None, field=name, remedy="Send the column.") for name in missing]
        raise RequestError.of_problems(absent)
    require_columns(schema, table.names)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Return cells as JSON has them; timestamps and exact decimals as text."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    as_text = pa.types.is_temporal(kind) or pa.types.is_decimal(kind)
    cells: list[Any] = column.cast(pa.string()).to_pylist() if as_text else column.to_pylist()
    return cells


@final
class TableWriter:
    """Writes a table with the columns that the batch program writes: ids, and what is answered.

    Args:
        spec: What is answered.
        name: What errors call the format.
        open_writer: Opens the writer of the format.
    """

    def __init__(self, spec: AnswerSpec, *, name: str, open_writer: Callable[[Any, pa.Schema], Writer]) -> None:
        self._spec = spec
        self._name = name
        self._open_writer = open_writer
        self._out = _Chunks()
        self._writer: Writer | None = None
        self._schema: pa.Schema | None = None

    def write(self, rows: Rows) -> bytes:
        """Return what the format has of some rows by now; some formats hold them to the end.

        Raises:
            DataError: A value is not of its column's kind.
            RequestError: The format cannot hold the answer, or the network gave what is no number.
        """
        spec = self._spec
        ids = {name: _id_column(column) for name, column in rows.id_columns(spec.detector.schema).items()}
        for chunk in rows.chunks():
            table = spec.operation.table(spec.detector, chunk, spec.top)
            start = chunk.first - rows.first
            columns = [*(column.slice(start, len(chunk)) for column in ids.values()), *table.columns]
            self._add(pa.table(columns, names=[*ids, *table.column_names]), ids)
        return self._out.taken()

    def finish(self) -> bytes:
        """Return the rest of the table.

        Raises:
            RequestError: The format cannot hold the answer.
        """
        if self._writer is not None:
            with self._refused():
                self._writer.finish()
                self._writer.close()
        return self._out.taken()

    def _add(self, table: pa.Table, ids: Mapping[str, Any]) -> None:
        detector = self._spec.detector
        about = {"detector": detector.name, "version": detector.version}
        table = table.replace_schema_metadata(about | {"threshold": repr(detector.calibration.threshold)})
        with self._refused():
            if self._writer is None:
                self._require_names(table, ids)
                self._schema = table.schema
                self._writer = self._open_writer(self._out, table.schema)
            elif table.schema != self._schema:
                raise RequestError(
                    HTTPStatus.NOT_ACCEPTABLE,
                    "Ids are absent in some parts of the stream, or of another type, so the answer would become "
                    "another table in the middle. Send all of them, as texts, or ask for JSON lines.",
                )
            self._writer.write(PlainRows(table))

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Say what to do about an id that the format cannot hold: Parquet has no timestamps in the year 300,000."""
        try:
            yield
        except pa.ArrowException as error:
            raise RequestError(
                HTTPStatus.NOT_ACCEPTABLE,
                f"An id cannot be written as {self._name} ({str(error).splitlines()[0]}). Ask for JSON.",
            ) from error

    def _require_names(self, table: pa.Table, ids: Mapping[str, Any]) -> None:
        repeated = [name for name in ids if table.column_names.count(name) > 1]
        if repeated:
            raise RequestError(
                HTTPStatus.NOT_ACCEPTABLE,
                f"The id column {repeated[0]!r} is called like a column of the answer. Ask for JSON, where ids stand "
                "apart.",
            )


def csv_answer(spec: AnswerSpec) -> AnswerWriter:
    """Answer in CSV."""
    return TableWriter(spec, name="csv", open_writer=csv_writer)


def arrow_answer(spec: AnswerSpec) -> AnswerWriter:
    """Answer in an Arrow stream."""
    return TableWriter(spec, name="arrow", open_writer=arrow_stream_writer)


def arrow_file_answer(spec: AnswerSpec) -> AnswerWriter:
    """Answer in an Arrow file."""
    return TableWriter(spec, name="arrow file", open_writer=arrow_file_writer)


def parquet_answer(spec: AnswerSpec) -> AnswerWriter:
    """Answer in a Parquet file."""
    return TableWriter(spec, name="parquet", open_writer=parquet_writer)


@final
class _Chunks(io.RawIOBase):
    """A file that is only written; what was written can be taken out at any time."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        chunk = bytes(content)
        self._chunks.append(chunk)
        self._size += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        content, self._chunks = b"".join(self._chunks), []
        return content


def _id_column(column: pa.ChunkedArray | Sequence[Any]) -> pa.ChunkedArray:
    """Return ids as a column of one plain type."""
    if isinstance(column, pa.ChunkedArray):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        texts = (pa.large_string(), pa.string_view(), pa.null())
        return column.cast(pa.string() if kind in texts else kind)
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) <= 1:
        try:
            return pa.chunked_array([pa.array(column, pa.string() if not kinds else None)])
        except OverflowError:  # a whole number of more than 64 bits
            pass
    return pa.chunked_array([pa.array([_text(value) for value in column], pa.string())])


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else parse_category(value)
