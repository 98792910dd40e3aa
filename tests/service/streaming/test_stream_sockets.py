"""Streams over a real connection: memory stays flat, and a client that stalls or leaves is let go."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bodies import repeated
from samples import machine_records
from serving import Service

from service.formats.formats import FORMATS, STREAMED

STREAM_MB = 100
BODY_SECONDS = 1.0
GROWTH_MB = 60
"""More than what a stream holds, less than a fifth of what goes through."""


@pytest.fixture(scope="module")
def impatient(bundle_path: Path, start: Any) -> Iterator[Service]:
    with start(bundle_path, "--body-seconds", str(BODY_SECONDS), "--max-body-bytes", "2000000") as service:
        yield service


def connect_plainly(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=60)


def connect(service: Service, form: str, accept: str) -> socket.socket:
    connection = connect_plainly(service)
    lines = ["POST /score/stream HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"]
    lines += [f"Content-Type: {FORMATS[form].types[0]}", f"Accept: {FORMATS[accept].types[0]}", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    return connection


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def opened(connection: socket.socket) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(connection, method="POST")
    answer.begin()
    return answer


def pieces_of(form: str) -> tuple[bytes, bytes]:
    """Return what begins a body, and a piece of some hundred kilobytes that may come any number of times behind it."""
    whole = repeated(form, 2000)
    if form == "arrow":
        from models.tables.arrow.messages import next_message

        message = next_message(whole)
        assert message is not None
        return whole[: message.size], whole[message.size : -8]
    return b"", whole


@pytest.mark.slow
@pytest.mark.parametrize("form", STREAMED)
def test_a_hundred_megabytes_go_through_in_flat_memory(bundle_path: Path, start: Any, form: str) -> None:
    head, piece = pieces_of(form)
    rows = len(repeated("jsonl", 2000).splitlines())
    times = STREAM_MB * 1_000_000 // len(piece)
    with start(bundle_path) as service, connect(service, form, "jsonl") as connection:

        def send() -> None:
            connection.sendall(chunk(head + piece))
            for _ in range(times - 1):
                connection.sendall(chunk(piece))
            connection.sendall(b"0\r\n\r\n")

        sending = threading.Thread(target=send)
        sending.start()
        answer = opened(connection)
        received, early, largest = 0, 0.0, 0.0
        while content := answer.read(1 << 20):
            received += content.count(b"\n")
            early = early or service.memory_mb()
            largest = max(largest, service.memory_mb())
        sending.join()
        assert received == rows * times
        assert largest - early < GROWTH_MB


def test_rows_are_answered_before_the_others_are_sent(impatient: Service) -> None:
    piece = repeated("jsonl", 20_000)
    with connect(impatient, "jsonl", "jsonl") as connection:
        connection.sendall(chunk(piece))
        answer = opened(connection)
        assert json.loads(answer.readline())["serial"] == "m-00000"
        connection.sendall(chunk(piece) + b"0\r\n\r\n")
        assert len(answer.read().splitlines()) == 39_999
        assert answer.isclosed()


def test_a_client_that_stalls_in_the_middle_is_told_and_the_connection_closed(impatient: Service) -> None:
    with connect(impatient, "jsonl", "jsonl") as connection:
        connection.sendall(chunk(repeated("jsonl", 20_000)))
        last = opened(connection).read().splitlines()[-1]
        assert json.loads(last)["problem"]["status"] == 408
        assert connection.recv(1) == b""


def test_what_goes_wrong_in_the_middle_leaves_the_answer_without_its_end(impatient: Service) -> None:
    with connect(impatient, "jsonl", "arrow") as connection:
        connection.sendall(chunk(repeated("jsonl", 20_000)) + chunk(b'{"pressure": "x"}\n') + b"0\r\n\r\n")
        with pytest.raises(http.client.IncompleteRead):
            opened(connection).read()


def test_a_client_that_reads_nothing_is_cut_off(impatient: Service) -> None:
    """Its side of the connection fills up; then the service's, which does not wait for ever."""
    piece = chunk(repeated("jsonl", 20_000))
    with connect(impatient, "jsonl", "jsonl") as connection, pytest.raises(ConnectionError):
        for _ in range(2000):
            connection.sendall(piece)
    assert_alive(impatient)


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(impatient: Service) -> None:
    piece = chunk(repeated("jsonl", 20_000))
    for _ in range(10):
        with connect(impatient, "jsonl", "arrow") as connection:
            connection.sendall(piece + piece[:1000])
    deadline = time.monotonic() + 30
    while open_sockets(impatient) > 2 and time.monotonic() < deadline:  # the one that listens, and the client's
        assert_alive(impatient)
        time.sleep(0.1)
    assert open_sockets(impatient) <= 2


def assert_alive(service: Service) -> None:
    assert service.client.get("/healthz").status_code == 200
    record = json.dumps(machine_records(1, seed=7)[0])
    assert service.client.post("/score", content=record).status_code == 200


def open_sockets(service: Service) -> int:
    """Count the TCP connections of the service's port that are established, and the one that listens."""
    port = f":{service.client.base_url.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(port) and line[3] in ("01", "08", "0A") for line in lines)
