"""A server in a process of its own, on CPUs of its own, and what it takes: time to start, CPU time, memory. Linux."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST_SECONDS: Final = 120.0
_REST_SECONDS: Final = 0.3
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers.

    Args:
        pid: Its process.
        port: Where it listens.
        start_seconds: From its start to its first answer.
    """

    pid: int
    port: int
    start_seconds: float

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def settle(self) -> None:
        """Wait until it works no more: a slow one still has requests that nobody waits for, on the CPU of the next."""
        before = self.cpu_seconds()
        deadline = time.perf_counter() + _MOST_SECONDS
        while time.perf_counter() < deadline:
            time.sleep(_REST_SECONDS)
            now = self.cpu_seconds()
            if now - before < _REST_SECONDS / 10:
                return
            before = now

    def resident_mb(self) -> float:
        """Return the memory that it holds."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return float("nan")


@contextmanager
def started(command: Sequence[str], port: int, *, body: bytes, path: str = "/score", cpu: int) -> Iterator[Server]:
    """Start a server, wait for its first answer, and end it behind the block.

    Args:
        command: What starts it.
        port: Where it will listen.
        body: A request that it answers with 200.
        path: Where it is posted.
        cpu: Where it runs.

    Raises:
        RuntimeError: It ended, answered with another status, or did not answer in time.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        ["taskset", "--cpu-list", str(cpu), *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ) as process:
        try:
            while not _answers(port, path, body):
                if process.poll() is not None:
                    said = process.stderr.read().decode(errors="replace") if process.stderr else ""
                    raise RuntimeError(f"{' '.join(command)} ended: {said[-2000:]}")
                if time.perf_counter() - began > _MOST_SECONDS:
                    raise RuntimeError(f"{' '.join(command)} did not answer within {_MOST_SECONDS:.0f} s.")
                time.sleep(0.01)
            yield Server(pid=process.pid, port=port, start_seconds=time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, path: str, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_MOST_SECONDS)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
    except OSError:
        return False
    else:
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the first answer is {answer.status}: {answer.read()[:2000]!r}")
        return True
    finally:
        connection.close()
