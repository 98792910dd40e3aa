"""Runs trials in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.queues import SimpleQueue

from models.errors import TrainingError
from training.comparison.outcomes import Failure, TrialResult
from training.comparison.trials import Trial
from training.data.prepare import Prepared
from training.network.lean_imports import without_unused
from training.settings.config import TrainConfig


def run_trials(
    prepared: Prepared,
    config: TrainConfig,
    trials: Sequence[Trial],
    *,
    jobs: int,
    seconds: float | None,
    on_result: Callable[[TrialResult], None],
) -> None:
    """Run trials in their order, so many jobs at once, and report each result as soon as it is there.

    The time limit in seconds of each fit, if there is one, replaces the number of epochs.

    Raises:
        KeyboardInterrupt: Results until then have been reported.
    """
    if not trials:
        return
    jobs = min(jobs, len(trials))
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    shares: SimpleQueue[set[int]] = context.SimpleQueue()
    for share in shares_of_cpus(jobs):
        shares.put(share)
    pool = ProcessPoolExecutor(
        max_workers=jobs, mp_context=context, initializer=_begin, initargs=(prepared, config, seconds, shares)
    )
    try:
        waiting = {pool.submit(_run, trial) for trial in trials}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                on_result(future.result())
    except BaseException:
        for process in list(pool._processes.values()):
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def shares_of_cpus(jobs: int) -> list[set[int]]:
    """Return disjoint sets of CPUs, one for each process; an empty set stands for all CPUs."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [set(cpus[start::jobs]) for start in range(jobs)]


_shared: tuple[Prepared, TrainConfig, float | None]


def _begin(prepared: Prepared, config: TrainConfig, seconds: float | None, shares: SimpleQueue[set[int]]) -> None:
    global _shared  # noqa: PLW0603 - shared by the trials of this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its processes
    if share := shares.get():
        os.sched_setaffinity(0, share)
    _shared = (prepared, config, seconds)


def _run(trial: Trial) -> TrialResult:
    with without_unused():
        from training.comparison.measure import run_trial

    prepared, config, seconds = _shared
    try:
        return run_trial(prepared, config, trial, seconds=seconds)
    except TrainingError as error:
        return Failure(trial=trial, complaint=str(error))
