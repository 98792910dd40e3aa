"""A server in a process of its own, pinned to CPUs, with its start time, CPU time and memory. Linux."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
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
_AS_INSTALLED: Final = {
    "PYTHONDONTWRITEBYTECODE": ""
}  # byte code is compiled once, as in an installation, not at every start


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, with its child processes.

    Args:
        pid: Its first process.
        port: Its port.
        start_seconds: Seconds from its start to its first answer.
        answer: Body of that answer.
    """

    pid: int
    port: int
    start_seconds: float
    answer: bytes

    def cpu_seconds(self) -> float:
        """Return its CPU time, with that of ended child processes."""
        fields = [_fields(pid) for pid in family(self.pid)]
        return sum(sum(map(int, item[11:15])) for item in fields if item) / _TICKS

    def settle(self) -> None:
        """Wait until it is idle: a slow server still has abandoned requests, on the CPU of the next one."""
        before = self.cpu_seconds()
        deadline = time.perf_counter() + _MOST_SECONDS
        while time.perf_counter() < deadline:
            time.sleep(_REST_SECONDS)
            now = self.cpu_seconds()
            if now - before < _REST_SECONDS / 10:
                return
            before = now

    def resident_mb(self) -> float:
        """Return its resident memory; shared memory counts for each of its processes."""
        return sum(map(_resident_mb, family(self.pid)))


@contextmanager
def started(
    command: Sequence[str], port: int, *, request: Request, cpu: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server, wait for its first answer, and end it after the block.

    Args:
        command: The start command.
        port: Its port.
        request: A request that it answers with 200 when it is ready.
        cpu: Its CPU.
        environment: Further environment variables.

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
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*"):
        if fields := _fields(int(path.name)):
            children[int(fields[1])].append(int(path.name))
    found = [pid]
    for item in found:  # grows meanwhile
        found += children[item]
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its descendants."""
    others = {pid: _begun(pid) for pid in family(process.pid)[1:]}
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    for pid, begun in others.items():
        if begun is not None and _begun(pid) == begun:  # the pid may have been reused
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _fields(pid: int) -> list[str]:
    """Return the fields of a process in /proc, from its state on; empty where it has ended."""
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
    """Return the body of the answer; None until the server is ready."""
    connection = _connection(port, request.scheme)
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


def _connection(port: int, scheme: str) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_MOST_SECONDS)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=_MOST_SECONDS, context=trusting)


_NOT_READY: Final = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.SERVICE_UNAVAILABLE)
