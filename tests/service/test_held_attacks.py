"""What attackers tried on connections and did not hold the service: idle ones, resets, no descriptors left."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from samples import machine_records
from serving import Service, Start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted on Linux only")

RECORD = json.dumps(machine_records(1, seed=7)[0]).encode()
LARGE = json.dumps([machine_records(1, seed=7)[0]] * 20_000).encode()
HEAD_OF_LARGE = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LARGE)
PLACES = {
    "nothing": b"",
    "half a line": b"POST /sc",
    "half a head": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Le",
    "a head": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
    "half a body": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + RECORD[:50],
    "half a large body": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LARGE)
    + LARGE[:100_000],
    "half a chunk": b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
    "half a stream": b"POST /score/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    b"Content-Length: 9000\r\n\r\n" + RECORD + b"\n{",
}
ROUNDS = 25


@pytest.fixture(scope="module")
def attacked(bundle_path: Path, start: Start) -> Iterator[Service]:
    with start(bundle_path, "--body-seconds", "60") as service:
        yield service
        service.process.terminate()
        assert service.process.stderr is not None
        assert "Traceback" not in service.process.stderr.read()


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=20)


def reset(connection: socket.socket) -> None:
    """Close a connection by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def descriptors(service: Service) -> int:
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def answers(service: Service) -> None:
    assert service.client.post("/score", content=RECORD).status_code == 200
    assert service.client.get("/healthz").status_code == 200


def test_idle_connections_at_any_place_hold_up_nobody_and_leave_nothing(attacked: Service) -> None:
    answers(attacked)
    before, light = descriptors(attacked), attacked.memory_mb()
    with ExitStack() as opened:
        for _ in range(ROUNDS):
            for place in PLACES.values():
                opened.enter_context(connect(attacked)).sendall(place)
        wait_for(lambda: descriptors(attacked) == before + ROUNDS * len(PLACES))
        answers(attacked)
        assert attacked.memory_mb() < light + 60  # of a body no more is held than has come
    wait_for(lambda: descriptors(attacked) == before)
    answers(attacked)


@pytest.mark.parametrize("place", PLACES)
def test_connections_that_are_reset_leave_nothing(attacked: Service, place: str) -> None:
    answers(attacked)
    before = descriptors(attacked)
    for _ in range(ROUNDS):
        connection = connect(attacked)
        connection.sendall(PLACES[place])
        reset(connection)
    wait_for(lambda: descriptors(attacked) == before)
    answers(attacked)


def test_connections_that_are_reset_while_they_are_answered_leave_nothing(attacked: Service) -> None:
    answers(attacked)
    before = descriptors(attacked)
    for _ in range(4):
        connection = connect(attacked)
        connection.sendall(HEAD_OF_LARGE + LARGE)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")  # megabytes of it are still to come
        reset(connection)
        connection = connect(attacked)
        connection.sendall(HEAD_OF_LARGE + LARGE)
        reset(connection)  # while it is scored
    wait_for(lambda: descriptors(attacked) == before)
    answers(attacked)


def test_a_service_without_descriptors_is_well_again_when_clients_leave(bundle_path: Path, start: Start) -> None:
    import resource  # Linux only

    with start(bundle_path) as service:
        answers(service)
        most = descriptors(service) + 20
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (most, most))
        with ExitStack() as opened:
            for _ in range(60):
                with suppress(ConnectionError):
                    opened.enter_context(connect(service)).sendall(b"GET /healthz HTTP/1.1\r\n")
            wait_for(lambda: descriptors(service) >= most - 2)
            answers(service)  # on a connection that was there before
        wait_for(lambda: descriptors(service) < most - 10)
        with connect(service) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
