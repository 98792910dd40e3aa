from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import THRESHOLD_METHODS, rows_needed
from models.errors import ConfigError
from models.limits import Interval
from models.network.activations import ACTIVATION_PARAMETERS, ACTIVATIONS
from training.columns.roles import INFINITE
from training.settings.config import TrainConfig
from training.settings.limits import DUPLICATES, FIT_ON, LIMITS
from training.settings.presets import PRESETS, TRAINING_ROWS, default_batch_size, default_epochs, default_hidden_units

NAMES = [field.name for field in dataclasses.fields(TrainConfig)]

LABELS = {"threshold_method": "labels", "label": "state"}

# For each setting: changes that break it, and the sentence that says so.
BROKEN = {
    "label": ({"fit_on": "normal"}, "fit_on 'normal' needs a label column: say --label COLUMN."),
    "anomaly_values": ({"anomaly_values": ("x",)}, "anomaly_values need a label column: say --label COLUMN."),
    "fit_on": ({"fit_on": "none"}, "fit_on must be one of all, normal, got 'none'."),
    "time": (
        {"time": "at", "group": "machine"},
        "time and group exclude one another: a split is in time or by group.",
    ),
    "group": (
        {"time": "at", "group": "machine"},
        "time and group exclude one another: a split is in time or by group.",
    ),
    "duplicates": ({"duplicates": "forget"}, "duplicates must be one of keep, drop, got 'forget'."),
    "least_rows": ({"least_rows": 0}, "least_rows must be at least 1, got 0."),
    "kind": (
        {"kind": ("at=date",)},
        "kind must be COLUMN=KIND with a KIND of numeric, boolean, categorical, datetime, got 'at=date'.",
    ),
    "date_order": (
        {"date_order": ("at=day",)},
        "date_order must be one of day-first, month-first, or COLUMN=ORDER, got 'at=day'.",
    ),
    "missing_values": ({"missing_values": ("load=",)}, "missing_values must be VALUE or COLUMN=VALUE, got 'load='."),
    "keep_words": ({"keep_words": ("load=",)}, "keep_words must be WORD or COLUMN=WORD, got 'load='."),
    "infinite": ({"infinite": "clip"}, "infinite must be one of refuse, missing, got 'clip'."),
    "training_rows": ({"training_rows": "dirty"}, "training_rows must be one of mixed, clean, got 'dirty'."),
    "preset": ({"preset": "slow"}, f"preset must be one of {', '.join(PRESETS)}, got 'slow'."),
    "activation": ({"activation": "rellu"}, f"activation must be one of {', '.join(ACTIVATIONS)}, got 'rellu'."),
    **{
        name: ({name: -1.0}, f"{name} must be {parameter.limits}, got -1.0.")
        for name, parameter in ACTIVATION_PARAMETERS.items()
    },
    "hidden_units": ({"hidden_units": (0,)}, "hidden_units must be at least 1 each, got (0,)."),
    "depth": ({"depth": 0}, "depth must be in [1, 32], got 0."),
    "latent_units": ({"latent_units": 0}, "latent_units must be at least 1, got 0."),
    "dropout": ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0."),
    "input_noise": ({"input_noise": -1.0}, "input_noise must be at least 0, got -1.0."),
    "epochs": ({"epochs": 0}, "epochs must be at least 1, got 0."),
    "batch_size": ({"batch_size": 0}, "batch_size must be at least 1, got 0."),
    "learning_rate": ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0."),
    "weight_decay": ({"weight_decay": -0.1}, "weight_decay must be at least 0, got -0.1."),
    "patience": ({"patience": 0}, "patience must be at least 1, got 0."),
    "seed": ({"seed": -1}, "seed must be at least 0, got -1."),
    "threshold_method": (
        {"threshold_method": "guess"},
        f"threshold_method must be one of {', '.join(THRESHOLD_METHODS)}, got 'guess'.",
    ),
    "alert_rate": ({"alert_rate": 1.0}, "alert_rate must be in (0, 1), got 1.0."),
    "contamination": (
        {"contamination": 0.7, "threshold_method": "contamination"},
        "contamination must be in (0, 0.5], got 0.7.",
    ),
    "threshold": (
        {"threshold_method": "fixed"},
        "threshold_method 'fixed' needs the threshold: say --threshold SCORE.",
    ),
    "beta": ({"beta": 0.0, **LABELS}, "beta must be above 0, got 0.0."),
    "precision": ({"precision": 1.1, **LABELS}, "precision must be in (0, 1], got 1.1."),
    "recall": ({"recall": 1.0, **LABELS}, "recall must be in (0, 1), got 1.0."),
    "false_positive_rate": ({"false_positive_rate": 0.0, **LABELS}, "false_positive_rate must be in (0, 1), got 0.0."),
    "threshold_by": (
        {"threshold_method": "fixed", "threshold": 1.0, "threshold_by": "site"},
        "threshold_by has no effect with threshold_method 'fixed', which gives one threshold: leave "
        "--threshold-by out.",
    ),
}
FREE = {"id", "include", "exclude"}  # any name may be given; whether the column is there is asked of the table


def test_every_setting_is_broken_on_purpose():
    assert set(BROKEN) | FREE == set(NAMES)
    assert len(NAMES) == 38 + len(ACTIVATION_PARAMETERS)


@pytest.mark.parametrize("name", BROKEN)
def test_a_setting_outside_its_limits_gives_one_sentence_that_names_it(name):
    changes, sentence = BROKEN[name]
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**changes)
    assert str(caught.value) == sentence
    assert name in sentence


def test_two_wrong_settings_are_one_error_that_names_both():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(epochs=0, dropout=2.0)
    assert str(caught.value) == "dropout must be in [0, 1), got 2.0. epochs must be at least 1, got 0."


def test_all_wrong_settings_are_one_error():
    independent = [
        name
        for name in BROKEN
        if name not in ("label", "fit_on", "depth", "threshold", "contamination", "threshold_method")
        and BROKEN[name][0].keys().isdisjoint({"threshold_method"})
    ]
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**{key: value for name in independent for key, value in BROKEN[name][0].items()})
    assert all(BROKEN[name][1] in str(caught.value) for name in independent)


@pytest.mark.parametrize(
    "name", ["learning_rate", "weight_decay", "alert_rate", "contamination", "dropout", "alpha", "input_noise"]
)
def test_not_a_number_is_within_no_limits(name):
    with pytest.raises(ConfigError, match=f"{name} must be .*nan"):
        TrainConfig(**{name: math.nan})


def test_depth_and_hidden_units_exclude_one_another():
    with pytest.raises(ConfigError, match="depth and hidden_units exclude one another: give one"):
        TrainConfig(depth=2, hidden_units=(8,))


def test_a_depth_beyond_all_measure_is_refused_and_not_tried():
    with pytest.raises(ConfigError, match=r"depth must be in \[1, 32\], got 1000000000000"):
        TrainConfig(depth=10**12)


def test_the_settings_are_plain_data_that_makes_equal_settings():
    config = TrainConfig(hidden_units=(8, 4), id=("serial",), label="state", anomaly_values=("fault",))
    plain = json.loads(json.dumps(dataclasses.asdict(config)))
    again = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    assert TrainConfig(**again) == config


def test_every_setting_has_a_help_text_and_a_group():
    for setting in dataclasses.fields(TrainConfig):
        assert setting.metadata["help"]
        assert setting.metadata["group"] in {"columns", "rows", "network", "fitting", "threshold"}


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_the_default_of_a_threshold_method_is_said_as_its_row_has_it(method):
    row = THRESHOLD_METHODS[method]
    helps = {setting.name: setting.metadata["help"] for setting in dataclasses.fields(TrainConfig)}
    for target in row.targets:
        takers = [name for name, other in THRESHOLD_METHODS.items() if target in other.targets]
        assert helps[target].startswith(f"{', '.join(takers)}: ")
    if row.defaults:
        assert re.search(rf"(default: |{method} ){row.defaults[0]:g}[,;)]", helps[row.settings[0]])
    else:
        assert "default" not in helps[row.settings[0]]


def test_every_limit_is_of_a_setting_and_choices_are_the_tables():
    assert set(LIMITS) <= set(NAMES)
    assert {name: set(limit) for name, limit in LIMITS.items() if not isinstance(limit, Interval)} == {
        "activation": set(ACTIVATIONS),
        "threshold_method": set(THRESHOLD_METHODS),
        "fit_on": set(FIT_ON),
        "duplicates": set(DUPLICATES),
        "infinite": set(INFINITE),
        "training_rows": set(TRAINING_ROWS),
        "preset": set(PRESETS),
    }


@given(st.integers(16, 1024), st.integers(1, 32))
def test_widths_that_were_not_given_halve_from_layer_to_layer(width, depth):
    widths = default_hidden_units(width, depth=depth)
    assert len(widths) == depth
    assert list(widths) == sorted(widths, reverse=True)
    assert 16 <= widths[-1] <= widths[0] == width


@pytest.mark.parametrize("preset", PRESETS)
def test_a_bottleneck_that_is_not_given_holds_nothing_back_and_one_that_is_has_a_decoder(preset):
    default = TrainConfig(preset=preset, hidden_units=(32, 8)).architecture(features=5)
    assert default.layer_units == (32, 8, 8)
    narrow = TrainConfig(preset=preset, hidden_units=(32, 8), latent_units=3).architecture(features=5)
    assert narrow.layer_units == (32, 8, 3, 8, 32)


def test_a_single_network_leaves_rows_out_unless_they_are_known_to_be_normal():
    mixed, clean = (
        TrainConfig(preset="fast", training_rows=rows).epoch_settings(rows=5000, features=8)[0]
        for rows in ("mixed", "clean")
    )
    assert mixed.trim > 0 == clean.trim
    assert mixed.epochs < clean.epochs  # what is fitted for long learns the anomalies, too
    assert TrainConfig(preset="fast", epochs=7).epoch_settings(rows=5000, features=8)[0].epochs == 7


def test_the_depth_is_the_number_of_hidden_layers():
    assert len(TrainConfig(depth=5).architecture(features=7).hidden_units) == 5
    assert len(TrainConfig().architecture(features=7).hidden_units) == 1


def test_what_is_given_is_what_the_network_gets():
    config = TrainConfig(hidden_units=(9, 5), latent_units=2, activation="elu", alpha=0.4, dropout=0.1, input_noise=0.0)
    network = config.architecture(features=7)
    assert (network.features, network.hidden_units, network.latent_units) == (7, (9, 5), 2)
    assert (network.activation, network.activation_parameter, network.dropout, network.input_noise) == (
        "elu",
        0.4,
        0.1,
        0.0,
    )


@given(st.integers(1, 10**7), st.integers(1, 5000), st.booleans())
def test_the_batch_size_is_a_power_of_two_within_32_and_256(rows, features, ensemble):
    size = default_batch_size(rows, features=features, ensemble=ensemble)
    assert 32 <= size <= 256
    assert size & (size - 1) == 0


@given(st.integers(4, 10**5))
def test_without_an_alert_rate_the_smallest_usual_one_is_taken_that_the_rows_can_promise(rows):
    rate = TrainConfig().threshold_spec(calibration_rows=rows).value
    usual = [0.01, 0.02, 0.05, 0.1, 0.2]
    assert rate == next(r for r in usual if rows_needed(r) <= rows)


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"alert_rate": 0.003}, 0.003),
        ({"threshold_method": "contamination", "contamination": 0.2}, 0.2),
        ({"threshold_method": "fixed", "threshold": 7.0}, 7.0),
        ({"threshold_method": "evt"}, 0.001),
        ({"threshold_method": "evt", "alert_rate": 1e-5}, 1e-5),
        (LABELS, 1.0),
        ({**LABELS, "recall": 0.8}, 0.8),
    ],
)
def test_the_value_of_a_threshold_method_comes_from_its_own_flag(settings, value):
    assert TrainConfig(**settings).threshold_spec(calibration_rows=10).value == value


@pytest.mark.parametrize("target", ["beta", "precision", "recall", "false_positive_rate"])
def test_the_target_of_labels_is_the_one_that_is_given(target):
    spec = TrainConfig(**LABELS, **{target: 0.5}).threshold_spec(calibration_rows=100)
    assert (spec.method, spec.target, spec.value) == ("labels", target, 0.5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**LABELS, "recall": 0.9, "precision": 0.9}, "precision and recall exclude one another: give one."),
        ({"threshold_method": "labels"}, "threshold_method 'labels' needs a label column: say --label COLUMN."),
        (
            {"recall": 0.9},
            "recall has no effect with threshold_method 'fpr': say --threshold-method labels, or leave --recall out.",
        ),
        (
            {"threshold_method": "contamination", "alert_rate": 0.1},
            "alert_rate has no effect with threshold_method 'contamination': say --threshold-method fpr, or leave "
            "--alert-rate out.",
        ),
        (
            {"threshold_method": "evt", "false_positive_rate": 0.1},
            "false_positive_rate has no effect with threshold_method 'evt': say --threshold-method labels, or leave "
            "--false-positive-rate out.",
        ),
    ],
)
def test_settings_of_the_threshold_that_do_not_go_together_are_one_sentence(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    assert str(caught.value) == sentence


@given(st.integers(1, 10**6), st.integers(1, 5000), st.sampled_from([32, 128, 256]))
def test_a_fit_takes_the_presets_steps_or_as_few_as_a_third_of_them_and_at_least_one_pass(rows, features, size):
    steps = -(-rows // min(size, rows)) * default_epochs(rows, features=features, batch_size=size, steps=1000)
    a_pass = -(-rows // min(size, rows))
    assert max(a_pass, 300 - a_pass) <= steps <= max(a_pass, 1000 + a_pass)
    fewer = default_epochs(rows, features=features + 5000, batch_size=size, steps=1000)
    assert fewer <= default_epochs(rows, features=features, batch_size=size, steps=1000)
