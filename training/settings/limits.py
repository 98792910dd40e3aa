"""The limits of the settings: one table of intervals and choices, and checks of settings against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from models.calibration import THRESHOLD_METHODS
from models.errors import Message, Set
from models.limits import Interval, Limit, complaints_about
from models.network.activations import ACTIVATION_PARAMETERS, ACTIVATIONS
from models.network.architecture import LIMITS as NETWORK_LIMITS
from training.columns.roles import ASSIGNMENTS, INFINITE
from training.settings.presets import PRESETS, TRAINING_ROWS

if TYPE_CHECKING:
    from training.settings.config import TrainConfig

FIT_ON: Final = {
    "all": "every row, labelled or not",
    "normal": "only rows that the label calls normal; all anomalies are test rows",
}
"""Which rows may be learned from, by the name that ``--fit-on`` takes."""

DUPLICATES: Final = {"keep": "each counts as often as it occurs", "drop": "each is used once"}
"""The treatment of duplicates, by the name that ``--duplicates`` takes."""

LIMITS: Final[Mapping[str, Limit]] = {
    "fit_on": FIT_ON,
    "infinite": INFINITE,
    "duplicates": DUPLICATES,
    "least_rows": Interval(1),
    "training_rows": TRAINING_ROWS,
    "preset": {name: preset.summary for name, preset in PRESETS.items()},
    "activation": {name: spec.summary for name, spec in ACTIVATIONS.items()},
    **{name: parameter.limits for name, parameter in ACTIVATION_PARAMETERS.items()},
    **{name: NETWORK_LIMITS[name] for name in ("hidden_units", "latent_units", "dropout", "input_noise")},
    "depth": Interval(1, 32),
    "epochs": Interval(1),
    "batch_size": Interval(1),
    "learning_rate": Interval(0, ends="(]"),
    "weight_decay": Interval(0),
    "patience": Interval(1),
    "seed": Interval(0),
    "threshold_method": {name: method.summary for name, method in THRESHOLD_METHODS.items()},
    **{
        name: target.limits
        for method in reversed(THRESHOLD_METHODS.values())  # where two take a setting, the first one's limits count
        for name, target in method.targets.items()
    },
}
"""The limit of each setting: an interval, or its choices with a line of help each."""

_A_LABEL: Final = Message("a label column: say ", Set("label", like="COLUMN"), ".")


def complaints(config: TrainConfig) -> Iterator[str]:
    """Yield a sentence for each setting outside its limit, and for settings that do not go together."""
    yield from complaints_about(config, LIMITS)
    for name, (form, is_valid) in ASSIGNMENTS.items():
        for text in getattr(config, name):
            if (name == "kind" and "=" not in text) or not is_valid(text.rpartition("=")[2]):
                yield f"{name} must be {form}, got {text!r}."
                break
    if config.fit_on == "normal" and config.label is None:
        yield Message("fit_on 'normal' needs ", _A_LABEL)
    if config.anomaly_values and config.label is None:
        yield Message("anomaly_values need ", _A_LABEL)
    if config.time is not None and config.group is not None:
        yield "time and group exclude one another: a split is in time or by group."
    if config.depth is not None and config.hidden_units is not None:
        yield "depth and hidden_units exclude one another: give one."
    if config.threshold_method in THRESHOLD_METHODS:
        yield from _threshold_complaints(config)


def _threshold_complaints(config: TrainConfig) -> Iterator[str]:
    name, method = config.threshold_method, THRESHOLD_METHODS[config.threshold_method]
    for setting in dict.fromkeys(name for each in THRESHOLD_METHODS.values() for name in each.settings):
        takers = [name for name, each in THRESHOLD_METHODS.items() if setting in each.settings]
        if getattr(config, setting) is not None and name not in takers:
            what = f"{setting} has no effect with threshold_method {name!r}: say "
            yield Message(what, Set("threshold_method", takers[0]), ", or leave ", Set(setting), " out.")
    given = [setting for setting in method.settings if getattr(config, setting) is not None]
    if len(given) > 1:
        yield f"{' and '.join(given)} exclude one another: give one."
    if not given and not method.defaults:
        needed = method.settings[0]
        what = f"threshold_method {name!r} needs the {needed}: say "
        yield Message(what, Set(needed, like="SCORE"), ".")
    if method.needs_labels and config.label is None:
        yield Message(f"threshold_method {name!r} needs ", _A_LABEL)
    if config.threshold_by is not None and not method.by_segment:
        what = f"threshold_by has no effect with threshold_method {name!r}, which gives one threshold: leave "
        yield Message(what, Set("threshold_by"), " out.")
