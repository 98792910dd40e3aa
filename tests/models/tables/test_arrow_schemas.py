"""Arrow schemas that refer to one field many times: a few bytes stand for many fields."""

from __future__ import annotations

import struct

import pyarrow as pa
import pytest

from models.errors import TooLargeError
from models.tables.arrow_messages import field_count
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.typed import read_arrow

STRUCT, NULL = 13, 1  # kinds of types in Schema.fbs


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

    def field(self, kind: int, children: int) -> tuple[int, list[int]]:
        field = self.table((4, 16, 17, 8, 0, 12), "IIIBB", 0, 0, 0, 1, kind)
        name = self.put("I4s", 1, b"x\0\0\0")  # type: ignore[arg-type]
        self.refer(field + 4, name)
        self.refer(field + 8, self.table((), ""))
        return field, self.vector(field + 12, children)


def schema_of(structs: int, nulls: int) -> bytes:
    """Return the message of a schema: one struct of one null field, each of them referred to so many times."""
    buffer = FlatBuffer()
    root = buffer.put("I", 0)
    message = buffer.table((16, 18, 4, 8), "IqHB", 0, 0, 4, 1)
    buffer.refer(root, message)
    schema = buffer.table((0, 4), "I", 0)
    buffer.refer(message + 4, schema)
    references = buffer.vector(schema + 4, structs)
    field, inner = buffer.field(STRUCT, nulls)
    for at in references:
        buffer.refer(at, field)
    null, _ = buffer.field(NULL, 0)
    for at in inner:
        buffer.refer(at, null)
    buffer.put(f"{structs * nulls // 4}x")  # Arrow takes at most eight tables a byte
    return struct.pack("<II", 0xFFFFFFFF, len(buffer.data)) + bytes(buffer.data) + b"\xff\xff\xff\xff\0\0\0\0"


def test_fields_are_counted_as_arrow_makes_them() -> None:
    content = schema_of(3, 2)
    schema = pa.ipc.open_stream(content).schema
    assert [field.type.num_fields for field in schema] == [2, 2, 2]
    assert field_count(next(iter(pa.ipc.MessageReader.open_stream(content))), most=100) == 9


@pytest.mark.parametrize(("structs", "nulls"), [(11_000, 0), (200, 200)])
def test_a_schema_of_too_many_fields_is_refused_before_it_is_made(structs: int, nulls: int) -> None:
    source = Source(name="body", content=schema_of(structs, nulls), max_bytes=1 << 25, max_columns=10_030)
    with pytest.raises(TooLargeError, match=r"columns or more, 10,030 are allowed"):
        list(read_arrow(source, ReadOptions(), 1000))
