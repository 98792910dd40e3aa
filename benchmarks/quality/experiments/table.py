"""EXPERIMENTS: all experiments."""

from __future__ import annotations

from typing import Final

from benchmarks.quality.experiments.benchmark import BENCHMARK
from benchmarks.quality.experiments.contamination import CONTAMINATION
from benchmarks.quality.experiments.decisions import DECISIONS
from benchmarks.quality.experiments.mixed import MIXED
from benchmarks.quality.experiments.thresholds import THRESHOLDS

EXPERIMENTS: Final = {
    experiment.name: experiment for experiment in (BENCHMARK, CONTAMINATION, THRESHOLDS, DECISIONS, MIXED)
}
"""Experiments by the name that the command line takes."""
