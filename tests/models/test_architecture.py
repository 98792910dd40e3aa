from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BundleError, ConfigError
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig

GOOD = AutoencoderConfig(features=7, hidden_units=(32, 16), latent_units=4)
BROKEN = {
    "features": (0, "features must be at least 1, got 0."),
    "hidden_units": ((32, 0), "hidden_units must be at least 1 each, got (32, 0)."),
    "latent_units": (-1, "latent_units must be at least 1, got -1."),
    "activation": ("rellu", f"activation must be one of {', '.join(ACTIVATIONS)}, got 'rellu'."),
    "negative_slope": (1.0, "negative_slope must be in [0, 1), got 1.0."),
    "alpha": (0.0, "alpha must be above 0, got 0.0."),
    "dropout": (1.0, "dropout must be in [0, 1), got 1.0."),
    "input_noise": (-0.1, "input_noise must be at least 0, got -0.1."),
    "members": (0, "members must be at least 1, got 0."),
    "carried": ((0.5,), "carried is for several members."),
}
CONFIGS = st.builds(
    lambda carries, members, **settings: AutoencoderConfig(
        carried=(0.25,) * members if carries and members > 1 else (), members=members, **settings
    ),
    carries=st.booleans(),
    features=st.integers(1, 99),
    hidden_units=st.lists(st.integers(1, 99), max_size=4).map(tuple),
    latent_units=st.integers(1, 99),
    activation=st.sampled_from(list(ACTIVATIONS)),
    negative_slope=st.floats(0, 0.99),
    alpha=st.floats(0.01, 9),
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
    with pytest.raises(ConfigError) as caught:
        AutoencoderConfig(**{name: value for name, (value, _) in BROKEN.items()})
    assert all(sentence in str(caught.value) for _, sentence in BROKEN.values())


@given(CONFIGS)
def test_a_configuration_is_equal_after_a_round_trip_through_json(config):
    assert AutoencoderConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(CONFIGS)
def test_the_decoder_mirrors_the_encoder_or_has_no_hidden_layer(config):
    encoder = len(config.hidden_units)
    assert config.layer_units[:encoder] == config.hidden_units
    assert config.layer_units[encoder + 1 :] == (() if config.linear_decoder else config.hidden_units[::-1])
    assert len(config.layer_units) == len(set(config.layer_names))
    assert config.layer_units[config.layer_names.index("bottleneck")] == config.latent_units


@pytest.mark.parametrize("carried", [(0.5,), (0.5, 0.5, 0.5), (0.5, 1.0), (-0.1, 0.5)])
def test_every_member_has_its_share_that_is_carried_over(carried):
    with pytest.raises(ConfigError, match="carried must be one share in"):
        dataclasses.replace(GOOD, members=2, carried=carried)


@pytest.mark.parametrize(
    "damage", [{"features": 0}, {"hidden_units": 3}, {"units": 3}, {"features": "many"}, {"activation": None}]
)
def test_a_damaged_configuration_is_refused(damage):
    with pytest.raises(BundleError, match="network's configuration is not readable"):
        AutoencoderConfig.from_json(GOOD.to_json() | damage)


@pytest.mark.parametrize(
    ("activation", "value"), [("leaky_relu", 0.3), ("elu", 0.7), ("relu", None), ("prelu", None), ("selu", None)]
)
def test_an_activation_gets_its_own_parameter(activation, value):
    config = dataclasses.replace(GOOD, activation=activation, negative_slope=0.3, alpha=0.7)
    assert config.activation_parameter == value
