from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.errors import BundleError, ConfigError, Message, RecordError, Set, TableError, TrainingError
from training.estimator import AutoencoderDetector
from training.estimator.errors import as_value_errors, in_python


@pytest.mark.parametrize(
    ("setting", "parameter"),
    [
        (Set("exclude"), "exclude"),
        (Set("label", like="COLUMN"), "label=COLUMN"),
        (Set("include", like="COLUMN"), "include=[COLUMN]"),
        (Set("alert_rate", 0.05), "alert_rate=0.05"),
        (Set("learning_rate", 3e-5), "learning_rate=3e-05"),
        (Set("fit_on", "normal"), "fit_on='normal'"),
        (Set("anomaly_values", like="VALUE …"), "anomaly_values=[VALUE, …]"),
        (Set("missing_values", "CO(GT)=-200"), "missing_values=['CO(GT)=-200']"),
        (Set("exclude", ("a", "b c")), "exclude=['a', 'b c']"),
        (Set("time", "at"), "time='at'"),
        (Set("output"), "path"),
        (Set("overwrite", True), "overwrite=True"),
        (Set("least_rows", like="N"), "least_rows=N"),
        (Set("seed", 3), "random_state=3"),
        (Set("thousands", ","), "pandas.read_csv(…, thousands=',')"),
        (Set("decimal"), "pandas.read_csv(…, decimal=…)"),
    ],
)
def test_remedies_name_parameters_in_the_place_of_flags(setting, parameter):
    assert in_python(Message("say ", setting, ".")) == f"say {parameter}."


def test_words_without_a_setting_stay_as_they_are():
    assert in_python("an en–dash, a--b and --exclude stay") == "an en–dash, a--b and --exclude stay"


@pytest.mark.parametrize("kind", [ConfigError, TableError, TrainingError, BundleError])
def test_an_error_of_ours_is_a_value_error_too_and_names_its_cause(kind):
    with pytest.raises(kind, match=r"^say exclude\.$") as caught, as_value_errors():
        raise kind("say ", Set("exclude"), ".")
    assert isinstance(caught.value, ValueError)
    assert type(caught.value.__cause__) is kind


def test_other_errors_pass_as_they_are():
    with pytest.raises(KeyError), as_value_errors():
        raise KeyError("x")
    with pytest.raises(RecordError), as_value_errors():
        raise RecordError("wrong.", record=1, field=None, remedy="Fix it.")


FRAME = pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0) ** 2})

WRONG = {
    "few rows": ({}, FRAME.head(9), r"Too few rows: of 9 .* give at least 42, or accept fewer: least_rows=N"),
    "one row": ({}, FRAME.head(1), r"X has 1 sample\(s\)"),
    "no column": ({"include": "c"}, FRAME, "include: there is no column 'c'. The columns are: a, b"),
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
def test_a_wrong_call_is_one_line_that_names_parameters(case):
    parameters, X, message = WRONG[case]
    with pytest.raises(ValueError, match=message) as caught:
        AutoencoderDetector(**parameters).fit(X)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)
