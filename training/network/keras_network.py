"""A dense network in TensorFlow: its weights, its forward pass, and the ``.keras`` file of it.

`models.network.architecture.layers_of` says what the layers are; here are two tables of what each kind of layer is, in
the forward pass and in the file. `Any` stands for what Keras and TensorFlow give: they have no types of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, Layer, layers_of
from training.network.keras_start import keras, prepare_backend, tf

Step = Callable[[Any, Any, bool], Any]
"""A layer: value, the network's input and whether it is fitted, to the next value."""

Weights = dict[str, NDArray[np.float32]]
"""Arrays by name and shape, as `models.network.architecture.weight_shapes` gives them."""


class DenseNetwork:
    """M dense networks of one shape, computed at once; a single network is a stack of one.

    Args:
        seed: Of the starting weights, the dropout and the noise of the input layer.
    """

    def __init__(self, config: AutoencoderConfig, *, seed: int) -> None:
        prepare_backend()
        self.config = config
        self.weights: dict[str, Any] = {}
        self.output_scale: NDArray[np.float32] | None = None
        """What each member's output layer is multiplied by while fitting `(M,)`."""
        seeds = _seeds(seed)
        self._steps: list[tuple[Layer, Step]] = [
            (layer, _FORWARD[layer.kind](self, layer, seeds)) for layer in layers_of(config)
        ]

    def forward(self, Z: Any, *, training: bool = False) -> tuple[Any, dict[str, Any]]:
        """Return the reconstructions `(M, n, d)`, and the outputs of the hidden layers `(M, n, units)` by name.

        Args:
            Z: Rows for all members `(n, d)`, or for each its own `(M, n, d)`.
            training: Whether noise and dropout act.
        """
        members = self.config.members
        if members == 1:  # TensorFlow is faster with matrices than with stacks of one
            value = tf.reshape(Z, Z.shape[-2:])
        else:
            value = Z if len(Z.shape) == 3 else tf.broadcast_to(Z, (members, *Z.shape))
        inputs, outputs = value, {}
        for layer, step in self._steps:
            value = step(value, inputs, training)
            if layer.kind == "activation":
                outputs[layer.name] = value
        if members == 1:
            return value[None], {name: output[None] for name, output in outputs.items()}
        return value, outputs

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the reconstructions `(M, n, d)` of `Z` `(n, d)`: what every engine is compared with."""
        return np.asarray(self.forward(Z)[0], np.float32)

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the output of the first member's bottleneck `(n, k)` for `Z` `(n, d)`."""
        return np.asarray(self.forward(Z)[1]["bottleneck"][0], np.float32)

    def squeezed(self, stack: Any) -> Any:
        """Return weights `(M, …)` as the forward pass takes them: those of a single network without the first axis."""
        return tf.squeeze(stack, 0) if self.config.members == 1 else stack

    @property
    def kernels(self) -> list[str]:
        """Names of the kernels, which are the weights that decay."""
        return [name for name in self.weights if name.endswith("_kernel")]

    def arrays(self) -> Weights:
        """Return a copy of the weights."""
        return {name: variable.numpy() for name, variable in self.weights.items()}

    def assign(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Set weights by name."""
        for name, array in arrays.items():
            self.weights[name].assign(array)

    def apply_output_scale(self) -> None:
        """Make the scale of the output layers part of their weights."""
        if self.output_scale is not None:
            scale = self.output_scale[:, None, None]
            self.assign({name: self.weights[name].numpy() * scale for name in ("output_kernel", "output_bias")})
            self.output_scale = None


def join_networks(config: AutoencoderConfig, parts: Sequence[DenseNetwork]) -> DenseNetwork:
    """Return one network with the members of several."""
    network = DenseNetwork(config, seed=0)
    arrays = [part.arrays() for part in parts]
    network.assign({name: np.concatenate([weights[name] for weights in arrays]) for name in network.weights})
    return network


def save_network(network: DenseNetwork, path: Path) -> None:
    """Write a ``.keras`` file, which stock Keras loads: `Z` `(n, d)` → `(n, M, d)`."""
    keras_model(network).save(path)


def keras_model(network: DenseNetwork) -> Any:
    """Return a Keras model with the weights of a network."""
    config, weights = network.config, network.arrays()
    value = inputs = keras.Input((config.features,), name="Z")
    for layer in layers_of(config):
        value = _IN_KERAS[layer.kind](config, layer, value, inputs)
    model = keras.Model(inputs, value, name="autoencoder")
    for name, array in weights.items():
        layer_name, _, kind = name.rpartition("_")
        if kind == "kernel":
            model.get_layer(layer_name).set_weights([array, weights[f"{layer_name}_bias"][:, 0]])
        elif kind == "slope":
            model.get_layer(f"{layer_name}_activation").set_weights([array[:, 0]])
    return model


def _seeds(seed: int) -> Iterator[int]:
    """Yield a seed for each layer."""
    sequence = np.random.SeedSequence(seed)
    while True:
        yield int(sequence.spawn(1)[0].generate_state(1)[0])


# --- the forward pass -----------------------------------------------------------------------------------


def _noise(network: DenseNetwork, layer: Layer, seeds: Iterator[int]) -> Step:
    noise = keras.layers.GaussianNoise(network.config.input_noise, seed=next(seeds))
    return lambda value, _, training: noise(value, training=training)


def _dense(network: DenseNetwork, layer: Layer, seeds: Iterator[int]) -> Step:
    class_name = "".join(word.capitalize() for word in layer.initializer.split("_"))
    # Kernel by kernel: an initialiser of the whole stack would take the members for more inputs.
    starts = [
        keras.initializers.get({"class_name": class_name, "config": {"seed": next(seeds)}})((layer.inputs, layer.units))
        for _ in range(network.config.members)
    ]
    kernel = network.weights[f"{layer.name}_kernel"] = tf.Variable(tf.stack(starts))
    bias = network.weights[f"{layer.name}_bias"] = tf.Variable(tf.zeros((len(starts), 1, layer.units)))

    weight = network.squeezed

    def step(value: Any, _: Any, training: bool) -> Any:
        product = tf.matmul(value, weight(kernel)) + weight(bias)
        if layer.name == "output" and network.output_scale is not None:
            return network.squeezed(network.output_scale[:, None, None]) * product
        return product

    return step


def _activation(network: DenseNetwork, layer: Layer, seeds: Iterator[int]) -> Step:
    if not ACTIVATIONS[network.config.activation].learns_slope:
        function = _keras_activation(network.config, layer)
        return lambda value, _, training: function(value)
    zeros = tf.zeros((network.config.members, 1, layer.units))
    slope = network.weights[f"{layer.name}_slope"] = tf.Variable(zeros)
    return lambda value, _, training: tf.nn.relu(value) - network.squeezed(slope) * tf.nn.relu(-value)


def _dropout(network: DenseNetwork, layer: Layer, seeds: Iterator[int]) -> Step:
    dropout = _keras_dropout(network.config, layer, seed=next(seeds))
    return lambda value, _, training: dropout(value, training=training)


def _skip(network: DenseNetwork, layer: Layer, seeds: Iterator[int]) -> Step:
    weight = tf.constant(network.config.skip_weight, tf.float32)[:, None, None]
    return lambda value, inputs, training: value + network.squeezed(weight) * inputs


_FORWARD: Final[dict[str, Callable[[DenseNetwork, Layer, Iterator[int]], Step]]] = {
    "noise": _noise,
    "dense": _dense,
    "activation": _activation,
    "dropout": _dropout,
    "skip": _skip,
}

# --- layers of the file ---------------------------------------------------------------------------------


def _keras_activation(config: AutoencoderConfig, layer: Layer) -> Any:
    spec, name = ACTIVATIONS[config.activation], f"{layer.name}_activation"
    if spec.keras[0].isupper():
        return getattr(keras.layers, spec.keras)(name=name, **config.activation_arguments)
    if config.activation_arguments:
        return partial(getattr(keras.activations, spec.keras), **config.activation_arguments)
    return keras.layers.Activation(spec.keras, name=name)


def _keras_dropout(config: AutoencoderConfig, layer: Layer, *, seed: int | None = None) -> Any:
    alpha_dropout = ACTIVATIONS[config.activation].alpha_dropout
    kind = keras.layers.AlphaDropout if alpha_dropout else keras.layers.Dropout
    return kind(config.dropout, seed=seed, name=f"{layer.name}_dropout")


def _keras_dense(config: AutoencoderConfig, layer: Layer, value: Any) -> Any:
    equation = "bi,mio->bmo" if len(value.shape) == 2 else "bmi,mio->bmo"
    shape = (config.members, layer.units)
    return keras.layers.EinsumDense(equation, output_shape=shape, bias_axes="mo", name=layer.name)(value)


def _keras_skip(config: AutoencoderConfig, value: Any, inputs: Any) -> Any:
    shape = (config.members, config.features)
    skip = keras.layers.EinsumDense("bd,m->bmd", output_shape=shape, trainable=False, name="skip")
    output = keras.layers.Add(name="reconstruction")([value, skip(inputs)])
    skip.kernel.assign(config.skip_weight)
    return output


_IN_KERAS: Final[dict[str, Callable[[AutoencoderConfig, Layer, Any, Any], Any]]] = {
    "noise": lambda config, layer, value, _: keras.layers.GaussianNoise(config.input_noise, name=layer.name)(value),
    "dense": lambda config, layer, value, _: _keras_dense(config, layer, value),
    "activation": lambda config, layer, value, _: _keras_activation(config, layer)(value),
    "dropout": lambda config, layer, value, _: _keras_dropout(config, layer)(value),
    "skip": lambda config, _, value, inputs: _keras_skip(config, value, inputs),
}
