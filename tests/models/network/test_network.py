"""The network in TensorFlow, and its ``.keras`` file."""

from __future__ import annotations

import dataclasses
import zipfile

import keras
import numpy as np
import pytest
from hidden_layers import hidden_outputs

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from training.network.keras_network import (
    DenseNetwork,
    join_networks,
    keras_model,
    save_network,
)

CONFIG = AutoencoderConfig(features=5, hidden_units=(8,), latent_units=2)
ROWS = np.random.default_rng(0).normal(0, 1, (33, 5)).astype(np.float32)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_the_weights_are_those_that_the_architecture_names(activation, members):
    config = dataclasses.replace(CONFIG, activation=activation, members=members)
    arrays = DenseNetwork(config, seed=0).arrays()
    assert {name: array.shape for name, array in arrays.items()} == weight_shapes(config)


def test_selu_normalises_itself_through_eight_layers_without_being_asked():
    """Case 9: LeCun normal kernels and AlphaDropout; He would give a deviation of about 3.8 after layer 8."""
    config = AutoencoderConfig(features=256, hidden_units=(256,) * 4, latent_units=256, activation="selu", dropout=0.1)
    net = DenseNetwork(config, seed=9)
    assert net.arrays()["encoder_2_kernel"].std() == pytest.approx(1 / 16, rel=0.05)
    Z = np.random.default_rng(9).normal(0, 1, (1000, 256)).astype(np.float32)
    assert 0.7 < hidden_outputs(net, Z)["decoder_3"].std() < 1.3
    model = keras_model(net)
    for name in config.layer_names:
        if name != "bottleneck":
            assert type(model.get_layer(f"{name}_dropout")).__name__ == "AlphaDropout"


def test_prelu_learns_one_slope_a_unit():
    """Case 8: a layer of 8 units on 4 features has 4·8 + 8 weights and 8 slopes."""
    config = AutoencoderConfig(features=4, hidden_units=(8,), latent_units=2, activation="prelu")
    arrays = DenseNetwork(config, seed=8).arrays()
    assert sum(arrays[f"encoder_1_{kind}"].size for kind in ("kernel", "bias", "slope")) == 48


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, same, other = (DenseNetwork(CONFIG, seed=seed).arrays() for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first if name.endswith("_kernel"))


def test_no_two_layers_start_with_the_same_kernel():
    arrays = DenseNetwork(AutoencoderConfig(features=6, hidden_units=(6, 6), latent_units=6), seed=0).arrays()
    assert len({array.tobytes() for name, array in arrays.items() if name.endswith("_kernel")}) == 6


def test_dropout_and_noise_are_at_work_while_fitting_and_at_rest_when_a_row_is_scored():
    """Case 4, with dropout in the network."""
    net = DenseNetwork(dataclasses.replace(CONFIG, dropout=0.4, input_noise=0.5), seed=0)
    together = net.reconstruct(ROWS)[0]
    for row in range(33):
        np.testing.assert_allclose(net.reconstruct(ROWS[row : row + 1])[0, 0], together[row], rtol=1e-5, atol=1e-5)
    first, second = (np.asarray(net.forward(ROWS, training=True)[0]) for _ in range(2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("members", [1, 3])
def test_hidden_outputs_are_those_behind_the_activation_with_the_members_side_by_side(members):
    outputs = hidden_outputs(DenseNetwork(dataclasses.replace(CONFIG, members=members), seed=0), ROWS)
    assert {name: output.shape for name, output in outputs.items()} == {
        "encoder_1": (33, 8 * members),
        "bottleneck": (33, 2 * members),
        "decoder_1": (33, 8 * members),
    }
    assert min(output.min() for output in outputs.values()) == 0


def test_networks_that_are_joined_compute_what_each_computed():
    parts = [DenseNetwork(dataclasses.replace(CONFIG, members=members), seed=members) for members in (1, 2)]
    joined = join_networks(dataclasses.replace(CONFIG, members=3), parts)
    expected = np.concatenate([part.reconstruct(ROWS) for part in parts])
    np.testing.assert_allclose(joined.reconstruct(ROWS), expected, rtol=1e-5, atol=1e-6)


# --- the file -------------------------------------------------------------------------------------------

SHAPES = (
    {},
    {"members": 3, "linear_decoder": True},
    {"members": 2, "skip_weight": (0.0, 0.9)},
    {"dropout": 0.2, "input_noise": 0.3},
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_stock_keras_opens_the_file_in_its_safe_mode_and_reconstructs_the_same(activation, shape, tmp_path):
    net = DenseNetwork(dataclasses.replace(CONFIG, activation=activation, **shape), seed=2)
    rng = np.random.default_rng(2)
    net.assign({name: array + rng.normal(0, 0.1, array.shape) for name, array in net.arrays().items()})
    save_network(net, tmp_path / "network.keras")
    model = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    by_keras = np.moveaxis(np.asarray(model(ROWS, training=False)), 1, 0)
    np.testing.assert_allclose(by_keras, net.reconstruct(ROWS), rtol=1e-5, atol=1e-5)
    assert model.count_params() - len(net.config.skip_weight) == sum(array.size for array in net.arrays().values())


def test_the_file_holds_layers_of_keras_and_weights_and_nothing_else(tmp_path):
    net = DenseNetwork(dataclasses.replace(CONFIG, members=2, skip_weight=(0.5, 0.0), activation="prelu"), seed=0)
    save_network(net, tmp_path / "network.keras")
    with zipfile.ZipFile(tmp_path / "network.keras") as file:
        assert sorted(file.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert b'registered_name": "' not in file.read("config.json").replace(b'"registered_name": "Functional"', b"")


@pytest.mark.parametrize("activation", [name for name, spec in ACTIVATIONS.items() if spec.parameter])
def test_the_parameter_of_an_activation_is_that_of_its_layer(activation):
    config = dataclasses.replace(CONFIG, activation=activation, activation_parameter=0.35)
    model = keras_model(DenseNetwork(config, seed=0))
    [(argument, value)] = config.activation_arguments.items()
    assert value == 0.35
    if ACTIVATIONS[activation].keras[0].isupper():
        assert getattr(model.get_layer("encoder_1_activation"), argument) == pytest.approx(0.35)
    else:
        assert f'"{argument}": 0.35' in model.to_json()
