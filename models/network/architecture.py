"""The architecture of networks, without Keras: the kinds, the configuration of a dense one, and its layers in order.

`layers_of` is the one definition of the forward pass. Training computes with it, the Keras file and the ONNX graph are
written from it: each by a small table of what a kind of layer is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from models.errors import BundleError, ConfigError, joined
from models.limits import Interval, Limit, complaint_about, complaints_about
from models.network.activations import ACTIVATIONS
from models.strict_json import from_plain

LIMITS: Final[Mapping[str, Limit]] = {
    "features": Interval(1),
    "hidden_units": Interval(1),
    "latent_units": Interval(1),
    "activation": ACTIVATIONS,
    "dropout": Interval(0, 1, "[)"),
    "input_noise": Interval(0),
    "members": Interval(1),
    "skip_weight": Interval(0, 1, "[)"),
}
"""What each setting of an `AutoencoderConfig` must keep to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderConfig:
    """A dense autoencoder with a linear output layer.

    Args:
        features: Width d of input and output.
        hidden_units: Widths of the encoder's hidden layers, outermost first; the decoder mirrors them, if it has any.
        activation: A key of `ACTIVATIONS`, for every hidden layer and the bottleneck.
        activation_parameter: Value of the activation's parameter; None for its default, or where it has none.
        dropout: Share of the hidden units that are left out in each step, in [0, 1).
        input_noise: Standard deviation of the Gaussian noise that the first layer adds to the standardised input while
            fitting; 0 for an ensemble, whose members are given noisy rows.
        members: Number of networks of this shape, M, each with weights of its own; they are fitted and run at once.
        linear_decoder: The decoder has no hidden layer: the output layer follows the bottleneck.
        skip_weight: Weight of its input in each member's output (c_skip of Karras et al., NeurIPS 2022), so that the
            layers have only the rest to learn `(M,)`; empty where no member has one.

    Raises:
        ConfigError: A setting is outside its limits.
    """

    features: int
    hidden_units: tuple[int, ...]
    latent_units: int
    activation: str = "relu"
    activation_parameter: float | None = None
    dropout: float = 0.0
    input_noise: float = 0.0
    members: int = 1
    linear_decoder: bool = False
    skip_weight: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if complaints := list(self._complaints()):
            raise ConfigError(joined(complaints))

    def _complaints(self) -> Iterator[str]:
        yield from complaints_about(self, LIMITS)
        if len(self.skip_weight) not in (0, self.members):
            yield f"skip_weight must be one weight for each of {self.members} members, got {self.skip_weight}."
        spec = ACTIVATIONS.get(self.activation)
        if self.activation_parameter is None or spec is None:
            return
        if spec.parameter is None:
            yield f"activation_parameter is for activations that have one, not for {self.activation}."
        elif sentence := complaint_about(spec.parameter.name, self.activation_parameter, spec.parameter.limits):
            yield sentence

    @property
    def first_member(self) -> AutoencoderConfig:
        """The first member alone."""
        return replace(self, members=1, skip_weight=self.skip_weight[:1])

    @property
    def layer_units(self) -> tuple[int, ...]:
        """Widths of all hidden layers: the encoder's, the bottleneck, the decoder's."""
        decoder = () if self.linear_decoder else reversed(self.hidden_units)
        return (*self.hidden_units, self.latent_units, *decoder)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of all hidden layers, as diagnostics and the exported graph call them."""
        indices = range(1, len(self.hidden_units) + 1)
        decoder = [] if self.linear_decoder else [f"decoder_{i}" for i in indices]
        return (*(f"encoder_{i}" for i in indices), "bottleneck", *decoder)

    @property
    def activation_arguments(self) -> dict[str, float]:
        """The activation's parameter by its name in Keras; empty where it has none."""
        parameter = ACTIVATIONS[self.activation].parameter
        if parameter is None:
            return {}
        value = parameter.default if self.activation_parameter is None else self.activation_parameter
        return {parameter.argument or parameter.name: float(value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One step of the forward pass: a member's value `(n, inputs)` becomes `(n, units)`.

    Args:
        kind: ``noise`` and ``dropout`` act while fitting alone; ``skip`` adds the network's input times `skip_weight`.
        name: Name of the dense layer; the others have the name of the dense layer before them.
        initializer: Starting kernel of a dense layer, by its name in Keras.
    """

    kind: Literal["noise", "dense", "activation", "dropout", "skip"]
    name: str
    inputs: int
    units: int
    initializer: str = ""


def layers_of(config: AutoencoderConfig) -> tuple[Layer, ...]:
    """Return the layers of each member, from `Z` `(n, d)` to the reconstruction `(n, d)`."""
    width = config.features
    layers = [Layer(kind="noise", name="input_noise", inputs=width, units=width)] if config.input_noise else []
    for name, units in zip(config.layer_names, config.layer_units, strict=True):
        initializer = ACTIVATIONS[config.activation].initializer
        layers.append(Layer(kind="dense", name=name, inputs=width, units=units, initializer=initializer))
        layers.append(Layer(kind="activation", name=name, inputs=units, units=units))
        if config.dropout and name != "bottleneck":
            layers.append(Layer(kind="dropout", name=name, inputs=units, units=units))
        width = units
    # Linear: it predicts quantities of either sign. Its targets have unit variance, hence Glorot.
    layers.append(Layer(kind="dense", name="output", inputs=width, units=config.features, initializer="glorot_uniform"))
    if config.skip_weight:
        layers.append(Layer(kind="skip", name="skip", inputs=config.features, units=config.features))
    return tuple(layers)


def weight_shapes(config: AutoencoderConfig) -> dict[str, tuple[int, int, int]]:
    """Return the shapes of the weights by name: kernels `(M, inputs, units)`, biases and slopes `(M, 1, units)`."""
    shapes = {}
    for layer in layers_of(config):
        if layer.kind == "dense":
            shapes[f"{layer.name}_kernel"] = (config.members, layer.inputs, layer.units)
            shapes[f"{layer.name}_bias"] = (config.members, 1, layer.units)
        elif layer.kind == "activation" and ACTIVATIONS[config.activation].learns_slope:
            shapes[f"{layer.name}_slope"] = (config.members, 1, layer.units)
    return shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """What serving needs to know of a kind of network.

    Args:
        engine: A key of `models.network.engine.ENGINES`.
    """

    config: type[AutoencoderConfig]
    engine: str


NETWORKS: Final[dict[str, NetworkSpec]] = {
    "dense": NetworkSpec(config=AutoencoderConfig, engine="onnx"),
}
"""The kinds of networks by the name that a bundle's manifest has, as in `training.network.learning.BUILDERS`."""


def kind_of(config: AutoencoderConfig) -> str:
    """Return the kind of network that a configuration is of."""
    return next(name for name, spec in NETWORKS.items() if spec.config is type(config))


def network_to_plain(config: AutoencoderConfig) -> dict[str, Any]:
    """Return a configuration with its kind, as plain data."""
    return {"kind": kind_of(config), **asdict(config)}


def network_from_plain(plain: Mapping[str, Any]) -> AutoencoderConfig:
    """Return the configuration that `network_to_plain` gave.

    Raises:
        BundleError: The kind is unknown, or `plain` is no configuration of it.
    """
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in NETWORKS:
        raise BundleError(f"the network's kind {kind!r} is none of {', '.join(NETWORKS)}. Train the detector anew.")
    try:
        return from_plain({name: value for name, value in plain.items() if name != "kind"}, NETWORKS[kind].config)
    except (ValueError, ConfigError) as error:
        raise BundleError(f"The network's configuration is not readable ({error}); train the bundle anew.") from error
