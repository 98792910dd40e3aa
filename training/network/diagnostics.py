"""Diagnostics of the hidden layers: dead, nearly dead and saturated units, and vanishing gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import Set
from models.messages import phrase
from models.network.activations import ACTIVATIONS

_NEARLY_DEAD_SHARE: Final = 0.01
_SATURATED_SHARE: Final = 0.01  # of the way between the two ends
_COUNTS: Final = ("units", "dead", "nearly_dead", "saturated")
_VANISHED: Final = 0.005  # of the gradient at the output layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerHealth:
    """Units of one hidden layer, counted over the reference rows.

    Args:
        dead: Units whose output is zero on every row.
        nearly_dead: Units that are not dead, with an output other than zero on less than 1 % of the rows.
        saturated: Units of a saturating activation that are at one of its ends on every row.
        zeros: Share of all outputs that are zero: how sparse the layer is.
    """

    layer: str
    units: int
    dead: int
    nearly_dead: int
    saturated: int
    zeros: float


def saturation_bounds(activation: str) -> tuple[float, float]:
    """Return the outputs from which on, downwards and upwards, a unit is at an end; infinite where there is none."""
    ends = ACTIVATIONS[activation].ends
    if not ends:
        return -np.inf, np.inf
    margin = _SATURATED_SHARE * (ends[1] - ends[0])
    return ends[0] + margin, ends[1] - margin


def gradient_warnings(gradients: Mapping[str, float], *, activation: str) -> list[str]:
    """Say where the gradients vanish before training on their way back from the output layer, and what helps.

    They are norms of the gradient of each layer's kernel at the first step, by the layer's name, the output last.
    """
    (last, largest), *before = reversed(list(gradients.items()))
    if not before:
        return []
    weakest, smallest = min(before, key=lambda pair: pair[1])
    if smallest >= _VANISHED * largest:
        return []
    fewer = phrase("fewer layers ({depth})", depth=Set("depth"))
    if ACTIVATIONS[activation].ends:
        fewer = phrase("{one}, or {other}", one=Set("activation", "selu"), other=fewer)
    return [
        phrase(
            "The gradients vanish on their way back: at layer {weakest} they start {ratio:,.0f} times smaller than at "
            "layer {last}, and it hardly learns: try {remedy}.",
            weakest=weakest,
            ratio=largest / max(smallest, 1e-30),
            last=last,
            remedy=fewer,
        )
    ]


def health_of(layer: str, active: NDArray[np.floating], saturated: NDArray[Any]) -> LayerHealth:
    """Count the units of a layer that are active on some share of the rows, and saturated or not, both `(units,)`."""
    return LayerHealth(
        layer=layer,
        units=len(active),
        dead=int((active == 0).sum()),
        nearly_dead=int(((active > 0) & (active < _NEARLY_DEAD_SHARE)).sum()),
        saturated=int(np.count_nonzero(saturated)),
        zeros=float(1 - active.mean()),
    )


def together(layers: Sequence[LayerHealth]) -> LayerHealth:
    """Count the units of the same layer of several networks."""
    counts = {name: sum(getattr(layer, name) for layer in layers) for name in _COUNTS}
    zeros = sum(layer.units * layer.zeros for layer in layers) / counts["units"]
    return LayerHealth(layer=layers[0].layer, zeros=zeros, **counts)


def health_warnings(
    layers: tuple[LayerHealth, ...], *, activation: str, learning_rate: float, features: int
) -> list[str]:
    """Say which layers are at least half dead with too few living units left, or half saturated, and what helps.

    Dead units by themselves cost nothing that is found: without them the scores are the same
    (``benchmarks.dead_units``). They do where fewer units live than there are features to restore, over all members.
    """
    warnings: list[str] = []
    slower = Set("learning_rate", float(f"{learning_rate / 3:.1g}"))
    for layer in layers:
        if 2 * layer.dead >= layer.units and layer.units - layer.dead < features:
            other = Set("activation", "leaky_relu")
            remedy = phrase("{one}, or {other}", one=other, other=slower) if ACTIVATIONS[activation].can_die else slower
            warnings.append(
                phrase(
                    "{dead} of {units} units of layer {layer} are dead: try {remedy}.",
                    dead=layer.dead,
                    units=layer.units,
                    layer=layer.layer,
                    remedy=remedy,
                )
            )
        if 2 * layer.saturated >= layer.units:
            warnings.append(
                phrase(
                    "{saturated} of {units} units of layer {layer} are saturated: try {other}, or {slower}.",
                    saturated=layer.saturated,
                    units=layer.units,
                    layer=layer.layer,
                    other=Set("activation", "elu"),
                    slower=slower,
                )
            )
    return warnings


def learned_slopes(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, tuple[float, float, float]]:
    """Return the lowest, the mean and the highest learned slope of each hidden layer; empty where none is learned."""
    return {
        name.removesuffix("_slope"): (float(slope.min()), float(slope.mean()), float(slope.max()))
        for name, slope in weights.items()
        if name.endswith("_slope")
    }
