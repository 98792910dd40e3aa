"""EXPERIMENTS: what can be measured."""

from __future__ import annotations

from typing import Final

from benchmarks.quality.experiments.benchmark import BENCHMARK
from benchmarks.quality.experiments.contamination import CONTAMINATION

EXPERIMENTS: Final = {experiment.name: experiment for experiment in (BENCHMARK, CONTAMINATION)}
"""What can be measured, by the name that the command line takes."""
