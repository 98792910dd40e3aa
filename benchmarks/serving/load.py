"""Closed-loop load by wrk: each connection sends its next request when the last one is answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.serving.request import Request
from models.errors import ConfigError

_SCRIPT: Final = """\
wrk.method = "POST"
wrk.path = os.getenv("BENCHMARK_PATH")
wrk.body = io.open(os.getenv("BENCHMARK_BODY"), "rb"):read("*a")
function done(summary, latency, requests)
  io.write(string.format(
    '\\n@{"requests": %d, "microseconds": %d, "bad": %d, "broken": %d, "p50": %d, "p99": %d, "p999": %d}\\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Answers of a server under load.

    Args:
        requests: Number of answered requests.
        seconds: Duration.
        p50: Latency in ms, median.
        p99: Latency in ms, 99th percentile.
        p999: Latency in ms, 99.9th percentile.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    p999: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def require_wrk() -> None:
    """Find the load generator.

    Raises:
        ConfigError: It is not installed.
    """
    if shutil.which("wrk") is None:
        raise ConfigError("The load comes from wrk, which is not installed. On Debian and Ubuntu: apt install wrk.")


def closed_loop(port: int, request: Request, *, connections: int, seconds: int, cpu: int, folder: Path) -> Load:
    """Send requests in a closed loop.

    Args:
        port: Port of the server, on this machine.
        request: The request.
        connections: Number of connections.
        seconds: Duration.
        cpu: CPU of the load generator.
        folder: Folder for the generator's script and the body.

    Raises:
        RuntimeError: An answer was not 200, or a connection broke.
    """
    script, sent = folder / "post.lua", folder / "body"
    headers = (f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in request.headers.items())
    script.write_text("\n".join([*headers, _SCRIPT]))
    sent.write_bytes(request.body)
    ended = subprocess.run(
        [
            *("taskset", "--cpu-list", str(cpu)),
            *("wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"),
            *("--timeout", "120s", "--script", str(script), f"{request.scheme}://127.0.0.1:{port}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "BENCHMARK_BODY": str(sent), "BENCHMARK_PATH": request.path},
    )
    if ended.returncode:
        raise RuntimeError(f"wrk ended: {ended.stderr or ended.stdout}")
    said = ended.stdout
    found = json.loads(said.rpartition("\n@")[2])
    if found["bad"] or found["broken"]:
        raise RuntimeError(f"{found['bad']} answers were not 200, {found['broken']} connections broke: {said}")
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        p999=found["p999"] / 1e3,
    )
