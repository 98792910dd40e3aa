"""The open loop: requests leave when they are due, and what a server keeps waiting counts from then."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving.load import Load
from benchmarks.serving.open_loop import OpenLoad, due_times, open_loop, open_loop_beside
from benchmarks.serving.request import Request

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs epoll")

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
STALL = 0.4


@contextmanager
def server(answer: Callable[[int], bytes]) -> Iterator[int]:
    """Answer requests one after the other on all connections; `answer` is told the request's number, and may wait."""
    turn, count = threading.Lock(), iter(range(10**9))

    def serve(connection: socket.socket) -> None:
        with connection:
            received = b""
            while piece := connection.recv(65_536):
                received += piece
                while b"{}" in received:  # the body, which no header has
                    _, _, received = received.partition(b"{}")
                    with turn:
                        connection.sendall(answer(next(count)))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def answers(content: bytes, *, stalls_at: int | None = None) -> Callable[[int], bytes]:
    def answer(number: int) -> bytes:
        if number == stalls_at:
            time.sleep(STALL)
        return content

    return answer


@given(rate=st.floats(1.0, 1e5), seconds=st.floats(0.01, 3.0), seed=st.integers(0, 2**32 - 1))
def test_times_are_fixed_in_advance_ascending_and_at_least_twenty(rate: float, seconds: float, seed: int) -> None:
    due = due_times(rate, seconds, seed=seed)
    assert len(due) == max(round(rate * seconds), 20)
    assert (np.diff(due) >= 0).all()
    np.testing.assert_array_equal(due, due_times(rate, seconds, seed=seed))


def test_times_are_so_many_a_second() -> None:
    assert due_times(1_000.0, 20.0)[-1] == pytest.approx(20.0, rel=0.05)


@pytest.mark.parametrize("content", [PLAIN, CHUNKED], ids=["whole", "chunked"])
def test_every_request_is_answered(content: bytes) -> None:
    with server(answers(content)) as port:
        found = open_loop(port, Request(body=b"{}"), due=due_times(500, 0.2), connections=4)
    assert found.load.requests == 100
    assert 0 < found.load.p50 <= found.load.p99 <= found.load.p999


@pytest.mark.parametrize("connections", [1, 4])
def test_what_came_while_the_server_stalled_counts_from_when_it_was_due(connections: int) -> None:
    due = np.arange(100) / 200.0  # half a second; the stall is over most of it
    with server(answers(PLAIN, stalls_at=10)) as port:
        found = open_loop(port, Request(body=b"{}"), due=due, connections=connections)
    # Of the 80 requests that were due in the stall, the one in the middle waited for half of it. A loop that sends when
    # it is answered would tell of `connections` slow requests, and of a median without any wait.
    assert found.load.p99 > 1e3 * STALL * 0.9
    assert found.load.p50 > 1e3 * STALL * 0.2
    assert found.behind < 1e3 * STALL * 0.2  # this was the server, not the generator


def test_an_answer_that_is_not_200_is_an_error_with_what_it_said() -> None:
    refused = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 4\r\n\r\nnope"
    with (
        server(answers(refused)) as port,
        pytest.raises(RuntimeError, match="422 Unprocessable: b'nope'"),
    ):
        open_loop(port, Request(body=b"{}"), due=due_times(100, 0.1), connections=1)


def test_a_generator_that_is_late_beside_what_it_tells_did_not_keep_up() -> None:
    load = Load(requests=100, seconds=1.0, p50=1.0, p99=2.0, p999=3.0)
    assert OpenLoad(load=load, offered=100.0, behind=0.1).kept_up
    assert not OpenLoad(load=load, offered=100.0, behind=1.0).kept_up


def test_it_runs_on_a_cpu_of_its_own_and_sends_what_it_is_told() -> None:
    cpu = max(os.sched_getaffinity(0))
    with server(answers(PLAIN)) as port:
        found = open_loop_beside(port, Request(body=b"{}"), rate=200, connections=2, seconds=1, cpu=cpu)
    assert found.load.requests == 200
    assert found.offered == pytest.approx(200, rel=0.3)


def test_its_program_says_why_it_ended() -> None:
    asked = {"wanted": {}, "sent": {"body": "{}"}}
    command = [sys.executable, "-m", "benchmarks.serving.open_loop"]
    ended = subprocess.run(command, input=json.dumps(asked), text=True, capture_output=True, check=False)
    assert ended.returncode == 1


def test_a_connection_that_was_idle_and_is_closed_is_opened_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(40):
                connection, _ = listening.accept()
                with connection:  # one answer a connection, then it is closed
                    if connection.recv(65_536):
                        connection.sendall(PLAIN)

        threading.Thread(target=serve, daemon=True).start()
        due = np.arange(1, 21) * 0.02
        found = open_loop(listening.getsockname()[1], Request(body=b"{}"), due=due, connections=1)
    assert found.load.requests == 20
