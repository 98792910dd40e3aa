"""Runs trials side by side, in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.queues import SimpleQueue

from models.errors import TrainingError
from training.comparison.results import Failure, Outcome
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
    on_found: Callable[[Outcome | Failure], None],
) -> None:
    """Run trials, and say what each found as soon as it is there.

    Args:
        prepared: The table.
        config: The settings that all trials have in common.
        trials: What to run, in this order.
        jobs: How many at once.
        seconds: How long each fit may take, instead of how many epochs.
        on_found: Is told of each.

    Raises:
        KeyboardInterrupt: What was found until then has been told.
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
                on_found(future.result())
    except BaseException:
        for process in list(pool._processes.values()):
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def shares_of_cpus(jobs: int) -> list[set[int]]:
    """Return which CPUs each of some processes runs on, so that none takes those of another; empty: all of them."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [set(cpus[number::jobs]) for number in range(jobs)]


_common: tuple[Prepared, TrainConfig, float | None]


def _begin(prepared: Prepared, config: TrainConfig, seconds: float | None, shares: SimpleQueue[set[int]]) -> None:
    global _common  # noqa: PLW0603 - what every trial of this process works on
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends its processes
    if share := shares.get():
        os.sched_setaffinity(0, share)
    _common = (prepared, config, seconds)


def _run(trial: Trial) -> Outcome | Failure:
    with without_unused():
        from training.comparison.trial import run_trial

    prepared, config, seconds = _common
    try:
        return run_trial(prepared, config, trial, seconds=seconds)
    except TrainingError as error:
        return Failure(trial=trial, complaint=str(error))
