"""Outcomes as trials would find them, with the figures that a test cares about."""

from __future__ import annotations

from typing import Any

from training.comparison.outcomes import FoundKind, Outcome
from training.comparison.trials import Setting, Trial
from training.network.diagnostics import LayerHealth

SETTING = Setting(hidden_units=(8,), learning_rate=1e-3)


def outcome(activation: str, seed: int, error: float, **changes: Any) -> Outcome:
    """Return what a network of eight units found; a step takes a millisecond.

    `found` is ROC AUC of planted errors by kind.
    """
    dead = changes.pop("dead", 0)
    found = changes.pop("found", {})
    layer = LayerHealth(layer="encoder_1", units=8, dead=dead, nearly_dead=0, saturated=0, zeros=0.5)
    usual: dict[str, Any] = {
        "trial": Trial(activation=activation, setting=changes.pop("setting", SETTING), seed=seed),
        "parameters": 100,
        "steps": 10,
        "best_epoch": 3,
        "seconds": 0.05,
        "losses": (3.0, 2.0, 1.0),
        "validation_losses": (3.5, 2.5, 1.5),
        "elapsed": (0.02, 0.03, 0.04),
        "dead_by_epoch": {"encoder_1": (0.0, 0.0, dead / 8)},
        "first_gradients": {"encoder_1": 0.5, "output": 1.0},
        "last_gradients": {"encoder_1": 0.1, "output": 0.2},
        "units": (layer,),
        "slopes": {},
        "error": error,
        "scoring_seconds": 1e-6,
        "scores": (1.0, 2.0, 3.0, 4.0),
        "roc_auc": None,
        "found": tuple(FoundKind(kind=kind, rows=10, roc_auc=area, at_rate=area / 2) for kind, area in found.items()),
        "false_alarm_rate": 0.01,
        "average_precision": None,
    }
    return Outcome(**(usual | changes))
