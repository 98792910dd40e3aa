"""A request that is refused before its body has come: its client gets the answer, and not a reset connection."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import sample_detector
from serving import Service
from wire import answer_from, wired

from service.budget import Budget
from service.web.closing import READ_TO_END, linger

LINES, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"
BODY_BYTES = 8_000_000


@pytest.fixture(scope="module")
def narrow(bundle_path: Path, start: Any) -> Iterator[Service]:
    with start(bundle_path, "--max-body-bytes", "2000000") as service:
        yield service


def head(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


def chunked(content: bytes, size: int = 100_000) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


SIZE, CHUNKED = f"Content-Length: {BODY_BYTES}", "Transfer-Encoding: chunked"
BODY = b"x" * BODY_BYTES
REFUSED: dict[str, tuple[bytes, bytes, int]] = {
    "a large body": (head("/score", SIZE), BODY, 413),
    "a large body in chunks": (head("/score", CHUNKED), chunked(BODY), 413),
    "a transfer coding": (head("/score", "Transfer-Encoding: gzip, chunked"), chunked(BODY), 501),
    "a stream that is compressed": (
        head("/score/stream", f"Content-Type: {LINES}", "Content-Encoding: gzip", SIZE),
        BODY,
        415,
    ),
    "a stream of JSON": (head("/score/stream", SIZE), BODY, 415),
    "a stream whose query is wrong": (head("/score/stream?explain=x", f"Content-Type: {LINES}", SIZE), BODY, 422),
    "lines that are no JSON": (head("/score/stream", f"Content-Type: {LINES}", SIZE), b"[\n" * (BODY_BYTES // 2), 400),
    "a long line": (head("/score/stream", f"Content-Type: {LINES}", SIZE), BODY, 413),
    "a stream that is no Arrow": (head("/score/stream", f"Content-Type: {ARROW}", SIZE), BODY, 400),
    "a large message": (
        head("/score/stream", f"Content-Type: {ARROW}", SIZE),
        b"\xff\xff\xff\xff\0\0\0\x0f" + BODY[8:],
        413,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_client_that_sends_all_of_its_body_first_gets_the_answer(narrow: Service, name: str) -> None:
    begin, body, status = REFUSED[name]
    with socket.create_connection(("127.0.0.1", narrow.client.base_url.port), timeout=20) as connection:
        connection.sendall(begin)
        for start in range(0, len(body), 100_000):
            connection.sendall(body[start : start + 100_000])
        found, headers, content = answer_from(connection)
        assert (found, json.loads(content)["status"]) == (status, status)
        if headers.get("connection") == "close":
            assert connection.recv(1) == b""


@pytest.mark.parametrize("limit", [Budget(linger_bytes=1_000_000, linger_seconds=60), Budget(linger_seconds=0.1)])
def test_a_client_that_sends_for_ever_is_left(monkeypatch: pytest.MonkeyPatch, limit: Budget) -> None:
    monkeypatch.setattr("service.web.closing.BUDGET", limit)
    with wired(sample_detector()) as wire, wire.connect() as connection:
        connection.sendall(head("/score/stream", f"Content-Type: {LINES}", CHUNKED) + b"2\r\n[\n\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                connection.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")


def test_for_a_body_that_was_read_nobody_waits() -> None:
    async def receive() -> Any:
        raise AssertionError("asked again")

    asyncio.run(linger({READ_TO_END: True}, receive))
