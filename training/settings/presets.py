"""The presets: how many networks are fitted, on what, and how their errors count; one row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TRAINING_ROWS: Final = {
    "mixed": "anomalies may be among them: nothing is assumed",
    "clean": "they are all normal: finer networks, fitted for longer, find more",
}
"""What is known of the rows that are learned from, by the name that ``--training-rows`` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPlan:
    """Members that are fitted alike.

    Args:
        name: What sets them apart.
        input_noise: Deviation of the noise on each member's standardised input. A network that has to undo fine noise
            learns the rows' finest structure, and from coarse noise only where most of the rows are.
        left_out: Share of each batch, the strangest rows, that these members do not learn from.
        residual: The members start from a share of their input and learn only the rest, so that fine noise is undone
            from the first step on: the share that is best where all that is known of the rows is their variance, as in
            Karras et al. (NeurIPS 2022).
        share_of_steps: Share of the preset's steps that they take: what is fitted for long learns the anomalies, too.
        weight: How much the family counts in the score.
        logarithmic: Its errors count by their logarithm. One that left out strange rows finds some of them hundreds of
            times as strange as others: without it, nothing else would be heard there.
    """

    name: str
    input_noise: tuple[float, ...]
    left_out: float = 0.0
    residual: bool = False
    share_of_steps: float = 1.0
    weight: float = 1.0
    logarithmic: bool = False

    @property
    def skip_weights(self) -> tuple[float, ...]:
        """Weight of its input in each member's output; without noise there would be no rest to learn."""
        return tuple(1 / (1 + noise**2) if self.residual and noise > 0 else 0.0 for noise in self.input_noise)

    @property
    def fitted_with(self) -> tuple[float, float]:
        """Families that have this in common are fitted at once."""
        return self.left_out, self.share_of_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is fitted.

    Args:
        summary: One line for help texts and documents.
        alone: A single network, by what is known of the training rows; none for several.
        families: Several networks, likewise; none for a single one. The first member gives the expected values and the
            bottleneck.
        histogram_weight: How much the columns' own histograms count beside the families, likewise.
        width: Of the outer hidden layer; a bottleneck that is not given is as wide as the layer before it.
        depth: Number of hidden layers of the encoder.
        steps: How many steps a fit takes at most.
    """

    summary: str
    alone: dict[str, FamilyPlan] = field(default_factory=dict)
    families: dict[str, tuple[FamilyPlan, ...]] = field(default_factory=dict)
    histogram_weight: dict[str, float] = field(default_factory=dict)
    width: int
    depth: int
    steps: int


# The first is one that neither copies the record nor forgets it.
_FINE: Final = (0.5, 0.1, 0.05)
_FINER: Final = (0.5, 0.1, 0.05, 0.9)
_ALL: Final = (0.1, 0.175, 0.3, 0.5, 0.9, 1.6, 2.9, 5.0)


def _fine(noises: tuple[float, ...], *, weight: float) -> tuple[FamilyPlan, ...]:
    """Return members that stand alone, one of them a residual one, with a weight between them."""
    each = weight / (len(noises) + 1)
    return (
        *(FamilyPlan(name=f"noise {noise:g}", input_noise=(noise,), weight=each) for noise in noises),
        FamilyPlan(name="residual", input_noise=(0.1,), residual=True, weight=each),
    )


def _robust(*, share_of_steps: float) -> FamilyPlan:
    return FamilyPlan(
        name="robust", input_noise=_ALL, left_out=0.3, share_of_steps=share_of_steps, weight=3.0, logarithmic=True
    )


PRESETS: Final[dict[str, Preset]] = {
    "fast": Preset(
        summary="one network",
        alone={
            "mixed": FamilyPlan(name="alone", input_noise=(0.3,), left_out=0.3, share_of_steps=0.25),
            "clean": FamilyPlan(name="alone", input_noise=(0.1,)),
        },
        width=256,
        depth=1,
        steps=1000,
    ),
    "balanced": Preset(
        summary="some networks fitted at once, and each column's histogram",
        families={
            "mixed": (*_fine(_FINE, weight=2.0), _robust(share_of_steps=0.25)),
            "clean": _fine(_FINE, weight=2.0),
        },
        histogram_weight={"mixed": 1.0, "clean": 0.5},
        width=256,
        depth=1,
        steps=1000,
    ),
    "best": Preset(
        summary="the same, fitted for longer",
        families={
            "mixed": (*_fine(_FINER, weight=2.0), _robust(share_of_steps=0.125)),
            "clean": _fine(_FINER, weight=2.0),
        },
        histogram_weight={"mixed": 1.0, "clean": 0.5},
        width=256,
        depth=1,
        steps=2000,
    ),
}
"""The presets by the name that ``--preset`` takes."""
