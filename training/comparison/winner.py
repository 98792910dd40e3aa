"""Trains a detector with the activation that a comparison recommends; its card keeps the comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from models.repository import version_of
from training.comparison.summary import Summary
from training.data.prepare import Prepared
from training.programs.terminal import fit_with_bar, show_result
from training.settings.config import TrainConfig

_KEPT: Final = ("recommendation", "ties", "reason", "settled", "differences", "activations")


def save_winner(
    prepared: Prepared,
    config: TrainConfig,
    winner: Summary,
    *,
    comparison: Mapping[str, Any],
    swept: bool,
    name: str,
    bundle: Path,
    unfinished: Path,
    console: Console,
    progress: Console,
) -> None:
    """Fit, calibrate and write the detector, and say what happened.

    Args:
        prepared: The table.
        config: The settings, with the preset of the detector.
        winner: Which activation, under which setting.
        comparison: The report of the comparison.
        swept: Depths or learning rates were compared: the winner's are taken. Otherwise those of the preset.
        name: What the detector is called.
        bundle: Where it will be.
        unfinished: Where it is written until then.
        console: Where the result is shown.
        progress: Where the bar is shown.

    Raises:
        TrainingError: The loss is not a number.
        BundleError: The saved detector scores differently.
    """
    started = time.perf_counter()
    wanted = replace(config, activation=winner.activation)
    if swept:
        setting = winner.setting
        wanted = replace(wanted, hidden_units=setting.hidden_units, learning_rate=setting.learning_rate)
    result = fit_with_bar(progress, prepared, wanted, name=name, version=version_of(bundle))
    kept = {key: comparison[key] for key in _KEPT}
    card = {**result.detector.card, "comparison": kept}
    result = replace(result, detector=replace(result.detector, card=card))
    from training.save import write_result

    write_result(result, unfinished)
    show_result(console, result, bundle=bundle, seconds=time.perf_counter() - started)
