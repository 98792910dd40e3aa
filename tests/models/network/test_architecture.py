from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BundleError, ConfigError
from models.network.activations import ACTIVATION_PARAMETERS, ACTIVATIONS
from models.network.architecture import (
    NETWORKS,
    AutoencoderConfig,
    layers_of,
    network_from_plain,
    network_to_plain,
    weight_shapes,
)
from models.network.engine import ENGINES

GOOD = AutoencoderConfig(features=7, hidden_units=(32, 16), latent_units=4)
BROKEN = {
    "features": (0, "features must be at least 1, got 0."),
    "hidden_units": ((32, 0), "hidden_units must be at least 1 each, got (32, 0)."),
    "latent_units": (-1, "latent_units must be at least 1, got -1."),
    "activation": ("rellu", f"activation must be one of {', '.join(ACTIVATIONS)}, got 'rellu'."),
    "activation_parameter": (1.0, "activation_parameter is for activations that have one, not for relu."),
    "dropout": (1.0, "dropout must be in [0, 1), got 1.0."),
    "input_noise": (-0.1, "input_noise must be at least 0, got -0.1."),
    "members": (0, "members must be at least 1, got 0."),
    "skip_weight": ((0.5, 0.5), "skip_weight must be one weight for each of 1 members, got (0.5, 0.5)."),
}
CONFIGS = st.builds(
    lambda skips, members, activation, parameter, **settings: AutoencoderConfig(
        skip_weight=(0.25,) * members if skips else (),
        members=members,
        activation=activation,
        activation_parameter=parameter if ACTIVATIONS[activation].parameter else None,
        **settings,
    ),
    skips=st.booleans(),
    features=st.integers(1, 99),
    hidden_units=st.lists(st.integers(1, 99), max_size=4).map(tuple),
    latent_units=st.integers(1, 99),
    activation=st.sampled_from(list(ACTIVATIONS)),
    parameter=st.none() | st.floats(0.01, 0.99),
    dropout=st.floats(0, 0.99),
    input_noise=st.floats(0, 9),
    members=st.integers(1, 30),
    linear_decoder=st.booleans(),
)


def test_every_setting_is_broken_on_purpose():
    settings = {setting.name for setting in dataclasses.fields(AutoencoderConfig)}
    assert set(BROKEN) == settings - {"linear_decoder"}  # which has no wrong value


@pytest.mark.parametrize("name", BROKEN)
def test_a_setting_outside_its_limits_gives_one_sentence_that_names_it(name):
    value, sentence = BROKEN[name]
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(GOOD, **{name: value})
    assert str(caught.value) == sentence


def test_all_complaints_come_at_once():
    several = {name: broken for name, broken in BROKEN.items() if name not in ("activation", "members")}
    with pytest.raises(ConfigError) as caught:
        AutoencoderConfig(**{name: value for name, (value, _) in several.items()})
    assert all(sentence in str(caught.value) for _, sentence in several.values())


@given(CONFIGS)
def test_a_configuration_is_equal_after_a_round_trip_through_json(config):
    assert network_from_plain(json.loads(json.dumps(network_to_plain(config)))) == config


@given(CONFIGS)
def test_the_decoder_mirrors_the_encoder_or_has_no_hidden_layer(config):
    encoder = len(config.hidden_units)
    assert config.layer_units[:encoder] == config.hidden_units
    assert config.layer_units[encoder + 1 :] == (() if config.linear_decoder else config.hidden_units[::-1])
    assert len(config.layer_units) == len(set(config.layer_names))
    assert config.layer_units[config.layer_names.index("bottleneck")] == config.latent_units


@pytest.mark.parametrize("skip_weight", [(0.5,), (0.5, 0.5, 0.5), (0.5, 1.0), (-0.1, 0.5)])
def test_every_member_has_its_own_skip_weight(skip_weight):
    with pytest.raises(ConfigError, match=r"skip_weight must be (one weight for each of 2|in \[0, 1\))"):
        dataclasses.replace(GOOD, members=2, skip_weight=skip_weight)


@pytest.mark.parametrize(
    "damage", [{"features": 0}, {"hidden_units": 3}, {"units": 3}, {"features": "many"}, {"activation": None}]
)
def test_a_damaged_configuration_is_refused(damage):
    with pytest.raises(BundleError, match="network's configuration is not readable"):
        network_from_plain(network_to_plain(GOOD) | damage)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_parameter_of_an_activation_has_its_own_name_default_and_limits(activation):
    parameter = ACTIVATIONS[activation].parameter
    if parameter is None:
        assert dataclasses.replace(GOOD, activation=activation).activation_arguments == {}
        return
    given = dataclasses.replace(GOOD, activation=activation, activation_parameter=0.3)
    argument = parameter.argument or parameter.name
    assert given.activation_arguments == {argument: 0.3}
    assert dataclasses.replace(GOOD, activation=activation).activation_arguments == {argument: parameter.default}
    with pytest.raises(ConfigError, match=rf"^{parameter.name} must be .*, got -1"):
        dataclasses.replace(GOOD, activation=activation, activation_parameter=-1.0)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("negative_slope", "negative_slope must be in [0, 1), got 1.0."),
        ("alpha", "alpha must be above 0, got 0.0."),
    ],
)
def test_limits_are_open_and_closed_where_their_row_says(name, sentence):
    activation = next(key for key, spec in ACTIVATIONS.items() if spec.parameter == ACTIVATION_PARAMETERS[name])
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(GOOD, activation=activation, activation_parameter=float(sentence[-4:-1]))
    assert str(caught.value) == sentence


def test_no_two_activations_have_a_parameter_of_the_same_name():
    assert len(ACTIVATION_PARAMETERS) == sum(spec.parameter is not None for spec in ACTIVATIONS.values())


@given(CONFIGS)
def test_each_layer_takes_what_the_one_before_it_gives(config):
    layers = layers_of(config)
    for before, after in pairwise(layers):
        assert before.units == after.inputs
    assert layers[0].inputs == layers[-1].units == config.features
    assert [layer.name for layer in layers if layer.kind == "dense"] == [*config.layer_names, "output"]


@given(CONFIGS)
def test_every_dense_layer_has_a_kernel_and_a_bias_for_each_member(config):
    shapes = weight_shapes(config)
    assert shapes["output_kernel"][::2] == (config.members, config.features)
    assert {shape[0] for shape in shapes.values()} == {config.members}
    assert all(
        shapes[f"{name}_bias"] == (config.members, 1, shapes[f"{name}_kernel"][2]) for name in config.layer_names
    )


def test_every_kind_of_network_has_a_builder_and_an_engine():
    from training.network.learning import BUILDERS

    assert BUILDERS.keys() == NETWORKS.keys()
    assert {spec.engine for spec in NETWORKS.values()} <= ENGINES.keys()


def test_a_configuration_is_stored_with_its_kind():
    assert network_to_plain(GOOD)["kind"] == "dense"
    assert network_from_plain(network_to_plain(GOOD)) == GOOD
    for kind in ("recurrent", None, ["dense"]):
        with pytest.raises(BundleError, match=r"the network's kind .* is none of dense"):
            network_from_plain(network_to_plain(GOOD) | {"kind": kind})
