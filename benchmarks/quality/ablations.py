"""Ours without one of its parts: what each idea is worth, on the sets and splits of everything else.

The settings that a user has cannot take an ensemble apart; so a preset is made for each, for as long as its fit lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.ours import fit_ours

if TYPE_CHECKING:
    from training.settings.presets import FamilyPlan, Preset


def _families(keeps: Callable[[FamilyPlan], FamilyPlan | None]) -> Callable[[Preset], Preset]:
    """Return a change of each family, which is left out where None comes back."""

    def changed(preset: Preset) -> Preset:
        families = {
            rows: tuple(plan for plan in map(keeps, plans) if plan is not None)
            for rows, plans in preset.families.items()
        }
        return replace(preset, families=families)

    return changed


def _without_histograms(preset: Preset) -> Preset:
    return replace(preset, histogram_weight=dict.fromkeys(preset.histogram_weight, 0.0))


WITHOUT: Final[dict[str, tuple[str, Callable[[Preset], Preset]]]] = {
    "robust": (
        "no networks that leave the strangest rows out",
        _families(lambda plan: None if plan.left_out else plan),
    ),
    "fine": ("no networks but those", _families(lambda plan: plan if plan.left_out else None)),
    "residual": ("no network that starts from its input", _families(lambda plan: None if plan.residual else plan)),
    "logarithm": (
        "the errors of the robust networks as they are",
        _families(lambda plan: replace(plan, logarithmic=False)),
    ),
    "noises": (
        "every network with the same noise, 0.5",
        _families(lambda plan: replace(plan, input_noise=(0.5,) * len(plan.input_noise))),
    ),
    "histograms": ("no histograms of the columns", _without_histograms),
    "width": ("hidden layers of 64 units", lambda preset: replace(preset, width=64)),
}
"""What is taken away, in words and as a change of the preset, by the name behind ``without:``."""


def fit_without(part: str, X: Any, seed: int) -> Callable[[Any], NDArray[np.floating]]:
    """Fit ours without a part; return the function that gives its scores, higher for anomalies.

    Args:
        part: A key of `WITHOUT`.
        X: Rows `(n, d)`.
        seed: Of the split, the weights and the order of the rows.
    """
    from training.settings.presets import PRESETS

    name = f"without {part}"
    PRESETS[name] = WITHOUT[part][1](PRESETS["balanced"])
    try:
        return fit_ours({"preset": name}, X, seed)
    finally:
        del PRESETS[name]
