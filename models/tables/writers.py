"""Writes rows to a file, chunk by chunk: one writer a format; the file appears when it is complete."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from models.errors import Set, TableError
from models.tables.formats import OUTPUT_FORMATS

_GROUP_ROWS: Final = 131_072
_GROUP_CELLS: Final = 1 << 22  # where columns are many, a group has fewer rows: it is held until it is written

_DICTIONARY_BYTES: Final = 1 << 16  # p-values and categories fit; scores, nearly all different, are given up on early


class Rows(Protocol):
    """Rows that every writer can write."""

    def table(self) -> pa.Table:
        """Return them as a table, one level deep."""
        ...

    def records(self) -> list[dict[str, Any]]:
        """Return them as objects, for JSON lines."""
        ...


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows of a table that has but one level."""

    data: pa.Table

    def table(self) -> pa.Table:
        """Return the table."""
        return self.data

    def records(self) -> list[dict[str, Any]]:
        """Return an object for each row."""
        columns = [json_cells(column) for column in self.data.columns]
        return [dict(zip(self.data.column_names, cells, strict=True)) for cells in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class JoinedRows:
    """Rows that came in pieces, at least one."""

    pieces: Sequence[Rows]

    def table(self) -> pa.Table:
        """Return them as one table."""
        return pa.concat_tables([piece.table() for piece in self.pieces])

    def records(self) -> list[dict[str, Any]]:
        """Return the objects of all pieces."""
        return [record for piece in self.pieces for record in piece.records()]


class Writer(Protocol):
    """A file that is being written."""

    def write(self, rows: Rows, /) -> None:
        """Add rows."""
        ...

    def ready(self, rows: Rows, /) -> Callable[[], None]:
        """Do, on any thread, what can be done before it is these rows' turn; return what then adds them."""
        ...


class _CsvWriter:
    """Comma-separated cells, quoted only where they must be; numbers read back as they were."""

    def __init__(self, out: Any, schema: pa.Schema) -> None:
        self._out = out
        out.write(csv_header(schema.names))

    def write(self, rows: Rows, /) -> None:
        self.ready(rows)()

    def ready(self, rows: Rows, /) -> Callable[[], None]:
        return partial(self._out.write, csv_lines(rows.table()))


class _JsonLinesWriter:
    """One object a line."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def write(self, rows: Rows, /) -> None:
        self.ready(rows)()

    def ready(self, rows: Rows, /) -> Callable[[], None]:
        return partial(self._out.write, msgspec.json.Encoder().encode_lines(rows.records()))


class _TypedWriter:
    """Typed columns, in groups of rows that do not depend on the size of a chunk."""

    def __init__(self, out: Any, schema: pa.Schema) -> None:
        self._out = out
        self._schema = schema
        self._rows = max(1, min(_GROUP_ROWS, _GROUP_CELLS // max(1, len(schema))))
        self._held: list[pa.Table] = []

    def write(self, rows: Rows, /) -> None:
        self.ready(rows)()

    def ready(self, rows: Rows, /) -> Callable[[], None]:
        return partial(self._add, self._typed(rows.table()))

    def finish(self) -> None:
        """Write what is held."""
        if self._held:
            self._out.write_table(pa.concat_tables(self._held).combine_chunks())

    def _typed(self, table: pa.Table) -> pa.Table:
        for name, kind in zip(self._schema.names, self._schema.types, strict=True):
            try:
                table.column(name).cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise TableError(
                    f"Column {name!r} changes its type from {kind} to {table.column(name).type}, and a file of this "
                    "format has one type a column. Write ",
                    Set("format", "csv"),
                    " or jsonl instead.",
                ) from error
        return table.cast(self._schema)

    def _add(self, table: pa.Table) -> None:
        self._held.append(table)
        while sum(map(len, self._held)) >= self._rows:
            held = pa.concat_tables(self._held)
            self._out.write_table(held.slice(0, self._rows).combine_chunks())
            self._held = [held.slice(self._rows)]


@contextmanager
def _open_csv(path: Path, schema: pa.Schema, *, gzip: bool) -> Iterator[Writer]:
    with pa.output_stream(str(path), compression="gzip" if gzip else None) as out:
        yield _CsvWriter(out, schema)


@contextmanager
def _open_jsonl(path: Path, schema: pa.Schema, *, gzip: bool) -> Iterator[Writer]:
    with pa.output_stream(str(path), compression="gzip" if gzip else None) as out:
        yield _JsonLinesWriter(out)


@contextmanager
def _open_parquet(path: Path, schema: pa.Schema, *, gzip: bool) -> Iterator[Writer]:
    with pa.parquet.ParquetWriter(path, schema, dictionary_pagesize_limit=_DICTIONARY_BYTES) as out:
        writer = _TypedWriter(out, schema)
        yield writer
        writer.finish()


@contextmanager
def _open_arrow(path: Path, schema: pa.Schema, *, gzip: bool) -> Iterator[Writer]:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as out:
        writer = _TypedWriter(out, schema)
        yield writer
        writer.finish()


class _Open(Protocol):
    def __call__(self, path: Path, schema: pa.Schema, /, *, gzip: bool) -> AbstractContextManager[Writer]: ...


WRITERS: Final[dict[str, _Open]] = {
    "csv": _open_csv,
    "parquet": _open_parquet,
    "arrow": _open_arrow,
    "jsonl": _open_jsonl,
}
"""How a file of each of the `OUTPUT_FORMATS` is opened for writing."""


@contextmanager
def new_file(path: Path, schema: pa.Schema, *, format_name: str) -> Iterator[Writer]:
    """Give a writer; the file replaces `path` when the block ends without an error, and else leaves no trace.

    Args:
        path: The file.
        schema: Names and types of its columns, one level deep.
        format_name: A key of `OUTPUT_FORMATS`.

    Raises:
        TableError: The file cannot be written.
    """
    target, gzip = path.resolve(), OUTPUT_FORMATS[format_name].is_packed(path)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        unfinished.touch()
        with WRITERS[format_name](unfinished, schema, gzip=gzip) as writer:
            yield writer
        unfinished.replace(target)
    except OSError as error:
        raise TableError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        unfinished.unlink(missing_ok=True)


def csv_header(names: Sequence[str]) -> bytes:
    """Return the line of CSV that names the columns."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(names)
    return header.getvalue().encode()


def csv_lines(table: pa.Table) -> bytes:
    """Return a line of CSV for each row of a table; numbers read back as they were."""
    if not len(table):
        return b""
    lines = io.BytesIO()
    try:
        # In one piece: for a piece without rows Arrow 26 writes whatever is in its buffer.
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
    """Return plain values; instants as text, because Python has no nanoseconds."""
    cells: list[Any] = (column.cast(pa.string()) if pa.types.is_temporal(column.type) else column).to_pylist()
    return cells


def _csv_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = pc.fill_null(column.cast(pa.string()), "")
    quoted = pc.binary_join_element_wise("", pc.replace_substring(texts, '"', '""'), "", '"')
    return pc.if_else(pc.match_substring_regex(texts, '[",\r\n]'), quoted, texts)
