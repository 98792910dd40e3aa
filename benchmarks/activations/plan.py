"""The networks to fit: activations and variants, over sets, seeds and settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from models.network.activations import ACTIVATIONS, ActivationSpec
from training.comparison.trials import DEFAULT_ACTIVATIONS

DEPTHS: Final = (1, 2, 4, 8)
RATES: Final = (5e-4, 2e-3, 1e-2, 5e-2)
WIDTH: Final = 128
"""Width of every hidden layer and of the bottleneck in the sweep over depth, so that only the depth changes."""
USUAL_RATE: Final = 2e-3
NOISE: Final = 0.5
"""Standard deviation of the noise on the standardised values of a noisy set."""

VARIANTS: Final[dict[str, ActivationSpec]] = {
    "selu, He": replace(ACTIVATIONS["selu"], initializer="he_normal"),
    "selu, usual dropout": replace(ACTIVATIONS["selu"], alpha_dropout=False),
}
"""SELU with another initialiser or dropout, by the name in the results."""

RELU_OUTPUT: Final = "relu, relu output"
"""A network with a ReLU after the output layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One network to fit.

    Args:
        part: A key of `PARTS`.
        set: Name of the set.
        activation: A key of `ACTIVATIONS` or of `VARIANTS`, or `RELU_OUTPUT`.
        depth: Number of hidden layers of `WIDTH` units; 0 for those of the preset.
        learning_rate: Largest step size.
        dropout: Share of hidden units left out in a step.
        noise: Standard deviation of the noise on the rows.
        seed: Seed of the weights and batches.
    """

    part: str
    set: str
    activation: str
    depth: int = 0
    learning_rate: float = USUAL_RATE
    dropout: float = 0.0
    noise: float = 0.0
    seed: int


PARTS: Final = {
    "usual": "the network of --preset fast, on all sets",
    "depth": f"{', '.join(map(str, DEPTHS))} hidden layers of {WIDTH} units, on some sets",
    "rate": f"learning rates {', '.join(f'{rate:g}' for rate in RATES)}, on some sets",
    "noise": f"rows with noise of deviation {NOISE:g} on every value, 1 and 4 hidden layers, on some sets",
    "selu": "4 hidden layers, SELU with another initialiser and with the usual dropout, on some sets",
    "output": "a ReLU behind the output layer, on some sets",
}
"""The varied settings, by name."""


def cases(sets: Sequence[str], some: Sequence[str], seeds: Sequence[int]) -> list[Case]:
    """Return all networks to fit.

    Args:
        sets: All sets.
        some: Sets of the sweeps.
        seeds: The seeds of each case.
    """
    found: list[Case] = []
    for seed in seeds:
        for name in sets:
            found += [
                Case(part="usual", set=name, activation=activation, seed=seed) for activation in DEFAULT_ACTIVATIONS
            ]
        for name in some:
            for activation in DEFAULT_ACTIVATIONS:
                found += [
                    Case(part="depth", set=name, activation=activation, depth=depth, seed=seed) for depth in DEPTHS
                ]
                found += [
                    Case(part="rate", set=name, activation=activation, learning_rate=rate, seed=seed) for rate in RATES
                ]
                found += [
                    Case(part="noise", set=name, activation=activation, depth=depth, noise=NOISE, seed=seed)
                    for depth in (1, 4)
                ]
            for activation in ("selu", "selu, He"):
                found.append(Case(part="selu", set=name, activation=activation, depth=4, seed=seed))
            for activation in ("selu", "selu, usual dropout"):
                found.append(Case(part="selu", set=name, activation=activation, depth=4, dropout=0.1, seed=seed))
            found.append(Case(part="output", set=name, activation=RELU_OUTPUT, seed=seed))
    return found


@contextmanager
def registered(activation: str) -> Iterator[str]:
    """Yield the key of `ACTIVATIONS` of an activation; a variant of SELU takes the place of SELU meanwhile."""
    if activation not in VARIANTS:
        yield activation
        return
    selu = ACTIVATIONS["selu"]
    ACTIVATIONS["selu"] = VARIANTS[activation]
    try:
        yield "selu"
    finally:
        ACTIVATIONS["selu"] = selu
