"""A server in a process of its own, on CPUs of its own, and what it takes: time to start, CPU time, memory. Linux."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.serving.request import Request

_MOST_SECONDS: Final = 120.0
_REST_SECONDS: Final = 0.3
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_AS_INSTALLED: Final = {"PYTHONDONTWRITEBYTECODE": ""}  # compiled once, as what is installed is, not in every start


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers, with the processes that it started.

    Args:
        pid: Its first process.
        port: Where it listens.
        start_seconds: From its start to its first answer.
        answer: That answer's body.
    """

    pid: int
    port: int
    start_seconds: float
    answer: bytes

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has taken, that of processes that have ended included."""
        fields = [_fields(pid) for pid in family(self.pid)]
        return sum(sum(map(int, one[11:15])) for one in fields if one) / _TICKS

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
        """Return the memory that it holds; what several of its processes share counts once for each."""
        return sum(map(_resident_mb, family(self.pid)))


@contextmanager
def started(
    command: Sequence[str], port: int, *, request: Request, cpu: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server, wait for its first answer, and end it behind the block.

    Args:
        command: What starts it.
        port: Where it will listen.
        request: One that it answers with 200 when it is ready.
        cpu: Where it runs.
        environment: Variables beside ours.

    Raises:
        RuntimeError: It ended, refused the request, or did not answer in time.
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            ["taskset", "--cpu-list", str(cpu), *command],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **_AS_INSTALLED, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
        ) as process,
    ):
        try:
            while (answer := _answer(port, request)) is None:
                if process.poll() is not None:
                    errors.seek(0)
                    raise RuntimeError(f"it ended: {errors.read().decode(errors='replace')[-2000:]}")
                if time.perf_counter() - began > _MOST_SECONDS:
                    raise RuntimeError(f"it did not answer within {_MOST_SECONDS:.0f} s.")
                time.sleep(0.01)
            seconds = time.perf_counter() - began
            yield Server(pid=process.pid, port=port, start_seconds=seconds, answer=answer)
        finally:
            _end(process)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """Return a process and those that it started, and so on."""
    children: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*"):
        if fields := _fields(int(path.name)):
            children[int(fields[1])].append(int(path.name))
    found = [pid]
    for one in found:  # grows as it goes
        found += children[one]
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started."""
    others = {pid: _begun(pid) for pid in family(process.pid)[1:]}
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    for pid, begun in others.items():
        if begun is not None and _begun(pid) == begun:  # not another one that has got its number
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _fields(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _begun(pid: int) -> str | None:
    fields = _fields(pid)
    return fields[19] if fields else None


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def _answer(port: int, request: Request) -> bytes | None:
    """Return the answer's body; None where it is not ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_MOST_SECONDS)
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status in _NOT_READY:
        return None
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"the first answer is {answer.status}: {body[:2000]!r}")
    return body


_NOT_READY: Final = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.SERVICE_UNAVAILABLE)
