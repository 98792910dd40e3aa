"""What one connection may do to the service and to its own requests: heads, ends of bodies, queues, `Upgrade`."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from samples import machine_records, sample_detector
from serving import Service
from wire import answer_from, wired

from service.budget import BUDGET

RECORD = json.dumps(machine_records(1, seed=7)[0]).encode()
INNER = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
SIZE = f"Content-Length: {len(INNER)}"
CHUNKED = "Transfer-Encoding: chunked"


def connect(service: Service) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def head(*fields: str, first: str = "POST /score HTTP/1.1") -> bytes:
    return "\r\n".join([first, "Host: a", "Content-Type: application/json", *fields, "", ""]).encode()


def all_of(connection: socket.socket) -> bytes:
    answers = b""
    try:
        while piece := connection.recv(65_536):
            answers += piece
    except ConnectionResetError:
        pass  # it was closed with bytes of ours unread
    return answers


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def sent(service: Service, *parts: bytes, pause: float = 0.02) -> bytes:
    """Send the parts of a connection one after the other, and return all that is answered."""
    with connect(service) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (ConnectionResetError, BrokenPipeError):
                break
            time.sleep(pause)
        return all_of(connection)


def in_chunks(content: bytes, trailer: bytes = b"") -> bytes:
    return b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(content), content, trailer)


HEADS: list[tuple[bytes, bytes, list[int]]] = [
    # The head, what follows it, and what is answered, with the request behind it where the connection stays open.
    (head(*H2C, SIZE), INNER, [400, 200]),
    (head("connection: upgrade", "upgrade: x", SIZE), INNER, [400, 200]),
    (head("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", SIZE), INNER, [400, 200]),
    (head("Connection: close, upgrade", "Upgrade: h2c", SIZE), INNER, [400]),
    (head("Connection: Upgrade", SIZE), INNER, [400, 200]),
    (head("Upgrade: h2c", SIZE), INNER, [400, 200]),
    (head(*H2C, CHUNKED), in_chunks(INNER), [400, 200]),
    (head(*H2C, SIZE, first="GET /healthz HTTP/1.1"), INNER, [200, 200]),
    (head(*H2C, SIZE, first="POST /score HTTP/1.0"), INNER, [400]),
    (head(*H2C, f"Content-Length: {len(RECORD)}"), RECORD, [200, 200]),
    (head(*H2C, first="GET /healthz HTTP/1.1"), b"", [200, 200]),
    (head(*H2C, SIZE, CHUNKED), in_chunks(INNER), [400]),
    (head(SIZE), INNER, [400, 200]),
    (head(SIZE, first="GET /healthz HTTP/1.1"), INNER, [200, 200]),
    (head(SIZE, first="DELETE /score HTTP/1.1"), INNER, [405, 200]),
    (head(CHUNKED), in_chunks(INNER), [400, 200]),
    (head(CHUNKED), in_chunks(INNER, b"X: y\r\n"), [400, 200]),
    (head(CHUNKED), in_chunks(INNER, b"Content-Length: 99\r\nX: y\r\n"), [400]),
    (head(SIZE, CHUNKED), in_chunks(INNER), [400]),
    (head(CHUNKED, SIZE), in_chunks(INNER), [400]),
    (head(SIZE, SIZE), INNER, [400]),
    (head(SIZE, "Content-Length: 5"), INNER, [400]),
    (head(f"{SIZE}, {len(INNER)}"), INNER, [400]),
    (head(f"Content-Length: +{len(INNER)}"), INNER, [400]),
    (head("Content-Length: 0x5"), INNER, [400]),
    (head("Content-Length: 1 2"), INNER, [400]),
    (head("Content-Length : 5"), INNER, [400]),
    (head(f"Content-Length: {2**64 + len(INNER)}"), INNER, [400]),
    (head("Transfer-Encoding: chunked, identity"), in_chunks(INNER), [400]),
    (head("Transfer-Encoding: gzip, chunked"), in_chunks(INNER), [501]),
    (head("Transfer-Encoding: gzip", CHUNKED), in_chunks(INNER), [501]),
    (head("Transfer-Encoding: gzip, chunked", first="GET /healthz HTTP/1.1"), in_chunks(INNER), [200, 200]),
    (head("Transfer-Encoding: chunked, chunked"), in_chunks(INNER), [400]),
    (head("Transfer-Encoding: gzip"), INNER, [400]),
    (head("Transfer-Encoding: Chunked"), in_chunks(INNER), [400, 200]),
    (head("TE: gzip, chunked", SIZE), INNER, [400, 200]),
    (head("Transfer-Encoding: gzip, chunked", first="POST /score/stream HTTP/1.1"), in_chunks(INNER), [501]),
    (head("Transfer-Encoding: xchunked", SIZE), INNER, [400]),
    (head("Transfer-Encoding:\x0bchunked"), in_chunks(INNER), [400]),
    (head("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), in_chunks(INNER), [400]),
    (head("X: y\r\n z", SIZE), INNER, [400]),
    (head("X: y\nContent-Length: 0", SIZE), INNER, [400]),
    (head("X: y\0", SIZE), INNER, [400]),
    (head(first="CONNECT a:1 HTTP/1.1"), INNER, [400]),
    (head(SIZE, first="CONNECT example.com:443 HTTP/1.1"), INNER, [400]),
    (head(SIZE, first="CONNECT /score HTTP/1.1"), INNER, [400]),
    (head(first="GET http:///healthz HTTP/1.1"), b"", [400]),
    (head(first="GET http://a@b:99999/healthz HTTP/1.1"), b"", [400]),
    (head(SIZE, first="POST http://[::1/score HTTP/1.1"), INNER, [400]),
    (head(first="GET http://b/healthz HTTP/1.1"), b"", [200, 200]),
]


@pytest.mark.parametrize("together", [False, True], ids=["body later", "at once"])
def test_no_body_is_read_as_a_request(service: Service, together: bool) -> None:
    def answered(row: tuple[bytes, bytes, list[int]]) -> tuple[bytes, list[int]]:
        begin, body, _ = row
        answers = sent(service, *([begin + body + LAST] if together else [begin, body, LAST]))
        assert b'"ready"' not in answers
        return begin, statuses(answers)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answered, HEADS)) == [(begin, expected) for begin, _, expected in HEADS]


def test_what_an_upgrade_asks_for_is_answered_as_without_it_wherever_the_head_is_cut(service: Service) -> None:
    request = head(*H2C, f"Content-Length: {len(RECORD)}") + RECORD
    [plain, _] = re.findall(rb"\{.*\}", sent(service, head(f"Content-Length: {len(RECORD)}") + RECORD + LAST))
    whole = sent(service, *(request + request for _ in range(3)), LAST)
    assert statuses(whole) == [200] * 7
    assert re.findall(rb"\{.*\}", whole)[:6] == [plain] * 6
    for cut in range(1, len(request), 17):
        assert statuses(sent(service, request[:cut], request[cut:] + LAST, pause=0.002)) == [200, 200]


@pytest.mark.parametrize(
    "line", [b"X-%07d: " + b"a" * 8000 + b"\r\n", b"a" * 8000, b"x" * 10 + b":y\r\n"], ids=["fields", "one", "short"]
)
def test_a_head_without_an_end_is_refused(service: Service, line: bytes) -> None:
    before = service.memory_mb()
    with connect(service) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
        answer = b""
        try:
            for number in range(20_000_000 // len(line)):
                connection.sendall(line % number if b"%" in line else line)
        except (BrokenPipeError, ConnectionResetError):
            pass
        with suppress(OSError):
            answer = all_of(connection)
    assert statuses(answer) in ([431], [])  # the answer may be lost where the client still sends after a while
    assert service.memory_mb() < before + 60


@pytest.mark.parametrize("cut", [0, 1, 20_000, 60_000])
def test_a_head_is_measured_to_the_byte(service: Service, cut: int) -> None:
    def request(size: int) -> bytes:
        least = len("/score") + sum(len(field) for field in ("Host: ax", "Content-Length: 1xx", "X: xx")) + 3
        return b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nX: %b\r\n\r\n1" % (b"a" * (size - least))

    small = request(BUDGET.head_bytes - 40) * 2 + LAST
    assert statuses(sent(service, small[:cut], small[cut:])) == [422, 422, 200]
    large = request(BUDGET.head_bytes + 40)
    answer = sent(service, large[:cut], large[cut:])
    assert statuses(answer) == [431]
    assert b"65,536" in answer
    assert b"connection: close" in answer.lower()


def test_the_fields_of_a_head_are_counted(service: Service) -> None:
    def request(fields: int) -> bytes:
        return head(*["a:"] * (fields - 3), SIZE) + INNER

    assert statuses(sent(service, request(BUDGET.head_fields) * 2 + LAST)) == [400, 400, 200]
    for refused in (request(BUDGET.head_fields + 1), request(10_000), request(10_000)[:2000]):
        answer = sent(service, refused)
        assert statuses(answer) == [431]
        assert b"200 fields" in answer


def test_answers_to_the_requests_before_a_refused_head_are_sent_first(service: Service) -> None:
    large = head(f"Content-Length: {len(RECORD)}") + RECORD
    assert statuses(sent(service, large * 3 + b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)) == [200, 200, 200, 431]
    assert statuses(sent(service, large * 3 + b"NO HTTP\r\n\r\n")) == [200, 200, 200, 400]
    assert statuses(sent(service, large * 3 + head(CHUNKED) + b"zz\r\n")) == [200, 200, 200, 400]


def test_trailer_fields_are_no_header_fields_and_have_an_end(service: Service) -> None:
    request = head(CHUNKED) + b"%x\r\n%b\r\n0\r\n" % (len(RECORD), RECORD)
    assert statuses(sent(service, request + b"X: y\r\n\r\n" + LAST)) == [200, 200]
    assert statuses(sent(service, request + b"X: %b\r\n" % (b"y" * 8000) * 20))[-1:] in ([431], [])


def test_a_connection_that_sends_faster_than_it_is_answered_is_read_no_faster(service: Service) -> None:
    before = service.memory_mb()
    piece = (b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}') * 200
    size, until = 0, time.monotonic() + 0.7
    with connect(service) as connection:
        connection.setblocking(False)
        while time.monotonic() < until:
            try:
                size += connection.send(piece[size % len(piece) :])
                connection.recv(1 << 20)
            except BlockingIOError:
                time.sleep(0.001)
        assert service.client.get("/healthz").status_code == 200
    assert service.memory_mb() < before + 60


def test_thousands_of_requests_at_once_on_one_connection_are_all_answered(service: Service) -> None:
    ways = [INNER, head(f"Content-Length: {len(RECORD)}") + RECORD, head(*H2C, SIZE) + INNER]
    requests: Any = b"".join(ways * 150)
    assert statuses(sent(service, requests + LAST, pause=0)) == [200, 200, 400] * 150 + [200]


REFUSED: dict[str, tuple[bytes, int]] = {
    "a long head": (head("X: " + "a" * 3_000_000), 431),
    "a long head and a body": (head("X: " + "a" * 100_000, "Content-Length: 3000000") + b"1" * 3_000_000, 431),
    "many fields": (head(*["a:"] * 500_000), 431),
    "no length": (head("Content-Length: +3000000") + b"x" * 3_000_000, 400),
    "no chunk": (head(CHUNKED) + b"zz\r\n" + b"x" * 3_000_000, 400),
    "a tunnel": (head(first="CONNECT a:1 HTTP/1.1") + b"x" * 3_000_000, 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_client_that_sends_on_gets_the_refusal_and_no_reset(service: Service, name: str) -> None:
    content, status = REFUSED[name]
    with connect(service) as connection:
        connection.sendall(content)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    assert statuses(answer) == [status]


def test_a_request_whose_body_cannot_be_read_on_ends_with_the_refusal(caplog: pytest.LogCaptureFixture) -> None:
    with wired(sample_detector()) as wire, wire.connect() as connection:
        connection.sendall(head(CHUNKED) + b"1\r\n[\r\n")
        while not wire.server.server_state.tasks:
            time.sleep(0.002)
        connection.sendall(b"zz\r\n" + b"x" * 100_000)
        assert answer_from(connection)[0] == 400
        assert connection.recv(1) == b""
        while wire.server.server_state.tasks:
            time.sleep(0.002)
    assert "Traceback" not in caplog.text


def test_a_client_that_sends_on_for_ever_is_left(service: Service) -> None:
    with connect(service) as connection, pytest.raises(ConnectionError):
        connection.sendall(b"NO HTTP\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.01)


SMALL = head(f"Content-Length: {len(RECORD)}") + RECORD
THREAD = b"[" + b",".join([RECORD] * 500) + b"]"
LARGE = head(f"Content-Length: {len(THREAD)}") + THREAD
HALF: dict[str, tuple[bytes, list[int]]] = {
    "a small one": (SMALL, [200]),
    "one of the routes": (b"GET /detector HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    "a large one": (LARGE, [200]),
    "several": (SMALL + LARGE + INNER + SMALL, [200] * 4),
    "many": (SMALL * 200, [200] * 200),
    "part of another": (LARGE + SMALL[:-1], [200]),
    "no HTTP": (SMALL + LARGE + b"NO HTTP\r\n\r\n", [200, 200, 400]),
    "a part": (SMALL[:-1], []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", HALF)
def test_a_client_that_ends_its_side_gets_all_answers(service: Service, name: str) -> None:
    content, expected = HALF[name]
    with connect(service) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(all_of(connection)) == expected


def packets_with_data(connection: socket.socket) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int.from_bytes(info[152:156], sys.byteorder)  # tcpi_data_segs_in


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO has other fields elsewhere")
def test_a_whole_answer_is_one_packet(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(b"GET /detector HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = all_of(connection)
        assert statuses(answer) == [200]
        assert packets_with_data(connection) == 1


def test_the_answer_to_head_is_sent_though_it_has_no_body(service: Service) -> None:
    first = b"HEAD /detector HTTP/1.1\r\nHost: a\r\n\r\n"
    answers = sent(service, first, first + LAST)
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"\r\n\r\n") == 3
    assert answers.endswith(b'{"status":"ok"}')
