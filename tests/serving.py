"""A real service on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

if sys.platform == "linux":
    import fcntl

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Service:
    """A running process, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def memory_mb(self) -> float:
        """Resident memory."""
        return self._of_status("VmRSS")

    def peak_mb(self) -> float:
        """Largest resident memory so far."""
        return self._of_status("VmHWM")

    def _of_status(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) / 1000


Start = Callable[..., AbstractContextManager[Service]]


@contextmanager
def running(bundle: Path | str, *flags: str, **environment: str) -> Iterator[Service]:
    command = [sys.executable, "-m", "service", "--detector", str(bundle), "--port", "0", *flags]
    env = os.environ | environment
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        if sys.platform == "linux":
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 1 << 20)  # a service whose log is full answers nobody
        log = ""
        while "running on" not in log:
            line = process.stderr.readline()
            log += line
            if not line:
                pytest.fail(f"the service did not start: {log}")
        address = log.split("running on ")[1].split(" ")[0]
        try:
            with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
                yield Service(process, client)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def start() -> Start:
    """Start a service of one's own, for a test that needs other settings or stops it."""
    return running


@pytest.fixture(scope="session", params=[True, False], ids=["fast path on", "fast path off"])
def fast_path(request: pytest.FixtureRequest) -> bool:
    """Whether small requests are answered by the protocol: what is asked over HTTP is asked both ways."""
    on: bool = request.param
    return on


@pytest.fixture(scope="session")
def service(bundle_path: Path, fast_path: bool) -> Iterator[Service]:
    """The service of the trained detector; it refuses nothing because its machine is slow."""
    with running(bundle_path, "--fast-path" if fast_path else "--no-fast-path", "--max-wait-seconds", "60") as service:
        reader = threading.Thread(target=lambda: [None for _ in service.process.stderr or ()], daemon=True)
        reader.start()
        yield service
        service.process.kill()
        reader.join(60)


@pytest.fixture
def client(service: Service) -> httpx.Client:
    """A client of that service."""
    return service.client
