"""A step of fitting beside others: the same network in plain Keras and in PyTorch, as ratios, all in one run.

    taskset -c 0 python -m benchmarks.step_peers [--rounds 30] [--activations relu prelu …]

The network is that of `--preset fast` for 30 columns, 30–256–256–30, with noise on its input, squared error and AdamW,
in batches of 64 random rows. Ours also trims the rows with the largest loss of a batch, and measures its gradients.
Plain Keras is `Sequential`, `compile` and one epoch of `fit`; PyTorch is the usual loop. Each round has an epoch of
each, in an order that rotates from round to round. Prints the time of the others over that of ours in the same round:
the median of the ratios and their middle half; above 1 ours is faster. PyTorch comes with the extra `bench`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.activation_cost import COLUMNS, median_and_middle_half, seconds_by_round, steps_of_ours
from models.network.activations import ACTIVATIONS

_ROWS: Final = 10_240
_BATCH: Final = 64
_WIDTH: Final = 256
_NOISE: Final = 0.3
_RATE: Final = 2e-3
_DECAY: Final = 1e-4
TORCH_ACTIVATIONS: Final = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="epochs of each (default: 30)")
    parser.add_argument(
        "--activations", nargs="+", choices=list(ACTIVATIONS), default=list(ACTIVATIONS), metavar="NAME"
    )
    arguments = parser.parse_args(argv)
    print("| activation | plain Keras ÷ ours | PyTorch ÷ ours | ours, a step, µs |\n| --- | --- | --- | --- |")
    rows = np.random.default_rng(0).normal(size=(_ROWS, COLUMNS)).astype(np.float32)
    for name in arguments.activations:
        epochs = {
            "ours": steps_of_ours(name, rows, batch=_BATCH),
            "keras": epoch_of_keras(name, rows),
            "torch": epoch_of_torch(name, rows),
        }
        seconds = seconds_by_round(epochs, rounds=arguments.rounds, what=name)
        others = [median_and_middle_half(seconds[other] / seconds["ours"]) for other in ("keras", "torch")]
        microseconds = 1e6 * float(np.median(seconds["ours"])) / (_ROWS // _BATCH)
        print(f"| {name} | {' | '.join(others)} | {microseconds:,.0f} |", flush=True)
    return 0


def epoch_of_keras(name: str, rows: NDArray[np.float32]) -> Callable[[], float]:
    """Return an epoch of plain Keras, as its guides write it; it gives the mean loss."""
    import keras

    keras.utils.set_random_seed(0)  # the product has TensorFlow's operations repeat themselves, so noise needs a seed

    def hidden() -> list[Any]:
        layer = keras.layers.PReLU() if name == "prelu" else keras.layers.Activation(name)
        return [keras.layers.Dense(_WIDTH), layer]

    model = keras.Sequential(
        [
            keras.layers.Input((COLUMNS,)),
            keras.layers.GaussianNoise(_NOISE),
            *hidden(),
            *hidden(),
            keras.layers.Dense(COLUMNS),
        ]
    )
    model.compile(optimizer=keras.optimizers.AdamW(_RATE, weight_decay=_DECAY), loss="mse")
    return lambda: model.fit(rows, rows, batch_size=_BATCH, epochs=1, verbose=0).history["loss"][0]


def epoch_of_torch(name: str, rows: NDArray[np.float32]) -> Callable[[], float]:
    """Return an epoch of PyTorch, as its tutorials write it; it gives the mean loss."""
    import torch
    from torch import nn

    activation = getattr(nn, TORCH_ACTIVATIONS[name])
    model = nn.Sequential(
        nn.Linear(COLUMNS, _WIDTH), activation(), nn.Linear(_WIDTH, _WIDTH), activation(), nn.Linear(_WIDTH, COLUMNS)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
    X = torch.from_numpy(rows)

    def epoch() -> float:
        total = 0.0
        for batch in torch.randperm(len(X)).split(_BATCH):
            target = X[batch]
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(target + _NOISE * torch.randn_like(target)), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total * _BATCH / len(X)

    return epoch


if __name__ == "__main__":
    sys.exit(main())
