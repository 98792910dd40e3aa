"""Open-loop load whose rate changes from phase to phase, with the server's memory. Linux.

    python -m benchmarks.serving.phases FILE < JSON

puts the load on a server and writes the result of each request; `phases_beside` starts that on a CPU.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.open_loop import due_times, timed
from benchmarks.serving.request import Request
from benchmarks.serving.server import Server

_SAMPLE_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase with a fixed rate of requests.

    Args:
        name: Its name.
        rate: Requests a second.
        seconds: Duration.
    """

    name: str
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Answers to n requests, and the memory of the server.

    Args:
        due: Time at which each was due `(n,)`, seconds from the start.
        took: Seconds from then to its answer `(n,)`.
        status: Status of its answer `(n,)`.
        behind: Delay of the generator in seconds `(n,)`.
        memory: Time and megabytes of each reading `(m, 2)`.
    """

    due: NDArray[np.float64]
    took: NDArray[np.float64]
    status: NDArray[np.int64]
    behind: NDArray[np.float64]
    memory: NDArray[np.float64]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Mask of the requests answered with 200 `(n,)`."""
        return np.asarray(self.status == HTTPStatus.OK)

    @property
    def refused(self) -> NDArray[np.bool_]:
        """Mask of the requests refused by load shedding `(n,)`."""
        return np.asarray(self.status == HTTPStatus.SERVICE_UNAVAILABLE)

    def within(self, start: float, stop: float) -> NDArray[np.bool_]:
        """Return the mask of the requests due in an interval `(n,)`."""
        return np.asarray((self.due >= start) & (self.due < stop))


def phases_beside(
    server: Server, requests: Sequence[Request], phases: Sequence[Phase], *, connections: int, cpu: int
) -> Course:
    """Put load on a server from a process on a CPU of its own.

    Args:
        server: A running server.
        requests: The requests, sent in turn; their bodies are text.
        phases: The phases, in order.
        connections: Number of connections; a due request waits for a free one.
        cpu: CPU of the load generator.

    Raises:
        RuntimeError: A connection broke, or answers did not come in time.
    """
    sent = [{**asdict(request), "body": request.body.decode()} for request in requests]
    wanted = {"port": server.port, "phases": [asdict(phase) for phase in phases], "connections": connections}
    command = ["taskset", "--cpu-list", str(cpu), sys.executable, "-m", "benchmarks.serving.phases"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "course.npz"
        asked, said = Path(folder) / "asked.json", Path(folder) / "said"
        asked.write_text(json.dumps({"wanted": wanted, "sent": sent}))
        memory = []
        with (
            asked.open() as given,
            said.open("w") as complaints,
            subprocess.Popen([*command, str(file)], stdin=given, stderr=complaints) as load,
        ):
            began = time.perf_counter()
            while load.poll() is None:
                memory.append((time.perf_counter() - began, server.resident_mb()))
                time.sleep(_SAMPLE_SECONDS)
        if load.returncode:
            raise RuntimeError(f"the load ended: {said.read_text()[-2000:]}")
        with np.load(file) as arrays:
            return Course(**arrays, memory=np.array(memory))


def due_in(phases: Sequence[Phase]) -> NDArray[np.float64]:
    """Return the times at which requests are due, phase by phase, a Poisson process in each."""
    start, times = 0.0, []
    for seed, phase in enumerate(phases):
        due = due_times(phase.rate, phase.seconds, seed=seed)
        times.append(start + due[due < phase.seconds])
        start += phase.seconds
    return np.concatenate(times)


def _main() -> None:
    asked = json.loads(sys.stdin.read())
    wanted = asked["wanted"]
    requests = [Request(**{**item, "body": item["body"].encode()}) for item in asked["sent"]]
    due = due_in([Phase(**phase) for phase in wanted["phases"]])
    gc.disable()
    found = timed(wanted["port"], requests, due=due, connections=wanted["connections"])
    np.savez(sys.argv[1], due=due, took=found.took, status=found.status, behind=found.behind)


if __name__ == "__main__":
    _main()
