"""Reads Parquet and Arrow files; types pass through, but for wrappers that only say how values are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from models.errors import TableError
from models.tables.arrow_messages import unpacked_bytes
from models.tables.chunks import regroup
from models.tables.plain_columns import plain_columns
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table

_BUFFER_BYTES: Final = 1 << 16  # a column: a table may have ten thousand of them
_STREAM_IN_FILE: Final = 8  # an Arrow file is a stream between two marks, with a table of contents


def read_parquet(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read a Parquet file in chunks."""
    with source.open_seekable() as opened, _opened(opened) as file:
        _check_size(source, sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)))
        rows = 0
        for table in _tables(source, file.iter_batches(batch_size=chunk_rows), chunk_rows, file.schema_arrow):
            rows += len(table)
            yield table
        if rows != file.metadata.num_rows:
            raise TableError(
                f"{source.name}: is damaged: says that it has {file.metadata.num_rows:,} rows, and has {rows:,}."
            )


def _opened(file: pa.NativeFile) -> pa.parquet.ParquetFile:
    # What is read beforehand stays in memory to the end of the file, and a column of a group of rows may be large.
    return pa.parquet.ParquetFile(file, page_checksum_verification=True, pre_buffer=False, buffer_size=_BUFFER_BYTES)


def read_arrow(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read an Arrow file (Feather) or stream in chunks."""
    with source.open_seekable() as opened:
        start = opened.read(6)
        if source.limit is not None:
            opened.seek(_STREAM_IN_FILE if start == b"ARROW1" else 0)
            try:
                _check_size(source, unpacked_bytes(opened))
            except ValueError as error:
                raise TableError(f"{source.name}: cannot be read: {error}.") from error
        opened.seek(0)
        if start == b"ARROW1":
            file = pa.ipc.open_file(opened)
            batches: Iterable[pa.RecordBatch] = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            batches = file = pa.ipc.open_stream(opened)
        yield from _tables(source, batches, chunk_rows, file.schema)


def _tables(source: Source, batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[Table]:
    for data in regroup(batches, chunk_rows, schema):
        data.validate(full=True)  # nothing of the file's is trusted: a wrong offset would end the process
        yield Table(data=plain_columns(source.name, data))


def _check_size(source: Source, size: int) -> None:
    if source.limit is not None and size > source.limit:
        raise TableError(
            f"{source.name}: decompresses to {size:,} bytes, {source.limit:,} are allowed. Send it in pieces."
        )
