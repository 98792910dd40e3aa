"""The trials of a comparison: each activation with the same seeds, under the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from models.messages import Message, phrase
from training.settings.config import TrainConfig
from training.settings.presets import default_hidden_units

DEFAULT_ACTIVATIONS: Final = ("relu", "leaky_relu", "prelu", "elu", "selu", "tanh", "sigmoid")
_ALL_EPOCHS: Final = 1_000_000  # of patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Widths of the encoder's hidden layers, outermost first, and the largest step size."""

    hidden_units: tuple[int, ...]
    learning_rate: float

    def __str__(self) -> str:
        return str(self.in_words)

    @property
    def in_words(self) -> Message:
        """The setting in words."""
        widths = "–".join(map(str, self.hidden_units))
        return phrase("hidden layers {widths}, learning rate {rate:g}", widths=widths, rate=self.learning_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One network to fit; its seed is that of the initial weights, the order of the rows and the noise."""

    activation: str
    setting: Setting
    seed: int

    def config(self, config: TrainConfig) -> TrainConfig:
        """Return the settings of this trial: those of the comparison, to the end of its steps."""
        return replace(
            config,
            patience=_ALL_EPOCHS,
            activation=self.activation,
            hidden_units=self.setting.hidden_units,
            depth=None,
            learning_rate=self.setting.learning_rate,
            seed=self.seed,
        )


def settings_of(config: TrainConfig, *, depths: Sequence[int], learning_rates: Sequence[float]) -> list[Setting]:
    """Return every depth with every learning rate; the default is that of the configuration."""
    widest = config.architecture(features=1).hidden_units
    shapes = [default_hidden_units(widest[0], depth=depth) for depth in depths] or [widest]
    rates = list(learning_rates) or [config.learning_rate]
    return [Setting(hidden_units=shape, learning_rate=rate) for shape in shapes for rate in rates]


def trials_of(activations: Sequence[str], settings: Sequence[Setting], seeds: Sequence[int]) -> list[Trial]:
    """Return all trials, seed by seed, so that other load on the machine affects all activations alike."""
    return [
        Trial(activation=activation, setting=setting, seed=seed)
        for seed in seeds
        for setting in settings
        for activation in activations
    ]
