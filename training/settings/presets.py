"""The presets: networks, their noise, steps and weights in the score, one row each; and default sizes by the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

TRAINING_ROWS: Final = {
    "mixed": "anomalies may be among them: nothing is assumed",
    "clean": "they are all normal: finer networks, fitted for longer, find more",
}
"""What is known of the fitting rows, by the name that ``--training-rows`` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPlan:
    """The plan of a family: members that are fitted in the same way.

    Args:
        input_noise: Standard deviation of the noise on each member's standardised input. A network that removes fine
            noise learns the finest structure of the rows; from coarse noise it learns only where most of the rows are.
        trim: Share of each batch, the rows with the largest errors, that is left out of the loss (trimmed loss).
        residual: The members have a skip weight, so that they learn only the rest and remove fine noise from the first
            step on. It is the best one where nothing but the variance of the rows is known, c_skip of Karras et al.
            (NeurIPS 2022).
        share_of_steps: Share of the preset's steps: a network that is fitted for long learns the anomalies, too.
        weight: Of the family in the score.
        logarithmic: The score takes the logarithm of its errors. With a trimmed loss, the errors of some rows are
            hundreds of times as large as others: without the logarithm, they would outweigh all other families.
    """

    name: str
    input_noise: tuple[float, ...]
    trim: float = 0.0
    residual: bool = False
    share_of_steps: float = 1.0
    weight: float = 1.0
    logarithmic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The networks of a preset.

    Args:
        summary: One line for help texts and documents.
        alone: The plan of a single network, by a key of `TRAINING_ROWS`; empty for an ensemble.
        families: The plans of an ensemble, by the same key; empty for a single network. The first member gives the
            expected values and the bottleneck.
        histogram_weight: Weight of the columns' histograms in the score beside the families, by the same key.
        width: Units of the outer hidden layer; a bottleneck that is not given is as wide as the layer before it.
        depth: Number of hidden layers of the encoder.
    """

    summary: str
    alone: dict[str, FamilyPlan] = field(default_factory=dict)
    families: dict[str, tuple[FamilyPlan, ...]] = field(default_factory=dict)
    histogram_weight: dict[str, float] = field(default_factory=lambda: {"mixed": 1.0, "clean": 0.5})
    width: int = 256
    depth: int = 1
    steps: int = 1000


_FULL_STEPS_UP_TO: Final = 512  # features
_FEWEST_STEPS: Final = 0.3  # of the preset's

# The first member gives the expected values: with this noise it neither copies the record nor ignores it.
_FINE: Final = (0.5, 0.1, 0.05)
_FINER: Final = (0.5, 0.1, 0.05, 0.9)
_FINE_WEIGHT: Final = 2.0  # of all fine families together
_ALL: Final = (0.1, 0.175, 0.3, 0.5, 0.9, 1.6, 2.9, 5.0)


def _fine(noises: tuple[float, ...]) -> tuple[FamilyPlan, ...]:
    """Return families of one member each, the last one residual, that share a weight."""
    each = _FINE_WEIGHT / (len(noises) + 1)
    return (
        *(FamilyPlan(name=f"noise {noise:g}", input_noise=(noise,), weight=each) for noise in noises),
        FamilyPlan(name="residual", input_noise=(0.1,), residual=True, weight=each),
    )


_ROBUST: Final = FamilyPlan(
    name="robust", input_noise=_ALL, trim=0.3, share_of_steps=0.25, weight=3.0, logarithmic=True
)

PRESETS: Final[dict[str, Preset]] = {
    "fast": Preset(
        summary="one network",
        alone={
            "mixed": FamilyPlan(name="alone", input_noise=(0.3,), trim=0.3, share_of_steps=0.25),
            "clean": FamilyPlan(name="alone", input_noise=(0.1,)),
        },
    ),
    "balanced": Preset(
        summary="some networks fitted at once, and each column's histogram",
        families={"mixed": (*_fine(_FINE), _ROBUST), "clean": _fine(_FINE)},
    ),
    "best": Preset(
        summary="the same, fitted for longer",
        families={"mixed": (*_fine(_FINER), replace(_ROBUST, share_of_steps=0.125)), "clean": _fine(_FINER)},
        steps=2000,
    ),
}
"""The presets by the name that ``--preset`` takes."""


def default_hidden_units(width: int, *, depth: int) -> tuple[int, ...]:
    """Return the widths of `depth` layers, the outermost first, each half as wide as the one before."""
    return tuple(max(16, width >> level) for level in range(depth))


def default_batch_size(rows: int, *, features: int, ensemble: bool) -> int:
    """Return the rows of one step: for about thirty steps an epoch, from 32 to 256.

    For an ensemble it is 64, and less with many features, where steps take long and learn much from each row.
    """
    if ensemble:
        return max(32, min(64, 1 << (16_384 // features).bit_length() - 1))
    return min(256, max(32, 1 << max(0, (rows // 30).bit_length() - 1)))


def default_epochs(rows: int, *, features: int, batch_size: int, steps: int) -> int:
    """Return the epochs that make the preset's steps, or down to a third of them.

    With few rows, many epochs would fit the anomalies among them, too; with many features, a step takes long.
    """
    wanted = min(steps, 15 * math.sqrt(rows), _FULL_STEPS_UP_TO * steps / features)
    return max(1, round(max(wanted, _FEWEST_STEPS * steps) / -(-rows // min(batch_size, max(rows, 1)))))
