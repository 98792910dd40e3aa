"""What can be seen on a connection alone: slow bodies, wrong lengths, a client that waits to be asked."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from in_process import problem
from samples import machine_records
from serving import Start

from service.app import create_app, load_settings
from service.registry import Registry

RECORD = json.dumps(machine_records(1, seed=7)[0]).encode()
BODY_SECONDS = 1.0


@pytest.fixture(scope="module")
def strict_service(bundle_path: Path, start: Any, fast_path: bool) -> Iterator[Any]:
    with start(
        bundle_path,
        "--fast-path" if fast_path else "--no-fast-path",
        "--body-seconds",
        str(BODY_SECONDS),
        "--max-body-bytes",
        "5000",
    ) as service:
        yield service


def connect(service: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=10)


def head(*lines: str, length: int | str = len(RECORD)) -> bytes:
    named = ["POST /score HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {length}", *lines]
    return "\r\n".join([*named, "", ""]).encode()


def all_of(connection: socket.socket) -> bytes:
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    return answer


def test_a_body_that_takes_too_long_is_refused_and_its_connection_closed(strict_service: Any) -> None:
    with connect(strict_service) as connection:
        started = time.monotonic()
        connection.sendall(head())
        connection.settimeout(0.1)
        answer = b""
        for byte in RECORD:
            connection.sendall(bytes([byte]))
            try:
                answer = connection.recv(65_536)
                break
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert BODY_SECONDS <= time.monotonic() - started < BODY_SECONDS + 5
        connection.settimeout(10)
        answer += all_of(connection)  # until the connection is closed; its end may be lost, as more was on its way
        assert b"connection: close" in answer.lower()


def test_the_refusal_of_a_slow_body_names_the_setting(bundle_path: Path) -> None:
    app = create_app(Registry.open(bundle_path), load_settings(body_seconds=0.05))

    async def slow_body() -> AsyncIterator[bytes]:
        yield RECORD[:1]
        await asyncio.sleep(0.5)
        yield RECORD[1:]

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post("/score", content=slow_body(), headers={"Content-Type": "application/json"})

    answer = asyncio.run(send())
    assert answer.status_code == 408
    assert "DETECTOR_BODY_SECONDS" in answer.json()["detail"]


def test_many_slow_clients_do_not_hold_up_a_quick_one(strict_service: Any) -> None:
    waiting = [connect(strict_service) for _ in range(100)]
    try:
        for connection in waiting:
            connection.sendall(head() + RECORD[:10])
        started = time.monotonic()
        assert strict_service.client.post("/score", content=RECORD).status_code == 200
        assert strict_service.client.get("/healthz").status_code == 200
        assert time.monotonic() - started < BODY_SECONDS
        for connection in waiting:
            assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")
    finally:
        for connection in waiting:
            connection.close()


def test_two_hundred_bodies_that_come_byte_by_byte_do_not_hold_up_others(
    start: Start, bundle_path: Path, fast_path: bool
) -> None:
    flag = "--fast-path" if fast_path else "--no-fast-path"
    with start(bundle_path, flag, "--max-wait-seconds", "60") as service, ExitStack() as connections:
        slow = [connections.enter_context(connect(service)) for _ in range(200)]
        for connection in slow:
            connection.sendall(head())
        for index in range(3):
            for connection in slow:
                connection.sendall(RECORD[index : index + 1])
            for _ in range(20):
                assert service.client.post("/score", content=RECORD).status_code == 200
        for connection in slow:
            connection.sendall(RECORD[3:])
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_waits_for_100_is_asked_to_go_on_or_is_refused_at_once(strict_service: Any) -> None:
    with connect(strict_service) as connection:
        connection.sendall(head("Expect: 100-continue", "Connection: close"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(RECORD)
        assert b"HTTP/1.1 200 " in all_of(connection)
    with connect(strict_service) as connection:
        connection.sendall(head("Expect: 100-continue", length=5001))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "", "99999999999999999999999999"])
def test_a_length_that_is_none_or_too_large_is_refused(strict_service: Any, length: str) -> None:
    with connect(strict_service) as connection:
        connection.sendall(head("Connection: close", length=length) + RECORD)
        assert connection.recv(65_536)[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")


def test_a_client_that_leaves_in_the_middle_leaves_no_trace(strict_service: Any) -> None:
    for _ in range(20):
        with connect(strict_service) as connection:
            connection.sendall(head() + RECORD[:20])
    assert strict_service.client.post("/score", content=RECORD).status_code == 200


def test_a_body_in_chunks_without_a_length_is_bounded_too(strict_service: Any) -> None:
    lines = [b"POST /score HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", b"", b""]
    with connect(strict_service) as connection:
        connection.sendall(b"\r\n".join(lines))
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        for _ in range(5):
            connection.sendall(chunk)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_two_requests_on_one_connection_get_two_answers_in_order(strict_service: Any) -> None:
    with connect(strict_service) as connection, ThreadPoolExecutor(1) as pool:
        answers = pool.submit(all_of, connection)
        connection.sendall(head() + RECORD + head("Connection: close", length=2) + b"{}")
        first, second = answers.result().split(b"HTTP/1.1 ")[1:]
        assert (first[:3], second[:3]) == (b"200", b"422")


def test_large_requests_behind_one_that_has_waited_too_long_are_refused_at_once_and_later_answered(
    bundle_path: Path, start: Any
) -> None:
    large = json.dumps([json.loads(RECORD)] * 20_000).encode()
    with start(bundle_path, "--max-wait-seconds", "0.02") as service, ThreadPoolExecutor(24) as pool:

        def send(_: int) -> tuple[httpx.Response, float]:
            started = time.monotonic()
            answer = httpx.post(f"{service.client.base_url}/score", content=large, timeout=120, trust_env=False)
            return answer, time.monotonic() - started

        found = [answer for answer, _ in pool.map(send, range(24))]
        assert {answer.status_code for answer in found} == {200, 503}
        refused = next(answer for answer in found if answer.status_code == 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert "DETECTOR_MAX_WAIT_SECONDS" in problem(refused, 503)["detail"]
        assert service.client.get("/healthz").status_code == 200
        # So short a wait leaves 20 µs of CPU for the first one: on a busy machine it may take several.
        later = (service.client.post("/score", content=RECORD).status_code for _ in range(50))
        assert any(status == 200 for status in later)
        assert send(0)[0].status_code == 200
