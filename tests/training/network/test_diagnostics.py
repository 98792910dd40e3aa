from __future__ import annotations

import json

import numpy as np
import pytest
from hidden_layers import hidden_outputs, layer_health

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig
from training.network.diagnostics import LayerHealth, gradient_warnings, health_warnings, together
from training.network.keras_network import DenseNetwork


@pytest.fixture(scope="module")
def dead_units(cases):
    return json.loads((cases / "10_dead_units.json").read_text())


def healthy(**changes):
    return LayerHealth(
        **({"layer": "encoder_1", "units": 8, "dead": 0, "nearly_dead": 0, "saturated": 0, "zeros": 0.0} | changes)
    )


def with_weights(case, activation):
    """Return a network whose bottleneck has the case's kernel and bias, and the case's rows."""
    config = AutoencoderConfig(features=4, hidden_units=(), latent_units=8, activation=activation)
    network = DenseNetwork(config, seed=0)
    network.assign({f"bottleneck_{name}": np.reshape(case[name], (1, -1, 8)) for name in ("kernel", "bias")})
    return network, np.array(case["Z"], np.float32)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "selu"])
def test_dead_units_are_counted(activation, dead_units):
    """Case 10."""
    outputs = hidden_outputs(*with_weights(dead_units, activation))
    (health,) = layer_health(outputs, activation=activation)
    assert (health.layer, health.units, health.dead) == ("bottleneck", 8, dead_units["dead_units"][activation])


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "selu"])
def test_dead_units_are_counted_behind_a_batch_normalisation_too(activation, dead_units):
    """Case 10: the tool of others crashed on it."""
    import keras

    normalised = keras.Sequential(
        [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Activation(activation)]
    )
    normalised.build((None, 4))
    normalised.layers[0].set_weights([np.array(dead_units["kernel"]), np.array(dead_units["bias"])])
    output = normalised(np.array(dead_units["Z"], np.float32), training=False).numpy()
    (health,) = layer_health({"layer": output}, activation=activation)
    assert health.dead == dead_units["dead_units"][activation]


def test_five_dead_units_of_eight_are_a_warning_with_both_numbers(dead_units):
    """Case 10."""
    layers = layer_health(hidden_outputs(*with_weights(dead_units, "relu")), activation="relu")
    assert health_warnings(layers, activation="relu", learning_rate=3e-3, features=4) == [
        "5 of 8 units of layer bottleneck are dead: try --activation leaky_relu, or --learning-rate 0.001."
    ]


@pytest.mark.parametrize(("dead", "warned"), [(0, False), (3, False), (4, True), (8, True)])
def test_a_layer_is_warned_of_from_half_of_its_units_on(dead, warned):
    for change in ("dead", "saturated"):
        assert (
            bool(health_warnings((healthy(**{change: dead}),), activation="tanh", learning_rate=1e-3, features=8))
            == warned
        )


@pytest.mark.parametrize(("features", "warned"), [(3, False), (4, False), (5, True)])
def test_dead_units_are_no_warning_while_as_many_live_as_there_are_features(features, warned):
    """Without them the scores are the same: what counts is what is left."""
    layers = (healthy(dead=4),)
    assert bool(health_warnings(layers, activation="relu", learning_rate=1e-3, features=features)) == warned
    saturated = (healthy(saturated=4),)
    assert health_warnings(saturated, activation="tanh", learning_rate=1e-3, features=features)


def test_the_remedy_for_an_activation_that_cannot_die_is_not_another_activation():
    (warning,) = health_warnings((healthy(dead=8),), activation="elu", learning_rate=1e-3, features=8)
    assert "--activation" not in warning


def test_a_unit_that_hardly_ever_answers_is_nearly_dead():
    output = np.zeros((1000, 3), np.float32)
    output[:9, 1] = 1.0
    output[:11, 2] = 1.0
    (health,) = layer_health({"layer": output}, activation="relu")
    assert (health.dead, health.nearly_dead) == (1, 1)


@pytest.mark.parametrize("activation", [name for name, spec in ACTIVATIONS.items() if spec.ends])
def test_a_unit_that_is_always_at_an_end_is_saturated(activation):
    low, high = ACTIVATIONS[activation].ends
    margin = 0.01 * (high - low)
    low, high = low + margin, high - margin
    middle = (low + high) / 2
    output = np.array([[low, low, middle], [high, middle, middle]], np.float32)
    output += np.where(output > middle, 1e-3, -1e-3)
    (health,) = layer_health({"layer": output}, activation=activation)
    assert health.saturated == 1


def test_the_share_of_zeros_is_that_of_all_outputs():
    output = np.array([[0, 1, 0, 2], [0, 1, 3, 2]], np.float32)
    (health,) = layer_health({"layer": output}, activation="relu")
    assert health.zeros == pytest.approx(3 / 8)


def test_gradients_that_vanish_are_a_warning_with_the_layer_and_a_remedy():
    (warning,) = gradient_warnings({"encoder_1": 1e-6, "encoder_2": 1e-3, "output": 0.5}, activation="sigmoid")
    assert warning == (
        "The gradients vanish on their way back: at layer encoder_1 they start 500,000 times smaller than at layer "
        "output, and it hardly learns: try --activation selu, or fewer layers (--depth)."
    )
    (warning,) = gradient_warnings({"encoder_1": 0.0, "output": 0.5}, activation="relu")
    assert "--activation" not in warning


def test_gradients_of_one_size_are_no_warning():
    assert not gradient_warnings({"encoder_1": 0.1, "bottleneck": 2.0, "output": 0.5}, activation="tanh")
    assert not gradient_warnings({"output": 0.5}, activation="tanh")


def test_the_units_of_several_networks_are_counted_together():
    few, many = healthy(dead=1, zeros=0.5), healthy(units=24, dead=2, nearly_dead=3, saturated=4, zeros=0.25)
    assert together([few, many]) == healthy(units=32, dead=3, nearly_dead=3, saturated=4, zeros=0.3125)
