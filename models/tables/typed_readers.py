"""Reads Parquet and Arrow files; types pass through, but for wrappers that only say how values are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet

from models.errors import TableError
from models.tables.chunks import regroup
from models.tables.source import Source
from models.tables.table import ReadOptions, Table


def read_parquet(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read a Parquet file in chunks."""
    with source.open_seekable() as opened, pa.parquet.ParquetFile(opened) as file:
        _check_size(source, sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)))
        batches = file.iter_batches(batch_size=chunk_rows)
        yield from _tables(source, batches, chunk_rows, file.schema_arrow)


def read_arrow(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read an Arrow file (Feather) or stream in chunks."""
    with source.open_seekable() as opened:
        start = opened.read(6)
        opened.seek(0)
        if start == b"ARROW1":
            file = pa.ipc.open_file(opened)
            batches: Iterable[pa.RecordBatch] = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            batches = file = pa.ipc.open_stream(opened)
        yield from _tables(source, batches, chunk_rows, file.schema)


def _tables(source: Source, batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[Table]:
    for data in regroup(batches, chunk_rows, schema):
        yield Table(data=plain_columns(source.name, data))


def plain_columns(name: str, data: pa.Table) -> pa.Table:
    """Give nested fields columns of their own with dotted names, and values their plain types.

    Args:
        name: What errors call the source.
        data: n rows.

    Raises:
        TableError: A nested field has the name of another column.
    """
    before = data.column_names
    while any(pa.types.is_struct(field.type) for field in data.schema):
        data = data.flatten()
    twice = next((n for n in data.column_names if data.column_names.count(n) > max(1, before.count(n))), None)
    if twice is not None:
        raise TableError(f"{name}: has two fields {twice!r}, one of them inside another. Rename one.")
    for place, field in enumerate(data.schema):
        column = _plain(data.column(place))
        if column.type != field.type:
            data = data.set_column(place, field.name, column)
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


def _check_size(source: Source, size: int) -> None:
    if source.limit is not None and size > source.limit:
        raise TableError(
            f"{source.name}: decompresses to {size:,} bytes, {source.limit:,} are allowed. Send it in pieces."
        )
