"""Dictionaries of Arrow's columns: what they hold is counted, and only what occurs is made anything of."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest

from models.columns.arrow_cells import coded_values, python_values
from models.columns.from_tables import read_cells
from models.errors import TableError
from models.schema import Column, Kind
from models.tables.arrow.dictionaries import runs_of, validate
from models.tables.arrow.messages import DICTIONARY, Dictionaries, messages_of
from models.tables.arrow.texts import shared_text_bytes, text_bytes
from models.tables.files import iter_table
from models.tables.source import Source
from models.tables.table import Regrouping, table_of

CATEGORY = Column(name="x", kind=Kind.CATEGORICAL)
NUMBER = Column(name="x", kind=Kind.NUMERIC)


def coded(codes: list[int | None], values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), values)


def written(*batches: pa.Array, deltas: bool = False, compression: str | None = "zstd") -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression, emit_dictionary_deltas=deltas)
    with pa.ipc.new_stream(sink, pa.schema([("x", batches[0].type)]), options=options) as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch([batch], names=["x"]))
    return sink.getvalue()


GROWING = [coded([n], pa.array([f"{k:0100d}" for k in range(n + 1)])) for n in range(40)]


@pytest.mark.parametrize(
    "values", [pa.nulls(10**7), pa.array(np.zeros(10**6, np.int8)), pa.array([""] * 10**6), pa.array([True] * 10**6)]
)
def test_a_dictionary_of_millions_on_a_small_wire_is_refused_before_it_is_read(values: pa.Array) -> None:
    content = written(coded([0], values))
    assert len(content) < 2000
    source = Source(name="request body", content=content, max_bytes=1 << 25, max_rows=100_000)
    with pytest.raises(TableError, match=f"has {len(values):,} entries in a dictionary, 100,000 are allowed"):
        next(iter_table(source))


def test_only_entries_that_occur_are_made_values_and_a_dictionary_is_taken_once() -> None:
    words = pa.array([f"w{n}" for n in range(100_000)])
    chunks = pa.chunked_array([coded([7, None], words), coded([99_999], words), coded([1], pa.array(["a", "b"]))])
    assert [(codes.tolist(), values) for codes, values in coded_values(chunks)] == [
        ([0, -1, 1], ["w7", "w99999"]),
        ([0], ["b"]),
    ]
    assert [len(codes) for codes, _ in runs_of(chunks)] == [3, 1]
    assert python_values(chunks) == ["w7", None, "w99999", "b"]
    assert text_bytes(pa.table({"x": chunks})).tolist() == [2, 0, 6, 1]
    assert shared_text_bytes(pa.table({"x": chunks})) == 9


@pytest.mark.parametrize("code", [-1, 2])
def test_a_code_without_an_entry_is_found_behind_chunks_of_the_same_dictionary(code: int) -> None:
    words = pa.array(["a", "b"])
    odd = pa.DictionaryArray.from_arrays(pa.array([0, code], pa.int32()), words, safe=False)
    sound = [coded([0, None], words), coded([None], words), coded([1], words)]
    validate(pa.table({"x": pa.chunked_array(sound)}))
    with pytest.raises(pa.ArrowInvalid, match="out of bounds"):
        validate(pa.table({"x": pa.chunked_array([*sound, odd])}))


def test_each_dictionary_is_validated_and_so_are_cells_without_one() -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    for chunks in ([coded([0], pa.array(["a"])), coded([0], broken)], [pa.array(["a"]), broken]):
        with pytest.raises(pa.ArrowInvalid, match="UTF8"):
            validate(pa.table({"x": pa.chunked_array(chunks)}))


def test_dictionaries_that_arrow_cannot_unify_are_read() -> None:
    nulls = pa.chunked_array([coded([0, 1], pa.nulls(2)), coded([0], pa.nulls(1))])
    assert read_cells(CATEGORY, nulls).tolist() == [None] * 3
    holes = pa.chunked_array([coded([0, 1], pa.array(["a", None])), coded([1, 0], pa.array([None, "b"]))])
    assert read_cells(CATEGORY, holes).tolist() == ["a", None, "b", None]
    views = pa.table({"x": coded([1, None], pa.array(["a", "b"], pa.string_view()))})
    assert table_of(views).data.column("x").to_pylist() == ["b", None]


def test_an_error_names_the_row_in_whichever_chunk_it_is() -> None:
    cells = pa.chunked_array([coded([0, 0], pa.array(["1"])), coded([1, 0, 0], pa.array(["x", "2"]))])
    with pytest.raises(TableError, match="row 4: expected a number, got the text 'x'"):
        read_cells(NUMBER, cells)


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("s", "UTC"), pa.date64()])
def test_what_python_cannot_hold_in_a_dictionary_is_named(kind: pa.DataType) -> None:
    cells = pa.chunked_array([coded([0], pa.array([2**62]).view(kind))])
    with pytest.raises(TableError, match=rf"row 1: expected a number, got the text '{2**62} of type "):
        read_cells(NUMBER, cells)
    assert python_values(cells) == [f"{2**62} of type {kind}"]


@pytest.mark.parametrize("scale", [-20_000, 20_000])
def test_a_decimal_that_cannot_be_written_is_a_text(scale: int) -> None:
    one = pa.Array.from_buffers(pa.decimal128(38, scale), 1, [None, pa.py_buffer(b"\1" + bytes(15))])
    assert python_values(one) == [f"… of type decimal128(38, {scale})"]


def test_a_dictionary_that_grows_counts_as_often_as_it_is_made_anew() -> None:
    content = written(*GROWING[:4], deltas=True, compression=None)
    counts = Dictionaries()
    found = [
        counts.sizes(message, whole)
        for message, whole in messages_of(memoryview(content), lambda size: None)
        if message.kind == DICTIONARY
    ]
    assert [entries for entries, _ in found] == [1, 2, 3, 4]
    assert counts.grown_bytes == sum(size for _, size in found[1:])
    whole = Dictionaries()
    for message, bytes_of in messages_of(memoryview(written(*GROWING[:4])), lambda size: None):
        if message.kind == DICTIONARY:
            whole.sizes(message, bytes_of)
    assert not whole.grown_bytes


def test_dictionaries_that_grow_too_often_are_refused() -> None:
    content = written(*GROWING, deltas=True)
    assert sum(map(len, iter_table(Source(name="body", content=content, max_bytes=200_000)))) == 40
    with pytest.raises(TableError, match=r"bytes in dictionaries that grow or more, 50,000 are allowed. Send whole"):
        next(iter_table(Source(name="body", content=content, max_bytes=50_000)))


def test_what_waits_for_a_full_table_is_bounded_in_bytes() -> None:
    grouping = Regrouping(1000, most_bytes=10_000)
    text, given = pa.table({"x": ["a" * 3000]}), []
    for _ in range(10):
        given += [len(table) for table in grouping.add(text)]
    assert given == [4, 4]
    rest = grouping.rest()
    assert rest is not None
    assert len(rest) == 2


def test_a_dictionary_that_waits_is_counted_once() -> None:
    words = pa.array(["a" * 5000, "b" * 4000])
    grouping = Regrouping(1000, most_bytes=10_000)
    assert not [*grouping.add(pa.table({"x": coded([0], words)})), *grouping.add(pa.table({"x": coded([1], words)}))]
    [full] = grouping.add(pa.table({"x": coded([0], pa.array(["c" * 2000]))}))
    assert full.column("x").to_pylist() == ["a" * 5000, "b" * 4000, "c" * 2000]
    assert grouping.rest() is None
