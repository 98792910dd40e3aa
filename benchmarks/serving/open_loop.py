"""Open-loop load: requests are sent at times fixed in advance, whether or not earlier ones are answered.

Latency counts from when a request was due, so that a stall counts for all requests that arrive meanwhile, not only for
the one that each connection waits for (coordinated omission). Linux.

    python -m benchmarks.serving.open_loop < JSON

puts load on a server and prints the results; `open_loop_beside` starts that on a CPU.
"""

from __future__ import annotations

import gc
import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.load import Load
from benchmarks.serving.request import Request

_MOST_SECONDS: Final = 60.0
_LEAST_REQUESTS: Final = 20
_LATE_SHARE: Final = 0.1
_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoad:
    """Answers of a server under open-loop load.

    Args:
        load: Answers, with latencies from when a request was due.
        offered: Requests a second that were due.
        behind: Delay of the generator in ms, 99th percentile: from when a request was due and a connection free to when
            it was sent.
    """

    load: Load
    offered: float
    behind: float

    @property
    def kept_up(self) -> bool:
        """Whether the generator was in time: its delay is small against the latencies."""
        return self.behind <= _LATE_SHARE * self.load.p99


def due_times(rate: float, seconds: float, *, seed: int = 0) -> NDArray[np.float64]:
    """Return the times in seconds at which requests are due, a Poisson process of a mean rate."""
    many = max(round(rate * seconds), _LEAST_REQUESTS)
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, many))


def open_loop_beside(
    port: int, request: Request, *, rate: float, connections: int, seconds: float, cpu: int, seed: int = 0
) -> OpenLoad:
    """Put load on a server from a process on a CPU of its own.

    Args:
        port: Port of the server, on this machine.
        request: The request; its body is text.
        rate: Requests a second.
        connections: Number of connections; a due request waits for a free one.
        seconds: Duration.
        cpu: CPU of the load generator.
        seed: Seed of the times at which requests are due.
    """
    wanted = {"rate": rate, "connections": connections, "seconds": seconds, "seed": seed, "port": port}
    sent = {"path": request.path, "headers": dict(request.headers), "body": request.body.decode()}
    ended = subprocess.run(
        ["taskset", "--cpu-list", str(cpu), sys.executable, "-m", "benchmarks.serving.open_loop"],
        input=json.dumps({"wanted": wanted, "sent": sent}),
        check=False,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise RuntimeError(f"the open loop ended: {ended.stderr[-2000:]}")
    found = json.loads(ended.stdout)
    return OpenLoad(load=Load(**found.pop("load")), **found)


def open_loop(port: int, request: Request, *, due: NDArray[np.float64], connections: int) -> OpenLoad:
    """Put load on a server.

    Args:
        port: Port of the server, on this machine.
        request: The request.
        due: Time at which each request is due `(n,)`, seconds from the start, ascending.
        connections: Number of connections.

    Raises:
        RuntimeError: An answer was not 200, a connection broke, or answers did not come in time.
    """
    answers = timed(port, [request], due=due, connections=connections)
    if answers.complaint:
        raise RuntimeError(answers.complaint)
    took, behind = answers.took, answers.behind
    p50, p99, p999 = (float(1e3 * item) for item in np.percentile(took, [50, 99, 99.9]))
    seconds = float(np.max(due + took))
    return OpenLoad(
        load=Load(requests=len(due), seconds=seconds, p50=p50, p99=p99, p999=p999),
        offered=len(due) / float(due[-1]),
        behind=float(1e3 * np.percentile(behind, 99)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers to n requests.

    Args:
        took: Seconds from when each was due to its answer `(n,)`.
        behind: Delay of the generator in seconds `(n,)`.
        status: Status of each answer `(n,)`.
        complaint: Body of the first answer with a status other than 200; empty without one.
    """

    took: NDArray[np.float64]
    behind: NDArray[np.float64]
    status: NDArray[np.int64]
    complaint: str


def timed(port: int, requests: Sequence[Request], *, due: NDArray[np.float64], connections: int) -> Answers:
    """Send requests, one after the other of those given, when they are due.

    Raises:
        RuntimeError: A connection broke, or answers did not come in time.
    """
    lanes = [_Lane(port) for _ in range(connections)]
    try:
        return _timed(lanes, [request.message(port) for request in requests], due.tolist())
    finally:
        for lane in lanes:
            lane.close()


def _timed(lanes: Sequence[_Lane], messages: Sequence[bytes], due: Sequence[float]) -> Answers:
    """Send every request when it is due."""
    took, behind, status = np.zeros(len(due)), np.zeros(len(due)), np.zeros(len(due), np.int64)
    by_number = {lane.number(): lane for lane in lanes}
    free = deque(lanes)
    sent = answered = 0
    complaint = ""
    began = time.perf_counter()
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        while answered < len(due):
            now = time.perf_counter() - began
            while free and sent < len(due) and due[sent] <= now:
                lane = free.popleft()
                lane.send(messages[sent % len(messages)], sent)
                behind[sent] = now - max(due[sent], lane.free_since)
                sent += 1
                now = time.perf_counter() - began
            for number, _ in poll.poll(0):  # busy waiting on a CPU of its own: sleeping would cost up to a millisecond
                lane = by_number[number]
                if lane.request < 0:  # a server closes idle connections
                    poll.unregister(number)
                    lane.reopen()
                    del by_number[number]
                    by_number[lane.number()] = lane
                    poll.register(lane.number(), select.EPOLLIN)
                elif answer := lane.answered():
                    lane.free_since = time.perf_counter() - began
                    took[lane.request] = lane.free_since - due[lane.request]
                    status[lane.request] = int(answer[:3])
                    complaint = complaint or (answer if not answer.startswith("200") else "")
                    lane.request = -1
                    free.append(lane)
                    answered += 1
            if now > due[-1] + _MOST_SECONDS:
                raise RuntimeError(f"{len(due) - answered} answers did not come within {_MOST_SECONDS:.0f} s.")
    return Answers(took=took, behind=behind, status=status, complaint=complaint)


class _Lane:
    """A connection with at most one request in flight."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()
        self.request = -1
        self.free_since = 0.0

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_MOST_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def reopen(self) -> None:
        self.close()
        self._connect()

    def number(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, message: bytes, request: int) -> None:
        self._socket.sendall(message)
        self.request = request

    def answered(self) -> str:
        """Read received bytes; return the status line and, of an error, the body; None until the answer is complete."""
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise RuntimeError("the server closed a connection.")
        self._received += piece
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or not _whole(head.lower(), body):
            return ""
        self._received = b""
        status = head.partition(b"\r\n")[0].partition(b" ")[2].decode()
        return status if status.startswith("200") else f"{status}: {body[:2000]!r}"


def _whole(head: bytes, body: bytes) -> bool:
    _, name, rest = head.partition(b"\r\ncontent-length:")
    if name:
        return len(body) >= int(rest.partition(b"\r\n")[0])
    return body.endswith(b"0\r\n\r\n")  # chunked: the last chunk is empty


def _main() -> None:
    asked = json.loads(sys.stdin.read())
    wanted, sent = asked["wanted"], asked["sent"]
    request = Request(body=sent.pop("body").encode(), **sent)
    gc.disable()
    due = due_times(wanted["rate"], wanted["seconds"], seed=wanted["seed"])
    found = open_loop(wanted["port"], request, due=due, connections=wanted["connections"])
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    _main()
