"""What settings must keep to, but for those of the network and the threshold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from models.errors import Message, Set
from training.columns.roles import INFINITE, assignment_complaint
from training.settings.presets import PRESETS, TRAINING_ROWS
from training.thresholds.limits import threshold_limits

if TYPE_CHECKING:
    from training.settings.config import TrainConfig

FIT_ON: Final = {
    "all": "every row, labelled or not",
    "normal": "only rows that the label calls normal; all anomalies are judged on",
}
"""Which rows may be learned from, by the name that ``--fit-on`` takes."""

DUPLICATES: Final = {
    "keep": "each counts as often as it occurs",
    "drop": "each is learned from and judged on once",
}
"""What becomes of equal rows, by the name that ``--duplicates`` takes."""


def setting_limits(config: TrainConfig) -> list[tuple[bool, str]]:
    """Return whether each limit holds, with the sentence that says what it is."""
    return [
        (config.fit_on in FIT_ON, f"fit_on must be one of {', '.join(FIT_ON)}, got {config.fit_on!r}."),
        (
            config.fit_on != "normal" or config.label is not None,
            Message("fit_on 'normal' needs a label column: say ", Set("label", like="COLUMN"), "."),
        ),
        (
            not config.anomaly_values or config.label is not None,
            Message("anomaly_values need a label column: say ", Set("label", like="COLUMN"), "."),
        ),
        *(
            (complaint is None, complaint or "")
            for complaint in (
                assignment_complaint(name, getattr(config, name)) for name in ("kind", "date_order", "missing_values")
            )
        ),
        (config.preset in PRESETS, f"preset must be one of {', '.join(PRESETS)}, got {config.preset!r}."),
        (
            config.training_rows in (None, *TRAINING_ROWS),
            f"training_rows must be one of {', '.join(TRAINING_ROWS)}, got {config.training_rows!r}.",
        ),
        (
            config.input_noise is None or config.input_noise >= 0,
            f"input_noise must be at least 0, got {config.input_noise}.",
        ),
        (config.infinite in INFINITE, f"infinite must be one of {', '.join(INFINITE)}, got {config.infinite!r}."),
        (
            config.time is None or config.group is None,
            "time and group exclude one another: a split is in time or by group.",
        ),
        (
            config.duplicates in DUPLICATES,
            f"duplicates must be one of {', '.join(DUPLICATES)}, got {config.duplicates!r}.",
        ),
        (config.least_rows >= 1, f"least_rows must be at least 1, got {config.least_rows}."),
        (config.depth is None or 1 <= config.depth <= 32, f"depth must be from 1 to 32, got {config.depth}."),
        (config.depth is None or config.hidden_units is None, "depth and hidden_units exclude one another: give one."),
        (config.epochs is None or config.epochs >= 1, f"epochs must be at least 1, got {config.epochs}."),
        (
            config.batch_size is None or config.batch_size >= 1,
            f"batch_size must be at least 1, got {config.batch_size}.",
        ),
        (0 < config.learning_rate < math.inf, f"learning_rate must be above 0, got {config.learning_rate}."),
        (config.weight_decay >= 0, f"weight_decay must be at least 0, got {config.weight_decay}."),
        (config.patience >= 1, f"patience must be at least 1, got {config.patience}."),
        (config.seed >= 0, f"seed must be at least 0, got {config.seed}."),
        *threshold_limits(config),
    ]
