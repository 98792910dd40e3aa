"""EXPERIMENTS: what can be measured."""

from __future__ import annotations

from typing import Final

from benchmarks.quality.experiments.benchmark import BENCHMARK
from benchmarks.quality.experiments.contamination import CONTAMINATION
from benchmarks.quality.experiments.mixed import MIXED
from benchmarks.quality.experiments.thresholds import THRESHOLDS
from benchmarks.quality.experiments.verdicts import VERDICTS

EXPERIMENTS: Final = {
    experiment.name: experiment for experiment in (BENCHMARK, CONTAMINATION, THRESHOLDS, VERDICTS, MIXED)
}
"""What can be measured, by the name that the command line takes."""
