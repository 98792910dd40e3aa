"""A reader for each format."""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from models.errors import TableError
from models.tables.chunks import regroup
from models.tables.source import Source
from models.tables.table import ReadOptions, Table
from models.tables.text_reader import read_text
from models.values import parse_category


def _read_json(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read JSON lines, or one JSON list of objects."""
    names: dict[str, int] = {}  # name -> records that have it
    count = 0
    for record in _json_records(source):
        count += 1
        for name in record:
            names[name] = names.get(name, 0) + 1
    if not count:
        raise TableError(f"{source.name}: the file holds no record.")
    repairs = tuple(
        f"{name!r} is absent from {count - present:,} of {count:,} records: read as missing"
        for name, present in names.items()
        if present < count
    )
    records = _json_records(source)
    while piece := list(itertools.islice(records, chunk_rows)):
        columns = {name: _arrow_array([record.get(name) for record in piece]) for name in names}
        yield Table(data=pa.table(columns), repairs=repairs)


def _json_records(source: Source) -> Iterator[dict[str, Any]]:
    with source.open_stream() as stream, io.BufferedReader(stream) as lines:
        if lines.peek(1).lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:1] == b"[":
            pieces: Iterable[tuple[int, Any]] = enumerate(
                msgspec.json.decode(lines.read().removeprefix(codecs.BOM_UTF8))
            )
            place = "record"
        else:
            pieces = _decoded_lines(source, lines)
            place = "line"
        for number, record in pieces:
            if not isinstance(record, dict):
                raise TableError(
                    f"{source.name}: {place} {number} is not an object with named fields but {record!r:.40}."
                )
            yield record


def _decoded_lines(source: Source, lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            try:
                yield number, msgspec.json.decode(content)
            except msgspec.DecodeError as error:
                raise TableError(f"{source.name}: line {number} is not JSON: {error}.") from error


def _arrow_array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text_of(value) for value in values], pa.string())


def _text_of(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return msgspec.json.encode(value).decode()
    return parse_category(value) or ""  # 3.0 among texts is the category that it is in a record


def _read_parquet(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    with source.open_seekable() as opened, pa.parquet.ParquetFile(opened) as file:
        batches = file.iter_batches(batch_size=chunk_rows)
        yield from (Table(data=data) for data in regroup(batches, chunk_rows, file.schema_arrow))


def _read_arrow(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    with source.open_seekable() as opened:
        start = opened.read(6)
        opened.seek(0)
        if start == b"ARROW1":
            file = pa.ipc.open_file(opened)
            batches: Iterable[pa.RecordBatch] = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            batches = file = pa.ipc.open_stream(opened)
        yield from (Table(data=data) for data in regroup(batches, chunk_rows, file.schema))


READERS: Final[dict[str, Callable[[Source, ReadOptions, int], Iterator[Table]]]] = {
    "csv": read_text,
    "json": _read_json,
    "parquet": _read_parquet,
    "arrow": _read_arrow,
}
"""A reader for each format; it yields the file's rows in order, in chunks of at most the given size."""
