"""Our methods, all through the scikit-learn estimator of the product."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError

if TYPE_CHECKING:
    from training.estimator import AutoencoderDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The estimator with some settings.

    Args:
        name: Its name on the command line.
        says: Its description in a few words.
        settings: Parameters of the estimator that differ from its defaults.
        protocols: The protocols in which the settings are true.
    """

    name: str
    says: str
    settings: dict[str, Any]
    protocols: tuple[str, ...] = ("S", "U")


OURS: Final = (
    Variant(name="ours", says="ours, by default, told nothing", settings={}),
    Variant(
        name="ours_clean",
        says="ours, told that the fitting rows are normal",
        settings={"training_rows": "clean"},
        protocols=("S",),
    ),
    Variant(name="fast", says="ours, the preset fast", settings={"preset": "fast"}),
    Variant(name="best", says="ours, the preset best", settings={"preset": "best"}),
    Variant(
        name="plain",
        says="one dense autoencoder without noise, as libraries ship it, in our own program",
        settings={
            "preset": "fast",
            "hidden_units": (64, 32),
            "latent_units": 16,
            "input_noise": 0.0,
            "weight_decay": 0.0,
            "training_rows": "clean",  # no trimmed loss
        },
    ),
)
"""Our methods that are measured by default."""


def fit_ours(settings: Mapping[str, Any], X: Any, seed: int) -> Callable[[Any], NDArray[np.floating]]:
    """Fit our estimator; return its scoring function, higher for anomalies.

    Args:
        settings: Parameters that differ from the defaults.
        X: Rows `(n, d)`, or a data frame.
        seed: Seed of the split, the weights and the order of the rows.
    """
    return new_ours(settings, seed).fit(X).anomaly_score


def new_ours(settings: Mapping[str, Any], seed: int) -> AutoencoderDetector:
    """Return our estimator, not fitted; the arguments are those of `fit_ours`."""
    from training.estimator import AutoencoderDetector

    return AutoencoderDetector(**settings, random_state=seed)


def is_ours(name: str) -> bool:
    """Return whether a method is the estimator with some settings."""
    return name.startswith("ours:") or name in {variant.name for variant in OURS}


def settings_by_name(name: str) -> dict[str, Any]:
    """Return the settings of a method that is ours.

    Raises:
        ConfigError: The method is not ours.
    """
    for variant in OURS:
        if variant.name == name:
            return variant.settings
    if name.startswith("ours:"):
        return settings_of(name)
    raise ConfigError(
        f"--methods: {name} is not ours; here only {', '.join(item.name for item in OURS)} can be measured."
    )


def settings_of(name: str) -> dict[str, Any]:
    """Return the settings in a name such as ``ours:dropout=0.1,hidden_units=64-32``.

    Raises:
        ConfigError: One is no KEY=VALUE, or no parameter of the estimator.
    """
    settings: dict[str, Any] = {}
    for part in name.partition(":")[2].split(","):
        key, equals, text = part.partition("=")
        if not equals or not key:
            raise ConfigError(f"--methods: {name!r}: settings are KEY=VALUE,KEY=VALUE, got {part!r}.")
        settings[key] = _value(key, text)
    complaint = complaint_about(name, settings)
    if complaint:
        raise ConfigError(f"--methods: {complaint}; it has {', '.join(_parameters())}.")
    return settings


def complaint_about(name: str, settings: Mapping[str, Any]) -> str | None:
    """Return which settings the estimator does not take, in a sentence; None if it takes all."""
    if not settings:
        return None
    unknown = [key for key in settings if key not in _parameters()]
    if not unknown:
        return None
    return f"{name}: the estimator has no parameter {', '.join(unknown)}"


@cache
def _parameters() -> tuple[str, ...]:
    from training.estimator import AutoencoderDetector

    return tuple(name for name in AutoencoderDetector().get_params() if name != "random_state")


def _value(key: str, text: str) -> Any:
    """Parse the value of a setting: hyphens separate a list, all else is a Python literal or text."""
    from training.settings.config import TrainConfig

    hint = get_type_hints(TrainConfig).get(key)
    if any(getattr(option, "__origin__", option) is tuple for option in (*get_args(hint), hint)):
        return tuple(_literal(part) for part in text.split("-"))
    return _literal(text)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
