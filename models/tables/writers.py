"""Writes tables, chunk by chunk: one class a format. A file appears when it is complete."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from models.errors import Set, TableError
from models.tables.formats import OUTPUT_FORMATS
from models.tables.standard_streams import is_standard, standard_output
from models.tables.table import Regrouping
from models.unfinished import keep_mode, real_path, unfinished

_GROUP_ROWS: Final = 131_072
_GROUP_CELLS: Final = 1 << 22  # where columns are many, a group has fewer rows: it is held until it is written

_DICTIONARY_BYTES: Final = 1 << 16  # p-values and categories fit; scores, nearly all different, are given up on early


class Rows(Protocol):
    """Rows that can be written in every format."""

    def table(self) -> pa.Table:
        """Return the rows as a table without nested columns."""
        ...

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as objects, for JSON lines."""
        ...


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows of a table without nested columns."""

    data: pa.Table

    def table(self) -> pa.Table:
        """Return the table."""
        return self.data

    def records(self) -> list[dict[str, Any]]:
        """Return an object for each row."""
        columns = [json_cells(column) for column in self.data.columns]
        return [dict(zip(self.data.column_names, cells, strict=True)) for cells in zip(*columns, strict=True)]


class Writer(ABC):
    """A table that is being written to a binary file, chunk by chunk."""

    @abstractmethod
    def ready(self, *rows: Rows) -> Callable[[], None]:
        """Format the rows of a chunk, on any thread; return the function that adds them when it is their turn."""

    def finish(self) -> None:  # noqa: B027 (a writer of text holds no rows)
        """Write the rows that are held."""

    def close(self) -> None:  # noqa: B027 (nor an end)
        """End the table; the binary file stays open."""


@final
class _TextWriter(Writer):
    """Lines of text: no rows are held, and nothing stands behind the last one."""

    def __init__(self, out: Any, lines: Callable[[Rows], bytes]) -> None:
        self._out = out
        self._lines = lines

    def ready(self, *rows: Rows) -> Callable[[], None]:
        return partial(self._out.write, b"".join(map(self._lines, rows)))


@final
class _TypedWriter(Writer):
    """Typed columns, written in groups of rows whatever the size of a chunk, unless `grouped` is off."""

    def __init__(self, out: Any, schema: pa.Schema, *, grouped: bool = True) -> None:
        self._out = out
        self._schema = schema
        rows = max(1, min(_GROUP_ROWS, _GROUP_CELLS // max(1, len(schema))))
        self._grouping = Regrouping(rows) if grouped else None

    def ready(self, *rows: Rows) -> Callable[[], None]:
        return partial(self._add, self._typed(pa.concat_tables([part.table() for part in rows])))

    def finish(self) -> None:
        rest = None if self._grouping is None else self._grouping.rest()
        if rest is not None:
            self._out.write_table(rest.combine_chunks())

    def close(self) -> None:
        self._out.close()

    def _typed(self, table: pa.Table) -> pa.Table:
        if table.schema == self._schema:
            return table
        try:
            return table.cast(self._schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self._other_type(table, error) from error

    def _other_type(self, table: pa.Table, error: Exception) -> TableError:
        for name, kind in zip(self._schema.names, self._schema.types, strict=True):
            try:
                table.column(name).cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                return TableError(
                    f"Column {name!r} changes its type from {kind} to {table.column(name).type}, and a file of this "
                    "format has one type a column. Write ",
                    Set("format", "csv"),
                    " or jsonl instead.",
                )
        return TableError(f"The rows cannot be written: {error}.")

    def _add(self, table: pa.Table) -> None:
        groups = [table] if self._grouping is None else map(pa.Table.combine_chunks, self._grouping.add(table))
        for group in groups:
            self._out.write_table(group)


def csv_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write comma-separated cells, quoted only where they must be; numbers read back as they were."""
    out.write(csv_header(schema.names))
    return _TextWriter(out, lambda rows: csv_lines(rows.table()))


def json_lines_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write one object a line."""
    return _TextWriter(out, lambda rows: msgspec.json.Encoder().encode_lines(rows.records()))


def parquet_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write a Parquet file."""
    return _TypedWriter(pa.parquet.ParquetWriter(out, schema, dictionary_pagesize_limit=_DICTIONARY_BYTES), schema)


def arrow_file_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write an Arrow file (Feather 2)."""
    return _TypedWriter(pa.ipc.new_file(out, schema), schema)


def arrow_stream_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write an Arrow stream, whose rows are written as they come."""
    return _TypedWriter(pa.ipc.new_stream(out, schema), schema, grouped=False)


@contextmanager
def new_file(path: Path, schema: pa.Schema, *, format_name: str) -> Iterator[Writer]:
    """Open a writer of a file, which replaces `path` when the block ends without an error, and else leaves no trace.

    To standard output, `-`, rows are written as they come.
    """
    row = OUTPUT_FORMATS[format_name]
    if is_standard(path):
        with closing(row.write(standard_output(), schema)) as writer:
            yield writer
            writer.finish()
        standard_output().flush()  # a reader that has left is met here, not when Python ends
        return
    target = real_path(path)
    try:
        with unfinished(target, Path.touch) as new:
            keep_mode(new, target)
            with (
                pa.output_stream(str(new), compression="gzip" if row.is_gzip(path) else None) as out,
                closing(row.write(out, schema)) as writer,
            ):
                yield writer
                writer.finish()
            new.replace(target)
    except OSError as error:
        raise TableError(f"{path}: cannot be written ({error.strerror or error}).") from error


def csv_header(names: Sequence[str]) -> bytes:
    """Return the header line of CSV."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(names)
    return header.getvalue().encode()


def csv_lines(table: pa.Table) -> bytes:
    """Return a line of CSV for each row of a table; numbers read back as they were, and lists are JSON."""
    if not len(table):
        return b""
    if any(pa.types.is_nested(kind) for kind in table.schema.types):
        table = pa.table([_lists_as_json(column) for column in table.columns], names=table.column_names)
    lines = io.BytesIO()
    try:
        # In one chunk: for a chunk without rows Arrow 26 writes whatever is in its buffer.
        pa.csv.write_csv(table.combine_chunks(), lines, _UNQUOTED)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a cell has to be quoted; that writer then quotes all texts
        return _quoted_lines(table)
    return lines.getvalue()


_UNQUOTED: Final = pa.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 14)


def _quoted_lines(table: pa.Table) -> bytes:
    cells = [_csv_cells(column) for column in table.columns]
    lines = pc.binary_join_element_wise(*cells, pa.scalar(","))
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def json_cells(column: pa.ChunkedArray) -> list[Any]:
    """Return plain values; timestamps as text, because Python has no nanoseconds."""
    cells: list[Any] = (column.cast(pa.string()) if pa.types.is_temporal(column.type) else column).to_pylist()
    return cells


def _lists_as_json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_nested(column.type):
        return column
    texts = [None if cell is None else msgspec.json.encode(cell).decode() for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _csv_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = pc.fill_null(column.cast(pa.string()), "")
    quoted = pc.binary_join_element_wise("", pc.replace_substring(texts, '"', '""'), "", '"')
    return pc.if_else(pc.match_substring_regex(texts, '[",\r\n]'), quoted, texts)
