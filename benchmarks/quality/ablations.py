"""Ablations: ours without one of its parts, on the same sets and splits.

User settings cannot take an ensemble apart, so each ablation changes the default preset while it is fitted.
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
    """Return a change of the preset's families; a family is left out where the change returns None."""

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
        "no networks with trimmed loss",
        _families(lambda plan: None if plan.trim else plan),
    ),
    "fine": ("only networks with trimmed loss", _families(lambda plan: plan if plan.trim else None)),
    "residual": ("no network that starts from its input", _families(lambda plan: None if plan.residual else plan)),
    "logarithm": (
        "the errors of the robust networks without logarithm",
        _families(lambda plan: replace(plan, logarithmic=False)),
    ),
    "noises": (
        "every network with the same noise, 0.5",
        _families(lambda plan: replace(plan, input_noise=(0.5,) * len(plan.input_noise))),
    ),
    "histograms": ("no histograms of the columns", _without_histograms),
    "width": ("hidden layers of 64 units", lambda preset: replace(preset, width=64)),
}
"""Ablations by the name after ``without:``, each with a description and a change of the preset."""


def fit_without(part: str, X: Any, seed: int) -> Callable[[Any], NDArray[np.floating]]:
    """Fit ours without a part; return its scoring function, higher for anomalies.

    Args:
        part: A key of `WITHOUT`.
        X: Rows `(n, d)`.
        seed: Seed of the split, the weights and the order of the rows.
    """
    from training.settings.presets import PRESETS

    preset = PRESETS["balanced"]
    PRESETS["balanced"] = WITHOUT[part][1](preset)
    try:
        return fit_ours({"preset": "balanced"}, X, seed)
    finally:
        PRESETS["balanced"] = preset
