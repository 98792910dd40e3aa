"""Footers of Parquet files that become large: a few kilobytes stand for gigabytes of names and fields."""

from __future__ import annotations

import base64
import io
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_arrow_heads import names_of, schema_of

from models.errors import DetectorError, TooLargeError, UnreadableError
from models.tables.arrow.footers import footer_of
from models.tables.files import iter_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source

MOST: Final = 1 << 22
NESTED: Final = pa.table({"a": [{"é": {"c": 1.0, "d": [2]}}], "e": ["x"], "f": pa.array([1], pa.duration("s"))})


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def stored(message: bytes) -> bytes:
    """Return a file whose footer has this message as Arrow's schema."""
    sink = io.BytesIO()
    table = pa.table({"x": [1.0]})
    with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"ARROW:schema": base64.b64encode(message).decode()})
    return sink.getvalue()


def chunks_of(content: bytes) -> list[pa.Table]:
    source = Source(name="body", content=content, max_bytes=1 << 25, max_columns=10_030, max_head=MOST)
    return [chunk.data for chunk in iter_table(source, ReadOptions(), format="parquet")]


@pytest.mark.parametrize(
    "options", [{}, {"store_schema": False}, {"row_group_size": 1, "write_page_index": True, "use_dictionary": False}]
)
def test_a_footer_is_read_as_it_was_written(options: dict[str, Any]) -> None:
    table = pa.concat_tables([NESTED] * 20).replace_schema_metadata({"note": "n" * 300})
    footer = footer_of(pa.BufferReader(written(table, **options)))
    assert footer is not None
    names = ["a", "a.é", "a.é.c", "a.é.d", "a.é.d.list", "a.é.d.list.element", "e", "f"]
    assert (footer.columns, footer.name_bytes) == (len(names), len("".join(names).encode()))
    if "store_schema" in options:
        assert footer.arrow_schema is None
    else:
        assert pa.ipc.read_schema(pa.BufferReader(footer.arrow_schema)).equals(table.schema)


def test_a_table_of_many_columns_and_groups_of_rows_is_read() -> None:
    wide = pa.table({f"column {index:05}": [0.5] for index in range(5_000)})
    assert [data.num_columns for data in chunks_of(written(wide))] == [5_000]
    long = pa.table({f"c{index}": range(300) for index in range(30)})
    assert sum(map(len, chunks_of(written(long, row_group_size=2)))) == 300


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (schema_of(200, 200), "columns or more, 10,030 are allowed"),
        (names_of(10_000, 500_000), "bytes in the head of an Arrow message or more, 4,194,304 are allowed"),
    ],
    ids=["fields", "names"],
)
def test_a_schema_of_arrow_in_a_footer_is_bounded_before_it_is_made(message: bytes, reason: str) -> None:
    with pytest.raises(TooLargeError, match=reason):
        chunks_of(stored(message))


def test_the_names_of_nested_columns_are_bounded_before_they_are_made() -> None:
    inner = pa.struct([(f"{index:x}", pa.int8()) for index in range(20)])
    schema = pa.schema([("nest", pa.struct([("n" * 400_000, inner)]))])
    with pytest.raises(TooLargeError, match=r"8,\d{3},\d{3} bytes in the head of an Arrow message or more"):
        chunks_of(written(schema.empty_table(), store_schema=False))


def test_a_schema_of_arrow_in_any_other_place_is_refused() -> None:
    content = stored(schema_of(3, 2))
    at = content.index(b"\x18\x0cARROW:schema")
    moved = content[:at] + b"\x28\x0cARROW:schema" + content[at + 14 :]  # as the value of no key
    with pytest.raises(UnreadableError, match="its footer is not as Parquet is written"):
        chunks_of(moved)


def test_a_footer_that_is_cut_off_or_changed_anywhere_is_refused_or_read() -> None:
    content = written(NESTED)
    for cut in range(4, len(content), 3):
        for damaged in (content[:cut], content[:cut] + bytes([content[cut] ^ 0xFF]) + content[cut + 1 :]):
            try:
                chunks_of(damaged)
            except DetectorError:
                continue
