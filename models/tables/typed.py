"""Reads Parquet and Arrow, bounded where a stranger sends it; only wrappers of how values are stored are removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Final

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from models.errors import RecordError, UnreadableError
from models.schema.names import one_form
from models.tables.arrow.dictionaries import validate
from models.tables.arrow.footers import footer_of
from models.tables.arrow.heads import head_sizes
from models.tables.arrow.messages import DICTIONARY, Dictionaries, Message, messages_of, next_message
from models.tables.arrow.texts import is_text, shared_text_bytes
from models.tables.frame_index import LEFT_OUT, unnamed_index
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table, flat_columns, plain_columns, regroup

_PLAIN_TYPES: Final = (
    *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null),
    *(pa.types.is_timestamp, pa.types.is_date, pa.types.is_time, pa.types.is_duration),
)
_MAX_SCALE: Final = 76  # the most digits of a decimal; Arrow writes none of a scale far beyond
_INT96_UNIT: Final = "us"  # as nanoseconds, which Arrow makes of them else, years beyond 2262 come back as others
_BUFFER_BYTES: Final = 1 << 16  # a column: a table may have ten thousand of them
_FILE_START: Final = b"ARROW1"
_STREAM_IN_FILE: Final = 8  # an Arrow file is a stream between two marks, with a table of contents


def read_parquet(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read a Parquet file in chunks."""
    with source.open_seekable() as opened:
        if source.max_bytes is not None:
            _require_footer(source, opened)
        with pa.parquet.ParquetFile(opened, coerce_int96_timestamp_unit=_INT96_UNIT) as file:
            metadata, schema = file.metadata, file.schema_arrow
        source.require_columns(metadata.num_columns)
        source.require_rows(metadata.num_rows)
        source.require_bytes(sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)))
        # Of a stranger's file a text that comes often is kept once, as it is stored.
        shared = [field.name for field in schema if is_text(field.type)] if source.max_bytes is not None else []
        # What is read beforehand stays in memory to the end of the file, and a column of a group of rows may be large.
        with pa.parquet.ParquetFile(
            opened,
            metadata=metadata,
            coerce_int96_timestamp_unit=_INT96_UNIT,
            read_dictionary=shared,
            page_checksum_verification=True,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
        ) as file:
            names = None if options.columns is None else _wanted(file.schema_arrow, options.columns)
            batches = file.iter_batches(batch_size=chunk_rows, columns=names)
            rows = 0
            for table in _tables(source, batches, chunk_rows, file.schema_arrow, options):
                rows += len(table)
                yield table
        if rows != metadata.num_rows and (names is None or names):
            raise UnreadableError(
                source.name, f"is damaged: says that it has {metadata.num_rows:,} rows, and has {rows:,}"
            )


def read_arrow(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read an Arrow file (Feather) or stream in chunks."""
    with source.open_seekable() as opened:
        is_file = opened.read(len(_FILE_START)) == _FILE_START
        opened.seek(_STREAM_IN_FILE if is_file else 0)
        if source.max_bytes is not None:  # the table of contents could name other bytes than those that are checked
            content = opened.read_buffer()
            _require_bounded(source, memoryview(content))
            batches: Iterable[pa.RecordBatch] = (file := pa.ipc.open_stream(content))
        elif is_file:
            file = pa.ipc.open_file(opened)
            batches = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            batches = file = pa.ipc.open_stream(opened)
        yield from _tables(source, batches, chunk_rows, file.schema, options)


def _require_bounded(source: Source, content: memoryview) -> None:
    """Check how large the messages of a stranger's stream become, before Arrow makes anything of them."""
    dictionaries = Dictionaries()
    rows = size = 0
    for message, whole in messages_of(content, source.require_head):
        _require_head(source, message)
        if message.kind == DICTIONARY:
            entries, more_bytes = dictionaries.sizes(message, whole)
            source.require_entries(entries)
            source.require_grown(dictionaries.grown_bytes)
        else:
            more_rows, more_bytes = message.sizes(whole)
            rows += more_rows
            source.require_rows(rows)
        size += more_bytes
        source.require_bytes(size)


def _require_head(source: Source, message: Message) -> None:
    columns, head_bytes = head_sizes(message, max_fields=source.max_columns, max_bytes=source.max_head)
    source.require_columns(columns)
    source.require_head(head_bytes)


def _require_footer(source: Source, opened: pa.NativeFile) -> None:
    """Check how large the schemas of a stranger's Parquet file become, before Arrow makes anything of them."""
    footer = footer_of(opened)
    opened.seek(0)
    if footer is None:
        return
    source.require_columns(footer.columns)
    source.require_head(footer.name_bytes)
    if footer.arrow_schema is not None and (message := next_message(footer.arrow_schema, source.require_head)):
        _require_head(source, message)


def _tables(
    source: Source, batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema, options: ReadOptions
) -> Iterator[Table]:
    """Keep the columns that are wanted, and put the batches together to chunks."""
    left_out: tuple[str, ...] = ()
    unnamed = [name for name in unnamed_index(schema) if name not in (options.columns or ())]
    repairs = (LEFT_OUT,) if unnamed else ()
    if options.columns is not None:
        wanted = _wanted(schema, options.columns)
        left_out = tuple(name for name in dict.fromkeys(schema.names) if name not in (*wanted, *unnamed))
        fields = [field for field in schema if field.name in wanted]
        for field in fields:
            _require_plain(field.name, field.type)
        schema = pa.schema(fields)
        batches = (_selected(batch, wanted) for batch in batches) if fields else ()
    texts = 0
    for data in regroup(batches, chunk_rows, schema):
        validate(data)  # nothing of the file's is trusted: a wrong offset would end the process
        if source.max_bytes is not None:
            texts += shared_text_bytes(flat_columns(data))
            source.require_bytes(texts)
        plain = plain_columns(data if options.columns is not None else data.drop_columns(unnamed))
        yield Table(data=plain, left_out=left_out, repairs=repairs)


def _wanted(schema: pa.Schema, names: Set[str]) -> list[str]:
    """Return the columns that hold some of the names: those of the same name, and structs that dotted names are in.

    A struct may be null in all rows, and have no fields then.
    """
    structs = {field.name for field in schema if pa.types.is_struct(field.type) or pa.types.is_null(field.type)}
    return [
        name
        for name in dict.fromkeys(schema.names)
        if one_form(name) in names
        or (name in structs and any(other.startswith(f"{one_form(name)}.") for other in names))
    ]


def _selected(batch: pa.RecordBatch, wanted: list[str]) -> pa.RecordBatch:
    return batch.select([index for index, name in enumerate(batch.schema.names) if name in wanted])


def _require_plain(name: str, kind: pa.DataType) -> None:
    """Check that a column is of a type that can be scored or echoed."""
    if pa.types.is_struct(kind):
        for inner in kind:
            _require_plain(f"{name}.{inner.name}", inner.type)
        return
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_decimal(plain) and abs(plain.scale) > _MAX_SCALE:
        raise RecordError(
            f"is of type {kind}.",
            record=None,
            field=name,
            remedy=f"Send decimals of a scale between -{_MAX_SCALE} and {_MAX_SCALE}, or floats.",
        )
    if not is_text(plain) and not any(is_kind(plain) for is_kind in _PLAIN_TYPES):
        raise RecordError(
            f"is of type {kind}.",
            record=None,
            field=name,
            remedy="Send texts, numbers, truth values, dates, times, durations or timestamps.",
        )
