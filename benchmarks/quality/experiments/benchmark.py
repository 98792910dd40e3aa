"""The main experiment: every set, protocol, method and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.quality.jobs import Choice, Experiment, Job
from benchmarks.quality.measure import FIGURES, measured
from benchmarks.quality.methods import Method, method_of
from benchmarks.quality.results import Row
from benchmarks.quality.splits import Split, read_set, sets_by_name


def plan(choice: Choice) -> list[Job]:
    """Return the jobs, small sets first, so that results come early."""
    return choice.jobs(BENCHMARK.name, sets_by_name(choice.data, choice.sets))


def work(job: Job) -> list[Row]:
    """Fit a method on one split of one set, and test it."""
    method, seed = method_of(job.key["method"]), int(job.key["seed"])
    split = rows_for(method, read_set(Path(job.data)).split(protocol=job.key["protocol"], seed=seed))
    return [job.key | measured(method, split.fitting, split.test, seed=seed).figures(split.is_anomaly)]


def rows_for(method: Method, split: Split) -> Split:
    """Return the rows of a split in the form that a method takes."""
    return split.standardised() if method.standardised else split


BENCHMARK: Final = Experiment(
    name="benchmark",
    says="every set, protocol, method and seed: ROC AUC, average precision, seconds, memory",
    file="results.csv",
    key=("set", "protocol", "method", "seed"),
    figures=FIGURES,
    plan=plan,
    work=work,
)
