"""Checks of the threshold's settings against each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from models.calibration import THRESHOLD_METHODS
from models.errors import Message, Set

if TYPE_CHECKING:
    from training.settings.config import TrainConfig


def threshold_complaints(config: TrainConfig) -> Iterator[str]:
    """Yield a sentence for each check that fails."""
    name = config.threshold_method
    method = THRESHOLD_METHODS.get(name)
    if method is None:
        return
    for setting in dict.fromkeys(name for each in THRESHOLD_METHODS.values() for name in each.settings):
        methods = takers(setting)
        if getattr(config, setting) is not None and name not in methods:
            what = f"{setting} has no effect with threshold_method {name!r}: say "
            yield Message(what, Set("threshold_method", methods[0]), ", or leave ", Set(setting), " out.")
    given = [setting for setting in method.settings if getattr(config, setting) is not None]
    if len(given) > 1:
        yield f"{' and '.join(given)} exclude one another: give one."
    if not given and not method.defaults:
        needed = method.settings[0]
        what = f"threshold_method {name!r} needs the {needed}: say "
        yield Message(what, Set(needed, like="SCORE"), ".")
    if method.needs_labels and config.label is None:
        yield Message(f"threshold_method {name!r} needs a label column: say ", Set("label", like="COLUMN"), ".")
    if config.threshold_by is not None and not method.by_segment:
        what = f"threshold_by has no effect with threshold_method {name!r}, which gives one threshold: leave "
        yield Message(what, Set("threshold_by"), " out.")


def takers(setting: str) -> list[str]:
    """Return the threshold methods that take a setting."""
    return [name for name, method in THRESHOLD_METHODS.items() if setting in method.settings]
