"""What a network looks like, apart from Keras: its settings, checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.errors import BundleError, ConfigError
from models.network.activations import ACTIVATIONS
from models.strict_json import from_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderConfig:
    """A dense autoencoder with a linear output layer.

    Args:
        features: Width d of input and output.
        hidden_units: Widths of the encoder's hidden layers, outermost first; the decoder mirrors them, if it has any.
        latent_units: Width of the bottleneck.
        activation: A key of `ACTIVATIONS`, for every hidden layer and the bottleneck.
        negative_slope: Slope of leaky_relu below zero.
        alpha: Limit of elu far below zero is −alpha.
        dropout: Share of the hidden units that are left out in each step, in [0, 1).
        input_noise: Standard deviation of the Gaussian noise on the standardised input while fitting a single network.
        members: Networks of this shape that are fitted and run at once, each with weights of its own.
        linear_decoder: The output is read off the bottleneck at once: the decoder has no hidden layer.
        carried: Share of its input that each member's output starts from, so that it has only the rest to learn;
            empty where none does.

    Raises:
        ConfigError: A setting is outside its limits.
    """

    features: int
    hidden_units: tuple[int, ...]
    latent_units: int
    activation: str = "relu"
    negative_slope: float = 0.1
    alpha: float = 1.0
    dropout: float = 0.0
    input_noise: float = 0.0
    members: int = 1
    linear_decoder: bool = False
    carried: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        complaints = [sentence for holds, sentence in self._limits() if not holds]
        if complaints:
            raise ConfigError(" ".join(complaints))

    def _limits(self) -> list[tuple[bool, str]]:
        return [
            (self.features >= 1, f"features must be at least 1, got {self.features}."),
            (
                all(units >= 1 for units in self.hidden_units),
                f"hidden_units must be at least 1 each, got {self.hidden_units}.",
            ),
            (self.latent_units >= 1, f"latent_units must be at least 1, got {self.latent_units}."),
            (
                self.activation in ACTIVATIONS,
                f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}.",
            ),
            (0 <= self.negative_slope < 1, f"negative_slope must be in [0, 1), got {self.negative_slope}."),
            (self.alpha > 0, f"alpha must be above 0, got {self.alpha}."),
            (0 <= self.dropout < 1, f"dropout must be in [0, 1), got {self.dropout}."),
            (self.input_noise >= 0, f"input_noise must be at least 0, got {self.input_noise}."),
            (self.members >= 1, f"members must be at least 1, got {self.members}."),
            (
                len(self.carried) in {0, self.members} and all(0 <= share < 1 for share in self.carried),
                f"carried must be one share in [0, 1) for each of {self.members} members, got {self.carried}.",
            ),
            (self.members > 1 or not self.carried, "carried is for several members."),
        ]

    @property
    def layer_units(self) -> tuple[int, ...]:
        """Widths of all hidden layers: the encoder's, the bottleneck, the decoder's."""
        decoder = () if self.linear_decoder else reversed(self.hidden_units)
        return (*self.hidden_units, self.latent_units, *decoder)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of all hidden layers, as diagnostics and the exported graph call them."""
        numbers = range(1, len(self.hidden_units) + 1)
        decoder = [] if self.linear_decoder else [f"decoder_{number}" for number in numbers]
        return (*(f"encoder_{number}" for number in numbers), "bottleneck", *decoder)

    @property
    def activation_parameter(self) -> float | None:
        """Value of the activation's parameter, if it has one."""
        name = ACTIVATIONS[self.activation].parameter
        return None if name is None else float(getattr(self, name))

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal configuration."""
        return asdict(self) | {"hidden_units": list(self.hidden_units), "carried": list(self.carried)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> AutoencoderConfig:
        """Make a configuration from what `to_json` gave.

        Raises:
            BundleError: `plain` is not the plain form of a configuration.
        """
        try:
            return from_plain(plain, cls)
        except (ValueError, ConfigError) as error:
            raise BundleError(
                f"The network's configuration is not readable ({error}); train the bundle anew."
            ) from error
