"""Streams of what costs its sender nothing: blank lines, messages without bytes, schemas again and again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pytest
from in_process import problem
from samples import sample_detector, sample_record
from serving import Service
from wire import Wire, answer_from, wired

from service.budget import Budget
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
