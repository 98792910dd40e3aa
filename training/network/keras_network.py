"""Builds, saves and loads the Keras network: the only module that imports Keras.

`Any` stands for what Keras gives: it has no types of its own.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig
from models.network.keras_file import weights_in
from models.network.onnx_graph import LayerWeights
from models.network.weights_file import judge_weights
from models.threads import allowed_threads
from training.network.processor import require_avx


@contextmanager
def _silenced() -> Iterator[None]:
    """Drop what is written to the process's standard error, by code that is not Python's, too."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# Before TensorFlow is imported. Some of its chatter comes before it reads how much of it is wanted.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
require_avx()

with _silenced():
    import keras
    import tensorflow as tf


_ACTIVATION: Final = "_activation"


def build_network(config: AutoencoderConfig, *, seed: int) -> Any:
    """Return a Keras network with starting weights from `seed`.

    Its hidden layers are named by `config.layer_names`; the activation of a layer has the layer's name with
    ``_activation`` behind it. The output layer is linear. A single network gives `(n, d)` for `Z` `(n, d)`, and M
    members give `(n, M, d)`.
    """
    prepare_backend()
    spec = ACTIVATIONS[config.activation]
    seeds = _Seeds(seed)
    dropout = keras.layers.AlphaDropout if spec.alpha_dropout else keras.layers.Dropout
    value = inputs = keras.Input((config.features,), name="Z")
    if config.input_noise:
        value = keras.layers.GaussianNoise(config.input_noise, seed=seeds.one(), name="input_noise")(value)
    for name, units in zip(config.layer_names, config.layer_units, strict=True):
        value = _dense(config, value, units, initializer=spec.initializer, seeds=seeds, name=name)
        value = _activation_layer(config, f"{name}{_ACTIVATION}")(value)
        if config.dropout and name != "bottleneck":
            value = dropout(config.dropout, seed=seeds.one(), name=f"{name}_dropout")(value)
    # Linear: it predicts quantities of either sign. Its targets have unit variance, hence Glorot.
    output = _dense(config, value, config.features, initializer="glorot_uniform", seeds=seeds, name="output")
    if config.carried:
        shape = (config.members, config.features)
        carried = keras.layers.EinsumDense("bd,m->bmd", output_shape=shape, trainable=False, name="carried")
        output = keras.layers.Add(name="reconstruction")([output, carried(inputs)])
        carried.kernel.assign(config.carried)
    return keras.Model(inputs, output, name="autoencoder")


def layer_by_layer(network: Any, Z: Any) -> tuple[Any, dict[str, Any]]:
    """Return what a single network makes of `Z`, `(n, d)`, and what each hidden layer gives, `(n, units)`, by name."""
    value, hidden = Z, {}
    for layer in network.layers[1:]:
        value = layer(value, training=False)
        if layer.name.endswith(_ACTIVATION):
            hidden[layer.name.removesuffix(_ACTIVATION)] = value
    return value, hidden


def denoised(network: Any, noisy: Any, *, output_scale: Any, training: bool) -> tuple[Any, dict[str, Any]]:
    """Return what M members make of inputs of their own: `(M, n, d)` → `(M, n, d)`; and what their hidden layers give.

    It is the network layer by layer, with the members in front: so each layer is one product of M matrices. A hidden
    layer gives `(M, n, units)`, by its name.

    Args:
        network: As built.
        noisy: What each member is given.
        output_scale: What each member's output layer is multiplied by `(M,)`; `scale_output` makes it part of them.
        training: Whether units are left out, where there is dropout.
    """
    value, hidden = noisy, {}
    for layer in network.layers[1:]:
        if layer.name == "carried":
            carried = layer.kernel[:, None, None] * noisy
        elif layer.name == "output":
            product = keras.ops.matmul(value, layer.kernel) + keras.ops.expand_dims(layer.bias, 1)
            value = output_scale[:, None, None] * product
        elif layer.name == "reconstruction":
            value = value + carried
        elif isinstance(layer, keras.layers.EinsumDense):
            value = keras.ops.matmul(value, layer.kernel) + keras.ops.expand_dims(layer.bias, 1)
        elif isinstance(layer, keras.layers.PReLU):
            value = keras.ops.relu(value) - keras.ops.expand_dims(layer.alpha, 1) * keras.ops.relu(-value)
        else:
            value = layer(value, training=training)
        if layer.name.endswith(_ACTIVATION):
            hidden[layer.name.removesuffix(_ACTIVATION)] = value
    return value, hidden


def scale_output(network: Any, scales: NDArray[np.float32]) -> None:
    """Multiply the weights of each member's output layer by its scale `(M,)`."""
    layer = network.get_layer("output")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * scales[:, None, None], bias * scales[:, None]])


def layer_weights(config: AutoencoderConfig, network: Any) -> list[LayerWeights]:
    """Return the arrays of the hidden layers in order, then those of the output layer."""
    layers = []
    for name in (*config.layer_names, "output"):
        kernel, bias = network.get_layer(name).get_weights()
        slopes = [] if name == "output" else network.get_layer(f"{name}{_ACTIVATION}").get_weights()
        slope = slopes[0] if slopes else None
        if config.members > 1:
            bias, slope = bias[:, None], None if slope is None else slope[:, None]
        layers.append(LayerWeights(kernel=kernel, bias=bias, slope=slope))
    return layers


def reconstruct(network: Any, Z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the reconstruction by Keras itself, `(n, d)` or `(M, n, d)`: what every engine is compared with."""
    reconstruction = np.asarray(network(Z, training=False), np.float32)
    return reconstruction if reconstruction.ndim == 2 else np.moveaxis(reconstruction, 1, 0)


def hidden_outputs(config: AutoencoderConfig, network: Any, Z: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return what each hidden layer gives behind its activation `(n, units)`, by the layer's name.

    The units of M members stand side by side: `(n, M · units)`.
    """
    layers = {name: network.get_layer(f"{name}{_ACTIVATION}").output for name in config.layer_names}
    outputs: dict[str, Any] = keras.Model(network.input, layers)(Z, training=False)
    return {name: np.asarray(output, np.float32).reshape(len(Z), -1) for name, output in outputs.items()}


def save_network(network: Any, path: Path) -> None:
    """Write a ``.keras`` file."""
    network.save(path)


def load_network(config: AutoencoderConfig, content: bytes, *, written_by: str) -> Any:
    """Rebuild the network from our own configuration and take only the weights from the file.

    Args:
        config: What the network looks like.
        content: A ``.keras`` file, the bytes that were judged; nothing that it describes is built or run.
        written_by: Version of the Keras that wrote it, for the error.

    Raises:
        BundleError: The weights do not fit or cannot be read.
    """
    network = build_network(config, seed=0)
    try:
        weights = weights_in(content)
        judge_weights(weights, [tuple(weight.shape) for weight in network.weights])
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # which layers are missing is said by the error that follows
            path = Path(folder) / "network.weights.h5"  # Keras reads weights from paths only
            path.write_bytes(weights)
            network.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"network.keras: Keras {keras.__version__} cannot read what Keras {written_by} wrote ({error}). Install "
            "that version, or train the detector anew."
        ) from error
    return network


def prepare_backend() -> None:
    """Make TensorFlow deterministic and exact, and let it use no more threads and memory than it needs."""
    keras.config.set_floatx("float32")
    tf.config.experimental.enable_op_determinism()
    # GPUs would multiply with 10 bits of mantissa: the exported network would score differently.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.threading.set_intra_op_parallelism_threads(allowed_threads())
        tf.config.threading.set_inter_op_parallelism_threads(min(2, allowed_threads()))
    except RuntimeError:  # it runs already, with what it was told before
        return


def versions() -> dict[str, str]:
    """Return the versions of Keras and of the backend that it runs on."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


class _Seeds:
    """Seeds of the layers, in the order in which they are asked for."""

    def __init__(self, seed: int) -> None:
        self._sequence = np.random.SeedSequence(seed)

    def one(self) -> int:
        return int(self._sequence.spawn(1)[0].generate_state(1)[0])

    def several(self, number: int) -> list[int]:
        return [self.one() for _ in range(number)]


def _dense(config: AutoencoderConfig, value: Any, units: int, *, initializer: str, seeds: _Seeds, name: str) -> Any:
    starts = [
        keras.initializers.get({"class_name": _class_name(initializer), "config": {"seed": seed}})
        for seed in seeds.several(config.members)
    ]
    if config.members == 1:
        return keras.layers.Dense(units, kernel_initializer=starts[0], name=name)(value)
    equation = "bi,mio->bmo" if len(value.shape) == 2 else "bmi,mio->bmo"
    layer = keras.layers.EinsumDense(
        equation, output_shape=(config.members, units), bias_axes="mo", kernel_initializer="zeros", name=name
    )
    output = layer(value)
    # Each member starts as a network of its own: an initialiser of the whole would take the members for more inputs.
    layer.kernel.assign(keras.ops.stack([start((value.shape[-1], units)) for start in starts]))
    return output


def _activation_layer(config: AutoencoderConfig, name: str) -> Any:
    spec = ACTIVATIONS[config.activation]
    if not spec.keras[0].isupper():
        return keras.layers.Activation(spec.keras, name=name)
    parameter = {} if spec.parameter is None else {spec.parameter: config.activation_parameter}
    return getattr(keras.layers, spec.keras)(name=name, **parameter)


def _class_name(initializer: str) -> str:
    return "".join(word.capitalize() for word in initializer.split("_"))


def parameter_count(layers: Sequence[LayerWeights]) -> int:
    """Return the number of weights."""
    arrays = [array for layer in layers for array in (layer.kernel, layer.bias, layer.slope) if array is not None]
    return sum(array.size for array in arrays)
