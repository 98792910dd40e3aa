"""A slot: runs jobs one after the other, each in a process of its own, and survives their crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.quality.jobs import Job
from benchmarks.quality.results import Row

THREADS: Final = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
"""Environment variables that libraries read when they are imported."""


class JobError(Exception):
    """A job gave no rows; the message says why."""


@dataclass(slots=True, kw_only=True)
class Slot:
    """One of the slots that run jobs in parallel.

    Args:
        number: Index of the slot, from 0.
        threads: Threads of a job, with as many CPUs pinned to the slot where the system allows it; None for the
            libraries' own choice.
        timeout: Seconds after which a job is ended.
        log: Gets the output of the libraries.
    """

    number: int
    threads: int | None
    timeout: float
    log: Path
    _worker: subprocess.Popen[str] | None = field(default=None, init=False)
    _modules: tuple[str, ...] | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    def run(self, job: Job) -> list[Row]:
        """Run a job.

        Raises:
            JobError: It raised an error, ended its process, or took too long.
        """
        worker = self._worker_for(job)
        too_long = threading.Event()
        timer = threading.Timer(self.timeout, self._end, (too_long,))
        timer.start()
        try:
            assert worker.stdin is not None and worker.stdout is not None
            with suppress(BrokenPipeError):
                worker.stdin.write(job.to_json() + "\n")
                worker.stdin.flush()
            line = worker.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self._stop()
            raise JobError(
                f"took more than {self.timeout:g} s"
                if too_long.is_set()
                else f"its worker ended; {self.log} has what it said"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise JobError(answer["error"])
        rows: list[Row] = answer["rows"]
        return rows

    def close(self) -> None:
        """End the running job and the worker."""
        self._closed = True
        self._stop()

    def _worker_for(self, job: Job) -> subprocess.Popen[str]:
        if self._closed:
            raise JobError("was not begun")
        if self._worker is None or self._modules != job.modules or self._worker.poll() is not None:
            self._stop()
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._worker = subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.quality.worker", self._cpus(), *job.modules],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env=os.environ | ({name: str(self.threads) for name in THREADS} if self.threads else {}),
                    start_new_session=True,  # its forks end with it, and only the main program gets Ctrl-C
                )
            self._modules = job.modules
        return self._worker

    def _cpus(self) -> str:
        """Return the CPUs of this slot, for libraries that count CPUs instead of reading variables."""
        if self.threads is None or not hasattr(os, "sched_getaffinity"):
            return ""
        allowed = sorted(os.sched_getaffinity(0))
        first = self.number * self.threads
        return ",".join(str(allowed[(first + i) % len(allowed)]) for i in range(min(self.threads, len(allowed))))

    def _end(self, too_long: threading.Event) -> None:
        too_long.set()
        self._stop()

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
