"""The record of runs in a folder of results: commands, machine, libraries, time."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

RUNS: Final = "runs.jsonl"

_DISTRIBUTIONS: Final = {
    "numpy": "numpy",
    "scikit-learn": "sklearn",
    "tensorflow-cpu": "training",
    "tensorflow": "training",
    "keras": "training",
    "onnxruntime": "training",
    "pyod": "pyod",
    "torch": "torch",
    "pythresh": "pythresh",
}
"""Distributions whose version is recorded, and the package that uses them."""


def append_run(
    folder: Path,
    *,
    experiment: str,
    command: str,
    started: float,
    seconds: float,
    done: int,
    jobs: int,
    threads: int | None,
    modules: Sequence[str],
) -> None:
    """Record a run that finished jobs.

    Args:
        folder: Folder of the results.
        experiment: Name of the experiment.
        command: The command line.
        started: Start, in seconds since 1970.
        seconds: Wall time.
        done: Number of finished jobs.
        jobs: Number of jobs at once.
        threads: Threads of each job; None for the libraries' own choice.
        modules: Imported modules.
    """
    if not done:
        return
    run = {
        "experiment": experiment,
        "command": command,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "done": done,
        "jobs": jobs,
        "threads": threads,
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": _versions({module.partition(".")[0] for module in modules}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RUNS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, ensure_ascii=False) + "\n")


def runs_of(folder: Path) -> list[dict[str, Any]]:
    """Return the recorded runs of a folder of results, the oldest first."""
    path = folder / RUNS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _versions(packages: set[str]) -> dict[str, str]:
    versions = {}
    for name, package in _DISTRIBUTIONS.items():
        if package in packages | {"numpy", "sklearn"}:
            try:
                versions[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
