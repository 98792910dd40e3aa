"""Streams of what costs its sender nothing: blank lines, messages without bytes, schemas again and again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from in_process import problem
from samples import sample_detector, sample_record
from serving import Service
from wire import Wire, answer_from, wired

from service.budget import Budget
from service.formats.answers import write_rows
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec
from service.streaming.arrow_body import ArrowBody
from service.streaming.bodies import LinesBody
from service.web.problems import RequestError

SPEC = BodySpec(schema=sample_detector().schema, max_rows=100_000, max_bytes=1 << 25)
SCHEMA = pa.schema([("x", pa.float64())])
HEAD = SCHEMA.serialize().to_pybytes()
EMPTY = pa.record_batch([pa.array([], pa.float64())], schema=SCHEMA).serialize().to_pybytes()


@pytest.mark.parametrize("blank", [b"\n", b" \t\r\n"])
def test_blank_lines_of_a_stream_are_counted_and_not_held(blank: bytes) -> None:
    body = LinesBody(SPEC)
    for _ in range(10):
        assert body.cut(blank * 20_000, last=False) == []
        assert not body._lines
    with pytest.raises(RequestError, match="Line 200002 is not JSON"):
        [part] = body.cut(json.dumps(sample_record()).encode() + b"\n[\n", last=True)
        list(body.rows(part))


def test_blank_lines_between_records_change_no_line_number_in_a_later_part() -> None:
    body = LinesBody(SPEC)
    [first] = body.cut(b"\n{}\n" * 16_384, last=False)
    assert [len(rows) for rows in body.rows(first)] == [16_384]
    [second] = body.cut(b"\n\n{}\nx", last=True)
    with pytest.raises(RequestError, match="Line 32772 is not JSON"):
        list(body.rows(second))


def test_a_line_in_a_thousand_pieces_is_held_as_its_bytes() -> None:
    body = LinesBody(SPEC)
    for _ in range(1000):
        assert body.cut(b"  ", last=False) == []
    assert bytes(body._begun) == b" " * 2000


def test_batches_without_bytes_make_parts_too() -> None:
    body = ArrowBody(SPEC)
    held = []
    for content in [HEAD, *[EMPTY * 1000] * 30]:
        list(body.cut(content, last=False))
        held.append(sum(map(len, body._batches)))
    assert max(held) < 2 << 20


def test_an_arrow_stream_has_one_schema() -> None:
    with pytest.raises(RequestError, match="has a second schema"):
        list(ArrowBody(SPEC).cut(HEAD + HEAD, last=False))


def compressed(columns: dict[str, pa.Array]) -> bytes:
    """Return the messages of a record batch, each buffer of which is compressed, behind their schema."""
    batch = pa.record_batch(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()[:-8]


NULLS = pa.record_batch([pa.nulls(2_000_000)], names=["x"])
SHARED = pa.DictionaryArray.from_arrays([0], pa.array(["a" * 40_000_000]))
FIVE = compressed(dict.fromkeys("abcde", pa.array([0.0] * 1_000_000)))
METADATA = SCHEMA.with_metadata({"a": "b" * (5 << 20)}).serialize().to_pybytes()
TOO_MUCH: dict[str, tuple[bytes, str]] = {
    "a large head": (HEAD[:4] + (5 << 20).to_bytes(4, "little"), "takes 5,242,880 bytes or more, beyond 4,194,304"),
    "large metadata": (METADATA, "The head of an Arrow message"),
    "a batch that decompresses": (FIVE, "A record batch is larger than 33,554,432 bytes. Write smaller"),
    "a dictionary that does": (compressed({"x": SHARED}), "A record batch is larger than 33,5"),
    "a dictionary without bytes": (
        compressed({"x": pa.DictionaryArray.from_arrays([0], pa.nulls(2_000_000))}),
        "A dictionary has 2,000,000 entries, more than 1,048,576. Send values as they are",
    ),
    "rows without bytes": (
        NULLS.schema.serialize().to_pybytes() + NULLS.serialize().to_pybytes(),
        "A record batch has 2,000,000 records, more than 1,048,576. Write smaller",
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_message_that_becomes_too_much_is_refused_before_it_is_read(name: str) -> None:
    content, detail = TOO_MUCH[name]
    assert name == "large metadata" or len(content) < 10_000
    with pytest.raises(RequestError, match=detail) as error:
        list(ArrowBody(SPEC).cut(content, last=False))
    assert error.value.status == 413


def test_what_is_read_again_with_each_part_is_no_more_than_four_times_the_part() -> None:
    words = pa.array([f"{word:0100d}" for word in range(100_000)])
    coded = pa.record_batch({"x": pa.DictionaryArray.from_arrays(pa.array(range(50_000), pa.int32()), words)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, coded.schema) as writer:
        for _ in range(40):
            writer.write_batch(coded)
    body = ArrowBody(SPEC)
    parts = [len(part) for part in body.cut(sink.getvalue().to_pybytes(), last=True)]
    assert sum(parts) < 5 * len(sink.getvalue())
    assert len(parts) > 2


COSTLY: dict[str, tuple[str, Callable[[], bytes], int, str]] = {
    "blank lines": ("jsonl", lambda: b"\n" * 1_000_000, 400, "The body is empty"),
    "batches without rows": ("arrow", lambda: HEAD + EMPTY * 5000, 422, "is absent"),
    "schemas": ("arrow", lambda: HEAD * 3000, 400, "has a second schema"),
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_stream_of_nothing_is_one_problem_and_little_memory(service: Service, name: str) -> None:
    form, content, status, detail = COSTLY[name]
    before = service.memory_mb()
    headers = {"Content-Type": FORMATS[form].types[0]}
    answer = service.client.post("/score/stream", content=content(), headers=headers)
    assert detail in problem(answer, status)["detail"]
    assert service.memory_mb() < before + 150


def test_streams_that_are_open_are_few_and_make_room_when_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.gate.BUDGET", Budget(open_streams=2))
    begin = b"POST /score/stream HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9\r\n\r\n"

    def refused(wire: Wire) -> bool:
        with wire.connect() as connection:
            connection.sendall(begin + b"{}       ")
            status, headers, body = answer_from(connection)
        assert status in (422, 503)
        assert status == 422 or (b"2 streams are open already" in body and headers["retry-after"] == "1")
        return status == 503

    with wired(sample_detector()) as wire:
        open_ones = [wire.connect() for _ in range(2)]
        for connection in open_ones:
            connection.sendall(begin)
        assert any(refused(wire) for _ in range(2000))
        for connection in open_ones:
            connection.close()
        assert not all(refused(wire) for _ in range(2000))
        assert not any(refused(wire) for _ in range(20))


def test_a_batch_of_many_rows_is_scored_no_further_when_its_client_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no bytes; what is answered is held back by a client that reads nothing, and by none that has left."""
    chunks: list[int] = []

    def counted(writer: Any, answer: Any, rows: Any) -> Any:
        chunks.append(len(rows))
        return write_rows(writer, answer, rows)

    monkeypatch.setattr("service.streaming.answer.write_rows", counted)
    monkeypatch.setattr("service.streaming.answer.BUDGET", Budget(part_answer_bytes=1))
    detector = sample_detector()
    nulls = pa.record_batch([pa.nulls(1_000_000)] * len(detector.schema.names), names=list(detector.schema.names))
    content = nulls.schema.serialize().to_pybytes() + nulls.serialize().to_pybytes()
    fields = ["Host: a", f"Content-Type: {FORMATS['arrow'].types[0]}", f"Content-Length: {len(content)}", "", ""]
    with wired(detector) as wire, wire.connect() as connection:  # whose end waits for what is being answered
        connection.sendall("\r\n".join(["POST /score/stream?explain=3 HTTP/1.1", *fields]).encode() + content)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    assert 0 < sum(chunks) < 500_000
