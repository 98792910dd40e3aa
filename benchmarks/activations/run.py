"""Fits cases in parallel processes."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from benchmarks.activations.plan import Case
from models.errors import TrainingError
from training.comparison.processes import shares_of_cpus


def lines_of(missing: Sequence[Case], sets: Mapping[str, Path], *, jobs: int) -> Iterator[str]:
    """Yield a line of JSON for each finished case.

    Args:
        missing: The cases to fit.
        sets: The file of each set.
        jobs: Number of fits at once.
    """
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    shares: SimpleQueue[set[int]] = context.SimpleQueue()
    for share in shares_of_cpus(jobs):
        shares.put(share)
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(shares,)) as pool:
        futures = [pool.submit(_line, case, sets[case.set]) for case in missing]
        for future in as_completed(futures):
            yield future.result()


def _begin(shares: SimpleQueue[set[int]]) -> None:
    if share := shares.get():
        os.sched_setaffinity(0, share)


def _line(case: Case, path: Path) -> str:
    from benchmarks.activations.work import figures_of

    try:
        figures = figures_of(case, path)
    except TrainingError:
        figures = {"error": None}
    return json.dumps({"case": asdict(case), "figures": figures})
