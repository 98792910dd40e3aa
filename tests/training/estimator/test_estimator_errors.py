from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BundleError, ConfigError, RecordError, TableError, TrainingError
from training.estimator import AutoencoderDetector
from training.estimator.errors import as_value_errors, in_python
from training.settings.config import TrainConfig


@pytest.mark.parametrize(
    ("flags", "parameters"),
    [
        ("leave it out: --exclude.", "leave it out: exclude."),
        ("say --label COLUMN.", "say label=COLUMN."),
        ("must be used: --include COLUMN.", "must be used: include=[COLUMN]."),
        ("excluded (--exclude)", "excluded (exclude)"),
        ("ask for --alert-rate 0.05 or more.", "ask for alert_rate=0.05 or more."),
        ("try --learning-rate 3e-05; if", "try learning_rate=3e-05; if"),
        ("a larger --contamination.", "a larger contamination."),
        ("or leave --alert-rate out.", "or leave alert_rate out."),
        ("Say --fit-on normal to learn", "Say fit_on='normal' to learn"),
        ("serves evaluation and --fit-on", "serves evaluation and fit_on"),
        ("train with --infinite missing.", "train with infinite='missing'."),
        ("--anomaly-values VALUE …; it has", "anomaly_values=[VALUE]; it has"),
        ("say --missing-values 'CO(GT)=-200'", "say missing_values=['CO(GT)=-200']"),
        ("say --missing-values CO=-200.", "say missing_values=['CO=-200']."),
        ("--kind dur=datetime, or --kind dur=numeric if", "kind=['dur=datetime'], or kind=['dur=numeric'] if"),
        ("--time 'ts': rows cannot", "time='ts': rows cannot"),
        ("Choose another --output, or say --overwrite.", "Choose another path, or say overwrite=True."),
        ("with less: --least-rows N.", "with less: least_rows=N."),
        ("away; if known too late: --exclude flow", "away; if known too late: exclude=['flow']"),
        ("else: --exclude a 'b c' d", "else: exclude=['a', 'b c', 'd']"),
        ("if so: --missing-values -999 a=-1", "if so: missing_values=['-999', 'a=-1']"),
        ("to hold out the newest: --time at", "to hold out the newest: time='at'"),
        ("to take each once: --duplicates drop", "to take each once: duplicates='drop'"),
        ("an en–dash, a--b and 3 -- 4 stay", "an en–dash, a--b and 3 -- 4 stay"),
    ],
)
def test_remedies_name_parameters_in_the_place_of_flags(flags, parameters):
    assert in_python(flags) == parameters


@given(st.text() | st.text("--ab-exclude timeXY='9. ", max_size=60))
def test_what_has_no_flag_stays_and_nothing_stops_the_translation(sentence):
    translated = in_python(sentence)
    assert isinstance(translated, str)
    if "--" not in sentence:
        assert translated == sentence


def test_every_setting_is_translated():
    for name in set(TrainConfig.names()) - {"seed"}:
        assert in_python(f"say --{name.replace('_', '-')}.") == f"say {name}."
    assert in_python("--seed 3") == "random_state=3"


@pytest.mark.parametrize("kind", [ConfigError, TableError, TrainingError, BundleError])
def test_an_error_of_ours_is_a_value_error_too_and_names_its_cause(kind):
    with pytest.raises(kind, match=r"^say exclude\.$") as caught, as_value_errors():
        raise kind("say --exclude.")
    assert isinstance(caught.value, ValueError)
    assert type(caught.value.__cause__) is kind


def test_other_errors_pass_as_they_are():
    with pytest.raises(KeyError), as_value_errors():
        raise KeyError("x")
    with pytest.raises(RecordError), as_value_errors():
        raise RecordError("wrong.", record=1, field=None, remedy="Mend it.")


FRAME = pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0) ** 2})

WRONG = {
    "few rows": ({}, FRAME.head(9), r"Too few rows: of 9 .* give at least 42, or be content with less: least_rows=N"),
    "one row": ({}, FRAME.head(1), r"X has 1 sample\(s\)"),
    "no column": ({"include": "c"}, FRAME, "There is no column 'c'. The columns are: a, b"),
    "all excluded": ({"exclude": ["a", "b"]}, FRAME, r"excluded \(exclude\).*must be used: include=\[COLUMN\]"),
    "an infinite number": ({}, FRAME.replace(5.0, np.inf), r"'a', row 6: .*infinite='missing'"),
    "another type": ({"epochs": "10"}, FRAME, "epochs must be a whole number or None, got '10'"),
    "a truth value": ({"epochs": True}, FRAME, "epochs must be a whole number or None, got True"),
    "a fraction": ({"hidden_units": (3.5,)}, FRAME, r"hidden_units must be a list of whole numbers or None, got \(3"),
    "no text": ({"exclude": 3}, FRAME, "exclude must be a list of texts, got 3"),
    "a random state": ({"random_state": "x"}, FRAME, "random_state must be a whole number, None, a RandomState or"),
    "a negative seed": ({"random_state": -1}, FRAME, "random_state must be at least 0, got -1"),
    "a rate that cannot be": ({"alert_rate": 0.001}, FRAME, "ask for alert_rate="),
    "two that exclude each other": ({"contamination": 0.1}, FRAME, "threshold_method='contamination', or leave cont"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_told_in_one_line_in_the_words_of_python(case):
    parameters, X, message = WRONG[case]
    with pytest.raises(ValueError, match=message) as caught:
        AutoencoderDetector(**parameters).fit(X)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_in_a_message_stays_as_it_is_typed():
    sentence = "Say --fit-on normal. Train one: python -m training.train DATA --output x"
    assert in_python(sentence) == "Say fit_on='normal'. Train one: python -m training.train DATA --output x"
