"""Measures the cost of activations: a step of fitting and a scored row, as ratios to relu, all in one run.

    taskset -c 0 python -m benchmarks.activation_cost [--rounds 60]

The network is that of `--preset fast` for 30 columns, 30–256–256–30, with random rows. In each round every activation
takes some steps and scores some rows (the exported network, in the serving engine), in an order that moves on by one
from round to round, and is compared with relu in the same round. Prints the median of the ratios and their middle half.
Relu is measured twice a round and compared with itself: the distance of those ratios from 1 is the noise of the
machine, smallest on a CPU of its own (`taskset`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from models.encoders.preprocessor import Encoded
from models.network.activations import ACTIVATIONS
from models.network.engine import OnnxEngine
from training.network.adamw import AdamW
from training.network.epochs import steps_function
from training.network.keras_network import DenseNetwork
from training.network.onnx_export import onnx_bytes
from training.settings.config import TrainConfig

COLUMNS: Final = 30
BATCHES: Final = (64, 256)
REFERENCE: Final = "relu"
AGAIN: Final = "relu, again"

_ROWS: Final = 2_560  # of a measurement: 40 steps of 64 rows, or 10 of 256
_WARM_UP: Final = 3

Seconds = dict[str, NDArray[np.float64]]
"""Wall time of each activation in each round `(rounds,)`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="measurements of each (default: 60)")
    parser.add_argument(
        "--activations", nargs="+", choices=list(ACTIVATIONS), default=list(ACTIVATIONS), metavar="NAME"
    )
    arguments = parser.parse_args(argv)
    measured: dict[str, Seconds] = {}
    costs = []
    for batch in BATCHES:
        fits, scorings = {}, {}
        for name in dict.fromkeys((REFERENCE, *arguments.activations, AGAIN)):
            fits[name], scorings[name] = fitting_and_scoring(REFERENCE if name == AGAIN else name, batch=batch)
        steps, rows = f"a step of {batch} rows", f"a scored row, {batch} at once"
        for what, functions, each in ((steps, fits, _ROWS // batch), (rows, scorings, _ROWS)):
            measured[what] = seconds_by_round(functions, rounds=arguments.rounds, what=what)
            microseconds = 1e6 * float(np.median(measured[what][REFERENCE])) / each
            costs.append(f"{what}: {microseconds:,.{0 if microseconds >= 100 else 1}f} µs")
    print(ratios(measured), "", f"With {REFERENCE}, {'; '.join(costs)}.", sep="\n")
    return 0


def fitting_and_scoring(name: str, *, batch: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return a function that fits `_ROWS` rows in batches, and one that scores as many."""
    shape = TrainConfig(preset="fast", activation=name).architecture(features=COLUMNS)
    rows = np.random.default_rng(0).normal(size=(_ROWS, COLUMNS)).astype(np.float32)
    engine = OnnxEngine(onnx_bytes(shape, DenseNetwork(shape, seed=0).arrays()), shape)
    batches = np.split(rows, _ROWS // batch)
    return steps_of_ours(name, rows, batch=batch), lambda: [engine.reconstruct(some) for some in batches]


def steps_of_ours(name: str, rows: NDArray[np.float32], *, batch: int) -> Callable[[], object]:
    """Return a function that fits a network of the preset ``fast`` for one pass over rows `(n, 30)`."""
    from tensorflow import constant, ones  # after Keras, which silences it

    config = TrainConfig(preset="fast", activation=name, batch_size=batch)
    [settings] = config.epoch_settings(rows=len(rows), features=COLUMNS)
    network = DenseNetwork(config.architecture(features=COLUMNS), seed=0)
    optimizer = AdamW(
        network.weights,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        decayed=network.kernels,
    )
    steps = steps_function(network, optimizer, Encoded(Z=rows), ones(COLUMNS), settings)
    order = constant(np.arange(len(rows)).reshape(-1, batch))
    return lambda: float(steps(order, settings.epochs, 0, len(order))[0])


def seconds_by_round(functions: dict[str, Callable[[], object]], *, rounds: int, what: str) -> Seconds:
    """Return the wall time of each function in each round, after warm-up rounds."""
    names = list(functions)
    times: dict[str, list[float]] = {name: [] for name in names}
    console = Console(stderr=True)
    for turn in track(range(-_WARM_UP, rounds), description=what, console=console, transient=True):
        for i in range(len(names)):
            name = names[(i + turn) % len(names)]
            started = time.perf_counter()
            functions[name]()
            if turn >= 0:
                times[name].append(time.perf_counter() - started)
    return {name: np.array(seconds) for name, seconds in times.items()}


def ratios(measured: dict[str, Seconds]) -> str:
    """Return the ratios to relu as a table of Markdown: the median over the rounds, and the middle half."""
    lines = [["activation", *measured], ["---"] * (1 + len(measured))]
    for name in next(iter(measured.values())):
        if name != REFERENCE:
            lines.append(
                [name, *(median_and_middle_half(seconds[name] / seconds[REFERENCE]) for seconds in measured.values())]
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def median_and_middle_half(values: NDArray[np.float64]) -> str:
    """Return the median and, in brackets, the middle half of some ratios."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
