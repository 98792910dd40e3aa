from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from models.errors import ConfigError
from models.network.activations import ACTIVATION_PARAMETERS
from training.settings.config import TrainConfig
from training.settings.flags import add_config_flags, config_of


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawTextHelpFormatter)
    add_config_flags(parser)
    return parser


GOALS_OF_LABELS = ("beta", "precision", "recall", "false_positive_rate")
EXAMPLES = {
    "label": "state",
    "anomaly_values": ("a", "b"),
    "fit_on": "all",
    "id": ("serial", "line"),
    "include": ("x",),
    "exclude": ("y", "z"),
    "kind": ("x=boolean", "at=datetime"),
    "date_order": ("at=day-first",),
    "missing_values": ("-200", "x=-999", "y=unknown"),
    "keep_words": ("NA", "y=none"),
    "infinite": "missing",
    "time": "at",
    "group": "machine",
    "duplicates": "drop",
    "least_rows": 7,
    "training_rows": "clean",
    "preset": "best",
    "activation": "elu",
    **dict.fromkeys(ACTIVATION_PARAMETERS, 0.5),
    "hidden_units": (8, 4),
    "depth": 3,
    "latent_units": 2,
    "dropout": 0.1,
    "input_noise": 0.0,
    "epochs": 7,
    "batch_size": 64,
    "learning_rate": 0.01,
    "weight_decay": 0.1,
    "patience": 3,
    "seed": 9,
    "threshold_method": "fixed",
    "alert_rate": 0.2,
    "contamination": 0.3,
    "threshold": 4.0,
    "beta": 2.0,
    "precision": 0.9,
    "recall": 0.8,
    "false_positive_rate": 0.05,
    "threshold_by": "site",
}


def test_without_flags_the_settings_are_the_defaults(parser):
    assert config_of(parser.parse_args([])) == TrainConfig()


def test_every_setting_has_an_example():
    assert set(EXAMPLES) == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_setting_has_a_flag_that_sets_it(name, parser):
    needed = {
        "anomaly_values": {"label": "s"},
        "threshold_method": {"threshold": 4.0},
        "threshold": {"threshold_method": "fixed"},
        "contamination": {"threshold_method": "contamination"},
        **{name: {"threshold_method": "labels", "label": "state"} for name in GOALS_OF_LABELS},
    }.get(name, {})
    given = needed | {name: EXAMPLES[name]}
    arguments = []
    for setting, value in given.items():
        values = value if isinstance(value, tuple) else (value,)
        arguments += [f"--{setting.replace('_', '-')}", *map(str, values)]
    assert config_of(parser.parse_args(arguments)) == TrainConfig(**given)


def test_every_choice_is_explained_in_the_help(parser):
    text = parser.format_help()
    for word in ("leaky_relu", "conformal quantile", "all anomalies are test rows"):
        assert word in text


def test_flags_outside_of_their_limits_are_one_error_of_ours(parser):
    with pytest.raises(ConfigError, match=r"epochs must be .* patience must be"):
        config_of(parser.parse_args(["--epochs", "0", "--patience", "0"]))


def test_a_caller_may_decide_a_setting(parser):
    assert config_of(parser.parse_args([]), label="state", fit_on="normal").fit_on == "normal"


def test_a_program_may_take_the_flags_of_one_group_alone():
    parser = argparse.ArgumentParser()
    add_config_flags(parser, only="threshold")
    assert set(vars(parser.parse_args([]))) == {
        *("threshold_method", "alert_rate", "contamination", "threshold", "threshold_by"),
        *GOALS_OF_LABELS,
    }


def test_a_flag_with_many_values_may_be_repeated(parser):
    arguments = parser.parse_args(["--missing-values", "-200", "--exclude", "a", "--missing-values", "x=1", "y=2"])
    assert config_of(arguments) == TrainConfig(missing_values=("-200", "x=1", "y=2"), exclude=("a",))
    assert config_of(parser.parse_args([])) == TrainConfig()
