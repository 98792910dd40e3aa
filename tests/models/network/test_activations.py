"""The contract of every row of ACTIVATIONS: a new row gets all of these tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.encoders import NumericEncoding
from models.encoders.preprocessor import Encoded, Preprocessor
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import ENGINES, OnnxEngine
from models.scoring import Scorer
from training.network import keras_network as network
from training.network.keras_network import DenseNetwork
from training.network.onnx_export import onnx_bytes

D = 6
X = np.linspace(-6, 6, 241, dtype=np.float32)
REFERENCE = {
    "relu": lambda x: np.maximum(0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.3 * x),
    "prelu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
"""Each activation as its paper has it, with the parameters below and learned slopes 0.2."""

PARAMETERS = {"leaky_relu": 0.3, "elu": 0.7}


def config_of(activation, **settings):
    usual = {
        "features": D,
        "hidden_units": (16, 8),
        "latent_units": 3,
        "activation_parameter": PARAMETERS.get(activation),
    }
    return AutoencoderConfig(**(usual | {"activation": activation} | settings))


def built(config, *, seed=3):
    """Return a network whose biases and slopes are not their starting values."""
    net = DenseNetwork(config, seed=seed)
    rng = np.random.default_rng(seed)
    moved = {name: array for name, array in net.arrays().items() if name not in net.kernels}
    net.assign({name: array + rng.normal(0, 0.2, array.shape) for name, array in moved.items()})
    return net


def hostile_rows():
    """Rows that a network may be given: usual ones, all ends, extremes, zeros of both signs, the smallest floats."""
    rng = np.random.default_rng(0)
    usual = rng.normal(0, 1, (200, D))
    wide = rng.normal(0, 100, (50, D))
    ends = np.array([[sign * size] * D for sign in (-1, 1) for size in (0.0, 1e-38, 1e-45, 1e-3, 20.0, 1e4)])
    spikes = np.eye(D) * 1e4
    return np.concatenate([usual, wide, ends, spikes, -spikes]).astype(np.float32)


def test_there_are_nine_activations_and_each_is_tested():
    assert set(ACTIVATIONS) == set(REFERENCE)
    assert len(ACTIVATIONS) == 9
    assert list(ENGINES) == ["onnx"]


SHAPES = ({}, {"members": 3}, {"members": 2, "linear_decoder": True}, {"members": 2, "skip_weight": (0.0, 0.9)})


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_engine_reconstructs_as_keras_does_even_extreme_rows(activation, shape):
    config = config_of(activation, **shape)
    net = built(config)
    Z = hostile_rows()
    by_keras = net.reconstruct(Z)
    graph = onnx_bytes(config, net.arrays())
    for name in ENGINES:
        by_engine = ENGINES[name](graph, config).reconstruct(Z)
        assert by_engine.shape == by_keras.shape == (config.members, len(Z), D)
        scale = np.maximum(1.0, np.abs(by_keras).max(axis=-1, keepdims=True))
        assert (np.abs(by_engine - by_keras) <= 1e-5 * scale).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_engine_scores_as_keras_does_even_extreme_rows(activation):
    config = config_of(activation)
    net = built(config)
    preprocessor = Preprocessor(
        encodings=tuple(NumericEncoding(name=f"c{i}", center=0.0, scale=1.0) for i in range(D)),
        limits=np.array([[-4.0] * D, [4.0] * D], np.float32),
    )

    Z = np.concatenate([hostile_rows(), np.full((1, D), 1e15, np.float32)])
    graph = onnx_bytes(config, net.arrays())
    expected = Scorer(preprocessor=preprocessor, engine=net).score(Encoded(Z=Z)).anomaly_score
    for name in ENGINES:
        scores = (
            Scorer(preprocessor=preprocessor, engine=ENGINES[name](graph, config)).score(Encoded(Z=Z)).anomaly_score
        )
        assert np.isfinite(scores).all()
        assert (np.abs(scores - expected) <= 1e-5 * np.maximum(1.0, expected)).all()


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_embedding_of_an_engine_is_the_output_of_the_bottleneck_of_the_first_member(activation, members):
    config = config_of(activation, members=members)
    net = built(config)
    Z = hostile_rows()[:200]
    embedding = OnnxEngine(onnx_bytes(config, net.arrays()), config).embed(Z)
    outputs = net.embed(Z)
    assert outputs.shape == (len(Z), config.latent_units)
    np.testing.assert_allclose(embedding, outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_while_it_is_fitted_each_member_computes_what_it_computes_afterwards(activation):
    config = config_of(activation, members=3, skip_weight=(0.0, 0.8, 0.3), linear_decoder=True)
    net = built(config)
    Z = hostile_rows()[:200]
    scales = np.array([1.0, 0.5, 2.0], np.float32)
    each = np.stack([Z, 0.5 * Z, -Z])
    net.output_scale = scales
    fitting = np.asarray(net.forward(each)[0])
    net.apply_output_scale()
    for member, factor in enumerate((1.0, 0.5, -1.0)):
        by_keras = net.reconstruct(np.float32(factor) * Z)[member]
        np.testing.assert_allclose(fitting[member], by_keras, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_members_start_as_single_networks_do_and_each_otherwise(activation):
    config = config_of(activation, members=4, hidden_units=(400,), features=300)
    kernels = DenseNetwork(config, seed=1).arrays()["encoder_1_kernel"]
    single = config_of(activation, hidden_units=(400,), features=300)
    expected = DenseNetwork(single, seed=1).arrays()["encoder_1_kernel"].std()
    assert kernels.std(axis=(1, 2)) == pytest.approx(expected, rel=0.03)
    assert abs(np.corrcoef(kernels.reshape(4, -1))[np.triu_indices(4, 1)]).max() < 0.02


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_the_function_of_its_paper(activation):
    config = config_of(activation, features=1, hidden_units=(), latent_units=1)
    values = {"kernel": 1.0, "bias": 0.0, "slope": 0.2}
    weights = {
        name: np.full(shape, values[name.rpartition("_")[2]], np.float32)
        for name, shape in weight_shapes(config).items()
    }
    values = OnnxEngine(onnx_bytes(config, weights), config).reconstruct(X[:, None])[0, :, 0]
    np.testing.assert_allclose(values, REFERENCE[activation](X.astype(float)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_unit_can_die_only_where_the_function_is_flat_zero_below_zero(activation):
    values = REFERENCE[activation](np.array([-5.0, -3.0, -1.0]))
    assert ACTIVATIONS[activation].can_die == bool((values == 0).all())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_saturates_only_where_it_is_bounded_on_both_sides(activation):
    bounded = np.abs(REFERENCE[activation](np.array([-700.0, 700.0]))).max() <= 1
    assert (ACTIVATIONS[activation].ends is not None) == bool(bounded)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_starts_with_its_own_kernels(activation):
    arrays = DenseNetwork(config_of(activation, features=256, hidden_units=(128, 64)), seed=1).arrays()
    # (fan in, fan out) and the deviation of the initialiser that the paper of the activation asks for.
    fan_in, fan_out = 128, 64
    expected = {
        "he_normal": math.sqrt(2 / fan_in),
        "lecun_normal": math.sqrt(1 / fan_in),
        "glorot_uniform": math.sqrt(2 / (fan_in + fan_out)),
    }[
        "lecun_normal"
        if activation == "selu"
        else "glorot_uniform"
        if activation in ("tanh", "sigmoid")
        else "he_normal"
    ]
    kernel = arrays["encoder_2_kernel"]
    assert kernel.std() == pytest.approx(expected, rel=0.05)
    assert abs(kernel.mean()) < 0.1 * expected


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_output_layer_is_linear_and_starts_with_glorot(activation):
    net = DenseNetwork(config_of(activation, features=64, hidden_units=(256,)), seed=1)
    output = network.keras_model(net).layers[-1]
    assert (output.name, output.activation.__name__) == ("output", "linear")
    assert output.get_weights()[0].std() == pytest.approx(math.sqrt(2 / (256 + 64)), rel=0.05)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_hidden_layer_has_the_activation_and_its_dropout(activation):
    config = config_of(activation, dropout=0.1)
    net = network.keras_model(DenseNetwork(config, seed=1))
    kind = "AlphaDropout" if activation == "selu" else "Dropout"
    names = [operation.name for operation in net.operations]
    for name in config.layer_names:
        behind = names[names.index(name) + 1]  # a layer, or a function with a parameter
        assert behind == f"{name}_activation" or behind.startswith(ACTIVATIONS[activation].keras)
        if name != "bottleneck":
            assert type(net.get_layer(f"{name}_dropout")).__name__ == kind
    assert sum("dropout" in name for name in names) == 4


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_tells_when_to_use_it_and_who_introduced_it(activation):
    spec = ACTIVATIONS[activation]
    assert spec.formula
    assert spec.summary
    assert any(character.isdigit() for character in spec.source)
