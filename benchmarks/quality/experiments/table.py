"""EXPERIMENTS: all experiments of this benchmark."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final

from benchmarks.quality.experiments.benchmark import BENCHMARK
from benchmarks.quality.experiments.contamination import CONTAMINATION
from benchmarks.quality.experiments.decisions import DECISIONS
from benchmarks.quality.experiments.mixed import MIXED
from benchmarks.quality.experiments.thresholds import THRESHOLDS
from benchmarks.quality.jobs import Job
from benchmarks.quality.results import Row

EXPERIMENTS: Final = {
    experiment.name: experiment for experiment in (BENCHMARK, CONTAMINATION, THRESHOLDS, DECISIONS, MIXED)
}
"""Experiments by the name that the command line takes."""


def work_of(name: str) -> Callable[[Job], list[Row]]:
    """Return what runs a job: the name is a key of `EXPERIMENTS`, or ``MODULE:FUNCTION`` of another benchmark."""
    module, colon, function = name.partition(":")
    if not colon:
        return EXPERIMENTS[name].work
    work: Callable[[Job], list[Row]] = getattr(importlib.import_module(module), function)
    return work
