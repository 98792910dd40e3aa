"""Compressed answers: as they are asked for, where it is worth it, and the same when they are decompressed."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from select import select
from typing import Any

import pyarrow as pa
import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcess, in_process
from samples import sample_detector, sample_record
from wire import answer_from, request, wired

from service.app import load_settings
from service.budget import BUDGET, Budget
from service.formats.formats import FORMATS
from service.web.content import ENCODERS, HeldBytes, Turns, coding_for, read_body, whole
from service.web.problems import RequestError

RECORDS = json.dumps([sample_record(number=40.0 + row) for row in range(200)]).encode()


@pytest.fixture(scope="module")
def service(fast_path: bool) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=fast_path) as service:
        yield service


def decompressed(content: bytes, coding: str) -> bytes:
    return (
        gzip.decompress(content)
        if coding == "gzip"
        else pa.input_stream(pa.BufferReader(content), compression="zstd").read()
    )


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_compressed_answer_is_smaller_and_the_same(coding: str) -> None:
    content = RECORDS * 3
    assert len(ENCODERS[coding](content)) < len(content) / 4
    assert decompressed(ENCODERS[coding](content), coding) == content


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_an_answer_is_compressed_as_its_caller_asks(service: InProcess, form: str) -> None:
    accept = FORMATS[form].types[0]
    plain = service.post(RECORDS, accept=accept, accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    compressed = service.post(RECORDS, accept=accept, accept_encoding="gzip")
    assert compressed.headers["content-encoding"] == "gzip"
    assert int(compressed.headers["content-length"]) < len(plain.content)
    assert compressed.content == plain.content  # the client decompresses it
    assert compressed.headers["vary"] == plain.headers["vary"] == "Accept, Accept-Encoding"


def test_a_small_answer_is_never_compressed(service: InProcess) -> None:
    answer = service.post(json.dumps(sample_record()), accept_encoding="gzip, zstd")
    assert "content-encoding" not in answer.headers


def test_a_refusal_is_not_compressed(service: InProcess) -> None:
    records: list[Any] = [3] * 200
    answer = service.post(json.dumps(records), accept_encoding="gzip")
    assert answer.status_code == 422
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.9", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *", "zstd"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("identity", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("br, deflate", None),
        ("gzip;q=high", None),
        (",;", None),
    ],
)
def test_the_coding_is_the_one_that_is_preferred(accept_encoding: str, coding: str | None) -> None:
    assert coding_for(RECORDS, "json", accept_encoding) == coding


@pytest.mark.parametrize("form", ["arrow", "arrow_file", "parquet"])
def test_what_is_no_text_is_sent_as_it_is(form: str) -> None:
    assert coding_for(RECORDS, form, "gzip, zstd") is None


@given(st.text())
def test_any_accept_encoding_has_an_outcome(text: str) -> None:
    assert coding_for(RECORDS, "json", text) in (None, *ENCODERS)


def body_of(chunks: list[bytes], turns: Turns) -> list[bytes]:
    """Return the pieces in which a body is read that comes in chunks."""
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    coming.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    return asyncio.run(read_body(request, load_settings(), turns))


@pytest.mark.parametrize("sizes", [[1] * 3, [70_000], [1, 70_000] * 20, [100] * 2_000, [300_000] * 40])
def test_a_body_is_read_in_few_pieces_and_no_byte_is_lost(sizes: list[int]) -> None:
    chunks = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    pieces = body_of(chunks, Turns(1_000_000))
    assert len(pieces) <= 1 + sum(sizes) // 65_536
    assert whole(pieces) == b"".join(chunks)
    assert not pieces  # it is not held twice


def test_large_bodies_take_turns_and_a_small_one_waits_for_none() -> None:
    turns, order = Turns(100), list[str]()

    async def read(name: str, size: int) -> None:
        for _ in range(2):
            await turns.take(size)
            order.append(name)

    async def read_all() -> None:
        given_up = asyncio.create_task(read("none", 60))
        readers = [asyncio.create_task(read(name, 60)) for name in "abcd"]
        await asyncio.sleep(0)
        given_up.cancel()
        assert order == ["none", "none"]  # what one tick has room for
        await asyncio.wait_for(asyncio.gather(*readers), 20)

    asyncio.run(read_all())
    assert order[2:6] == ["a", "b", "c", "d"]  # each once before any of them again
    assert sorted(order[6:]) == ["a", "b", "c", "d"]


def test_all_bodies_together_are_bounded_and_what_is_answered_counts_no_more() -> None:
    held = HeldBytes(100)
    with held.one() as first:
        first(60)
        with pytest.raises(RequestError, match="100 bytes") as found, held.one() as second:
            second(40)
            second(1)
        assert (found.value.status, found.value.headers) == (503, {"Retry-After": "1", "Connection": "close"})
        with held.one() as third:
            third(40)
    with held.one() as fourth:
        fourth(100)


@pytest.mark.parametrize("way", ["thread", "small"])
def test_answers_that_nobody_reads_are_bounded_together(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    limit = Budget(piece_bytes=1000)
    rows, query = (40_000, "") if way == "thread" else (100, "explain=5")
    if way == "small":
        limit = Budget(piece_bytes=1000, loop_cells=0)
        monkeypatch.setattr("service.fast_path.answering.BUDGET", limit)
    monkeypatch.setattr("service.api.routes.BUDGET", limit)
    large = request(json.dumps([sample_record()] * rows).encode(), query=query)
    apps: list[FastAPI] = []
    with wired(sample_detector(), add=apps.append) as wire, ExitStack() as opened:
        with wire.connect() as connection:
            connection.sendall(large)
            status, _, whole_answer = answer_from(connection)
            assert (status, len(json.loads(whole_answer)["results"])) == (200, rows)
        [app] = apps
        held = app.state.held_answers
        while held._held:
            time.sleep(0.002)
        if way == "small":
            return  # the system itself holds such an answer
        monkeypatch.setattr(held, "_most", int(2.5 * len(whole_answer)))
        unread = []
        for _ in range(2):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(20)
            connection.connect(("127.0.0.1", wire.port))
            connection.sendall(large)
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            unread.append(connection)
        with wire.connect() as connection:
            connection.sendall(large)
            status, headers, content = answer_from(connection)
            assert (status, headers["retry-after"]) == (503, "1")
            assert b"Other requests hold" in content
        with wire.connect() as connection:
            connection.sendall(request(json.dumps(sample_record()).encode()))
            assert answer_from(connection)[0] == 200  # a small one
        unread.pop().close()
        while held._held > len(whole_answer):
            time.sleep(0.002)
        with wire.connect() as connection:
            connection.sendall(large)
            assert answer_from(connection)[2] == whole_answer


def test_bodies_that_stay_away_are_refused_before_they_take_all_memory() -> None:
    size = 100_000
    head = b"POST /score HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size
    with wired(sample_detector(), max_body_bytes=size) as wire, ExitStack() as opened:
        connections = [opened.enter_context(wire.connect()) for _ in range(2 * BUDGET.held_bodies)]
        for connection in connections:
            connection.sendall(head + bytes(size - 1))
        refused, _, _ = select(connections, [], [], 20)
        assert answer_from(refused[0])[0] == 503
        for connection in set(connections) - set(refused):
            connection.close()
        with wire.connect() as connection:
            connection.sendall(request(RECORDS * 3))
            assert answer_from(connection)[0] in (400, 413)  # read again, and no list of records
