"""Measures the load time and the memory of an engine in a process of its own.

    python -m benchmarks.engines.alone NAME NETWORK WIDTH

Prints the seconds from before the engine's import to the first reconstruction, and the growth of the process in
megabytes since NumPy was imported. Linux.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.engines.engines import ENGINES

_WARM_ROWS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Load time and memory of an engine.

    Args:
        load_seconds: Seconds to the first reconstruction, import included.
        memory_mb: Memory beyond NumPy's, after a reconstruction of 1,024 rows.
    """

    load_seconds: float
    memory_mb: float


def alone(name: str, network: Path, width: int, *, cpu: int) -> Alone:
    """Measure in a process on a CPU of its own."""
    command = [sys.executable, "-m", "benchmarks.engines.alone", name, str(network), str(width)]
    said = subprocess.run(
        ["taskset", "--cpu-list", str(cpu), *command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return Alone(**json.loads(said.splitlines()[-1]))


def _measured(name: str, network: Path, width: int) -> Alone:
    before, began = _resident_mb(), time.perf_counter()
    run = ENGINES[name].load(network.read_bytes(), 1)
    run(np.zeros((1, width), np.float32))
    seconds = time.perf_counter() - began
    run(np.zeros((_WARM_ROWS, width), np.float32))
    return Alone(load_seconds=seconds, memory_mb=_resident_mb() - before)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))
