"""Measures the cost of the diagnostics of units and gradients in a fit: with and without, in turn, in one run.

    python -m benchmarks.diagnostics_cost [--rounds 10] [--rows 1000,10000] [--presets fast,balanced]

Without means that the compiled functions do not compute them. The time is that of the fit from prepared rows to a
scoring network, tracing and exporting included. Prints the median of the ratios with their middle half, and beside
them the same for with against with, which is the noise of the machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track

from models.tables.table import Table
from training.data.prepare import Prepared, prepare
from training.settings.config import TrainConfig

_COLUMNS = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="fits of each (default: 10)")
    parser.add_argument("--rows", default="1000,10000", help="numbers of rows (default: 1000,10000)")
    parser.add_argument("--presets", default="fast,balanced", help="presets (default: fast,balanced)")
    arguments = parser.parse_args(argv)
    print("| preset | rows | with ÷ without | middle half | with ÷ with |\n| --- | --- | --- | --- | --- |")
    for preset in arguments.presets.split(","):
        for rows in map(int, arguments.rows.split(",")):
            config = TrainConfig(preset=preset)
            prepared = prepare(made_up(rows), config)
            ratios, same = measured(prepared, config, rounds=arguments.rounds)
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            print(f"| {preset} | {rows:,} | {middle:.3f} | {low:.3f}–{high:.3f} | {np.median(same):.3f} |", flush=True)
    return 0


def made_up(rows: int) -> Table:
    """Return rows of correlated numbers."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(rows, 5)) @ draw.normal(size=(5, _COLUMNS)) + 0.3 * draw.normal(size=(rows, _COLUMNS))
    return Table(data=pa.table({f"x{i}": X[:, i] for i in range(_COLUMNS)}))


def measured(prepared: Prepared, config: TrainConfig, *, rounds: int) -> tuple[list[float], list[float]]:
    """Return the ratio of each round, with measuring to without, and with to with."""
    seconds(prepared, config, without)  # the first fit of a process is longer
    ratios, same = [], []
    for turn in track(range(rounds), description="fitting", console=Console(stderr=True), transient=True):
        order: list[Callable[[], Any]] = [nullcontext, without, nullcontext]
        taken = [seconds(prepared, config, way) for way in (order if turn % 2 else order[::-1])]
        ratios.append(float(np.sqrt(taken[0] * taken[2])) / taken[1])  # before and after: a drift cancels out
        same.append(taken[0] / taken[2])
    return ratios, same


def seconds(prepared: Prepared, config: TrainConfig, way: Callable[[], Any]) -> float:
    """Return the seconds of a fit."""
    from training.network.learning import learn

    split = prepared.split
    started = time.perf_counter()
    with way():
        learn(
            prepared,
            config,
            rows=split.fitting,
            watched=split.validation,
            on_epoch=lambda epoch: None,
            should_stop=lambda: False,
        )
    return time.perf_counter() - started


@contextmanager
def without() -> Iterator[None]:
    """Leave the diagnostics out of the compiled functions."""
    import tensorflow as tf

    from training.network import epochs
    from training.network.keras_network import DenseNetwork

    forward = DenseNetwork.forward

    def without_units(network: DenseNetwork, Z: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        return forward(network, Z, **options)[0], {}

    with (
        mock.patch.object(epochs, "gradient_norms", lambda gradients, members: tf.zeros(len(gradients))),
        mock.patch.object(DenseNetwork, "forward", without_units),
    ):
        yield


if __name__ == "__main__":
    sys.exit(main())
