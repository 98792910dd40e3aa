"""What the units of the hidden layers do on reference rows: which are dead, nearly dead or saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.activations import ACTIVATIONS

_NEARLY_DEAD_SHARE: Final = 0.01
_SATURATED_SHARE: Final = 0.01  # of the way between the two ends


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerHealth:
    """Units of one hidden layer, counted over the reference rows.

    Args:
        layer: Its name.
        units: How many it has.
        dead: Units whose output is zero on every row.
        nearly_dead: Units that are not dead, with an output other than zero on less than 1 % of the rows.
        saturated: Units of a saturating activation that are at one of its ends on every row.
    """

    layer: str
    units: int
    dead: int
    nearly_dead: int
    saturated: int


def layer_health(outputs: Mapping[str, NDArray[np.float32]], *, activation: str) -> tuple[LayerHealth, ...]:
    """Count dead, nearly dead and saturated units.

    Args:
        outputs: What each hidden layer gives behind its activation `(n, units)`, by the layer's name.
        activation: A key of `ACTIVATIONS`.
    """
    return tuple(_health(name, output, activation) for name, output in outputs.items())


def health_warnings(layers: tuple[LayerHealth, ...], *, activation: str, learning_rate: float) -> list[str]:
    """Say which layers are at least half dead or saturated, and what helps."""
    warnings = []
    for layer in layers:
        if 2 * layer.dead >= layer.units:
            remedy = "try --activation leaky_relu, or " if ACTIVATIONS[activation].can_die else "try "
            warnings.append(
                f"{layer.dead} of {layer.units} units of layer {layer.layer} are dead: {remedy}--learning-rate "
                f"{learning_rate / 3:.1g}."
            )
        if 2 * layer.saturated >= layer.units:
            warnings.append(
                f"{layer.saturated} of {layer.units} units of layer {layer.layer} are saturated: try --activation elu, "
                f"or --learning-rate {learning_rate / 3:.1g}."
            )
    return warnings


def _health(name: str, output: NDArray[np.float32], activation: str) -> LayerHealth:
    active = (output != 0).mean(axis=0)
    saturated = 0
    if ends := ACTIVATIONS[activation].ends:
        margin = _SATURATED_SHARE * (ends[1] - ends[0])
        saturated = int(((output <= ends[0] + margin) | (output >= ends[1] - margin)).all(axis=0).sum())
    return LayerHealth(
        layer=name,
        units=output.shape[1],
        dead=int((active == 0).sum()),
        nearly_dead=int(((active > 0) & (active < _NEARLY_DEAD_SHARE)).sum()),
        saturated=saturated,
    )
