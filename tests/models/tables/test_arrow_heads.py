"""Arrow schemas that refer to one field, name or text many times: a few bytes stand for many."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Final

import pyarrow as pa
import pytest

from models.errors import DetectorError, TooLargeError
from models.tables.arrow.heads import head_sizes
from models.tables.arrow.messages import Message, next_message
from models.tables.files import iter_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.typed import read_arrow

STRUCT, NULL = 13, 1  # kinds of types in Schema.fbs
END: Final = b"\xff\xff\xff\xff\0\0\0\0"
MOST: Final = 1 << 22


class FlatBuffer:
    def __init__(self) -> None:
        self.data = bytearray()

    def put(self, layout: str, *values: int) -> int:
        while len(self.data) % 8:
            self.data.append(0)
        start = len(self.data)
        self.data += struct.pack("<" + layout, *values)
        return start

    def refer(self, at: int, to: int) -> None:
        struct.pack_into("<I", self.data, at, to - at)

    def table(self, entries: tuple[int, ...], layout: str, *values: int) -> int:
        vtable = self.put(f"HH{len(entries)}H", 4 + 2 * len(entries), struct.calcsize("<i" + layout), *entries)
        start = self.put("i" + layout, 0, *values)
        struct.pack_into("<i", self.data, start, start - vtable)
        return start

    def vector(self, at: int, length: int) -> list[int]:
        start = self.put(f"I{length}I", length, *([0] * length))
        self.refer(at, start)
        return [start + 4 + 4 * index for index in range(length)]

    def text(self, at: int, length: int) -> None:
        self.refer(at, self.put(f"I{length}sx", length, b"x" * length))  # type: ignore[arg-type]

    def field(self, kind: int, children: int, name_bytes: int = 1) -> tuple[int, list[int]]:
        field = self.table((4, 16, 17, 8, 0, 12), "IIIBB", 0, 0, 0, 1, kind)
        self.text(field + 4, name_bytes)
        self.refer(field + 8, self.table((), ""))
        return field, self.vector(field + 12, children)


def finished(buffer: FlatBuffer) -> bytes:
    return struct.pack("<II", 0xFFFFFFFF, len(buffer.data)) + bytes(buffer.data) + END


def begun(fields: int) -> tuple[FlatBuffer, int, list[int]]:
    """Return the message of a schema, where it refers to its metadata, and where to its fields."""
    buffer = FlatBuffer()
    root = buffer.put("I", 0)
    message = buffer.table((20, 22, 4, 8, 16), "IqIHB", 0, 0, 0, 4, 1)
    buffer.refer(root, message)
    schema = buffer.table((0, 4), "I", 0)
    buffer.refer(message + 4, schema)
    buffer.vector(message + 16, 0)
    return buffer, message + 16, buffer.vector(schema + 4, fields)


def schema_of(structs: int, nulls: int) -> bytes:
    """Return the message of a schema: one struct of one null field, each of them referred to so many times."""
    buffer, _, references = begun(structs)
    field, inner = buffer.field(STRUCT, nulls)
    for at in references:
        buffer.refer(at, field)
    null, _ = buffer.field(NULL, 0)
    for at in inner:
        buffer.refer(at, null)
    buffer.put(f"{structs * nulls // 4}x")  # Arrow takes at most eight tables a byte
    return finished(buffer)


def names_of(fields: int, name_bytes: int) -> bytes:
    """Return the message of a schema: one field with a long name, referred to so many times."""
    buffer, _, references = begun(fields)
    field, _ = buffer.field(NULL, 0, name_bytes)
    for at in references:
        buffer.refer(at, field)
    return finished(buffer)


def metadata_of(entries: int, text_bytes: int) -> bytes:
    """Return a message with metadata: one entry, whose key is its value, referred to so many times."""
    buffer, at, _ = begun(0)
    references = buffer.vector(at, entries)
    entry = buffer.table((4, 8), "II", 0, 0)
    buffer.text(entry + 4, text_bytes)
    buffer.refer(entry + 8, entry + 4 + struct.unpack_from("<I", buffer.data, entry + 4)[0])
    for reference in references:
        buffer.refer(reference, entry)
    return finished(buffer)


def message_in(content: bytes) -> Message:
    message = next_message(content)
    assert message is not None
    return message


def test_fields_are_counted_as_arrow_makes_them() -> None:
    content = schema_of(3, 2)
    schema = pa.ipc.open_stream(content).schema
    assert [field.type.num_fields for field in schema] == [2, 2, 2]
    assert head_sizes(message_in(content), max_fields=100, max_bytes=100) == (9, 3 * (1 + 2 * 3))


def test_the_names_of_nested_fields_are_counted_as_columns_have_them() -> None:
    """One long name with many fields in it becomes a long name for each."""
    deep = pa.struct([("é", pa.struct([("c", pa.null())]))])
    schema = pa.schema([("a", deep), ("d", pa.null())])
    bytes_of = len("a") + len("a.é".encode()) + len("a.é.c".encode()) + len("d")
    assert head_sizes(message_in(schema.serialize().to_pybytes()), max_fields=9, max_bytes=100) == (4, bytes_of)
    inner = pa.struct([(f"{index:x}", pa.null()) for index in range(2_000)])
    schema = pa.schema([("nest", pa.struct([("n" * 400_000, inner)]))])
    source = Source(name="body", content=schema.serialize().to_pybytes() + END, max_bytes=1 << 25, max_head=MOST)
    with pytest.raises(TooLargeError, match="bytes in the head of an Arrow message or more, 4,194,304 are allowed"):
        list(read_arrow(source, ReadOptions(), 1000))


@pytest.mark.parametrize(("structs", "nulls"), [(11_000, 0), (200, 200)])
def test_a_schema_of_too_many_fields_is_refused_before_it_is_made(structs: int, nulls: int) -> None:
    source = Source(name="body", content=schema_of(structs, nulls), max_bytes=1 << 25, max_columns=10_030)
    with pytest.raises(TooLargeError, match=r"columns or more, 10,030 are allowed"):
        list(read_arrow(source, ReadOptions(), 1000))


def test_names_and_metadata_are_counted_as_arrow_makes_them() -> None:
    content = names_of(3, 50)
    assert pa.ipc.open_stream(content).schema.names == ["x" * 50] * 3
    assert head_sizes(message_in(content), max_fields=100, max_bytes=1000) == (3, 150)
    content = metadata_of(5, 20)
    assert pa.ipc.open_stream(content).schema == pa.schema([])
    assert head_sizes(message_in(content), max_fields=100, max_bytes=1000) == (0, 5 * (64 + 2 * 20))


def test_zones_and_metadata_of_fields_are_counted() -> None:
    fields = [pa.field("a", pa.timestamp("s", "UTC"), metadata={"k": "value"}), pa.field("bc", pa.float64())]
    content = pa.schema(fields, metadata={"key": "v"}).serialize().to_pybytes()
    assert head_sizes(message_in(content), max_fields=9, max_bytes=1000) == (2, 3 + 3 + 2 * 64 + 6 + 4)


@pytest.mark.parametrize(
    "content",
    [names_of(10_000, 500_000), metadata_of(100_000, 300_000), metadata_of(0, 0)[:4] + struct.pack("<I", MOST + 1)],
    ids=["names", "metadata", "head"],
)
def test_a_head_that_becomes_large_is_refused_before_it_is_made(content: bytes) -> None:
    source = Source(name="body", content=content, max_bytes=1 << 25, max_columns=10_030, max_head=MOST)
    with pytest.raises(TooLargeError, match="bytes in the head of an Arrow message or more, 4,194,304 are allowed"):
        list(read_arrow(source, ReadOptions(), 1000))


def test_a_stream_without_marks_before_its_messages_is_read_and_bounded() -> None:
    """Arrow wrote such ones before 2019."""
    table = pa.table({"x": [1.0, 2.0]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(use_legacy_format=True)) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    source = Source(name="body", content=content, max_bytes=1 << 25)
    assert [chunk.data for chunk in read_arrow(source, ReadOptions(), 1000)] == [table]
    with pytest.raises(TooLargeError, match="2 rows"):
        list(read_arrow(Source(name="body", content=content, max_bytes=1 << 25, max_rows=1), ReadOptions(), 1000))


@pytest.mark.parametrize("cut", range(0, 1200, 13))
def test_a_stream_that_is_cut_off_or_changed_anywhere_is_refused_or_read(cut: int) -> None:
    table = pa.table({"x": [1.0, 2.0] * 50, "mode": pa.array(["a", "b"] * 50).dictionary_encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    cut = min(cut, len(content) - 9)
    changed = content[:cut] + bytes([content[cut] ^ 0xFF]) + content[cut + 1 :]
    for damaged in (content[:cut], changed):
        source = Source(name="body", content=damaged, max_bytes=1 << 25)
        with suppress(DetectorError):
            list(iter_table(source, ReadOptions(), format="arrow"))
