"""How many threads this process may use: the CPUs that the operating system and the container grant."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
_processes = 1


def allowed_threads(*, cpu_max: Path = _CPU_MAX, cpus: int | None = None) -> int:
    """Return the number of threads that can run at once, at least 1.

    A container's quota (cgroup v2, ``QUOTA PERIOD`` in ``cpu.max``) counts, not only the host's cores: more
    threads than the quota grants are throttled. Processes that share the CPUs (`share_threads`) have a part each.
    """
    if cpus is None:
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
        granted = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        granted = cpus
    return max(1, min(cpus, granted) // _processes)


def share_threads(processes: int) -> None:
    """Say that this process is one of several that work side by side; before anything has asked for its threads."""
    global _processes  # noqa: PLW0603  # as the CPUs are those of the process
    _processes = processes
