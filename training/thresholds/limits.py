"""What the settings of the threshold must keep to, each with the sentence that says so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from models.calibration import THRESHOLD_METHODS
from models.errors import Message, Set

if TYPE_CHECKING:
    from training.settings.config import TrainConfig

_SHARES: Final = {"alert_rate": 1.0, "contamination": 0.5, "precision": 1.0, "recall": 1.0, "false_positive_rate": 1.0}
_MAY_BE_LARGEST: Final = ("contamination", "precision")


def threshold_limits(config: TrainConfig) -> list[tuple[bool, str]]:
    """Return for each limit whether the settings keep to it, and what is said where they do not."""
    name = config.threshold_method
    if name not in THRESHOLD_METHODS:
        return [(False, f"threshold_method must be one of {', '.join(THRESHOLD_METHODS)}, got {name!r}.")]
    method = THRESHOLD_METHODS[name]
    goals = [setting for setting in method.flags if getattr(config, setting) is not None]
    takes = {setting: takers(setting) for method in THRESHOLD_METHODS.values() for setting in method.flags}
    return [
        *(_share_limit(setting, getattr(config, setting)) for setting in _SHARES),
        (config.beta is None or 0 < config.beta < math.inf, f"beta must be above 0, got {config.beta}."),
        *(
            (
                getattr(config, setting) is None or name in methods,
                Message(
                    f"{setting} has no effect with threshold_method {name!r}: say ",
                    Set("threshold_method", methods[0]),
                    ", or leave ",
                    Set(setting),
                    " out.",
                ),
            )
            for setting, methods in takes.items()
        ),
        (len(goals) <= 1, f"{' and '.join(goals)} exclude one another: give one."),
        (
            name != "fixed" or config.threshold is not None,
            Message("threshold_method 'fixed' needs the threshold: say ", Set("threshold", like="SCORE"), "."),
        ),
        (
            name != "labels" or config.label is not None,
            Message("threshold_method 'labels' needs a label column: say ", Set("label", like="COLUMN"), "."),
        ),
        (
            config.threshold_by is None or method.by_segment,
            Message(
                f"threshold_by has no effect with threshold_method {name!r}, which gives one threshold: leave ",
                Set("threshold_by"),
                " out.",
            ),
        ),
    ]


def takers(setting: str) -> list[str]:
    """Return the threshold methods that take a setting."""
    return [name for name, method in THRESHOLD_METHODS.items() if setting in method.flags]


def _share_limit(setting: str, value: float | None) -> tuple[bool, str]:
    most, closed = _SHARES[setting], setting in _MAY_BE_LARGEST
    within = value is None or 0 < value < most or (closed and value == most)
    return within, f"{setting} must be in (0, {most:g}{']' if closed else ')'}, got {value}."
