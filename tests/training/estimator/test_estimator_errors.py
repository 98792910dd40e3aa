from __future__ import annotations

import re
from inspect import signature

import numpy as np
import pandas as pd
import pytest

from models.errors import BundleError, ConfigError, Message, RecordError, Set, TableError, TrainingError
from training.estimator import AutoencoderDetector
from training.estimator.errors import as_value_errors, in_python
from training.train import _parser as training_parser


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
        (Set("thousands", "space"), "pandas.read_csv(…, thousands=' ')"),
        (Set("thousands", "none"), "pandas.read_csv(…, thousands=None)"),
        (Set("delimiter", "tab"), "pandas.read_csv(…, sep='\\t')"),
        (Set("header", False), "pandas.read_csv(…, header=None)"),
        (Set("skip_lines", 2), "pandas.read_csv(…, skiprows=2)"),
        (Set("sheet", "May"), "pandas.read_excel(…, sheet_name='May')"),
        (Set("skip_rows", ("1",)), "X.drop(index=X.index[[0]])"),
        (Set("skip_rows", ("1", "200-205")), "X.drop(index=X.index[[0, *range(199, 205)]])"),
        (Set("skip_rows", "header"), "X[(X != X.columns).any(axis=1)]"),
        (Set("schema_in", like="FILE"), "python -m training.train … --schema-in FILE"),
    ],
)
def test_remedies_name_parameters_in_the_place_of_flags(setting, parameter):
    assert in_python(Message("say ", setting, ".")) == f"say {parameter}."


def test_two_arguments_of_one_reader_are_one_call():
    message = Message("say ", Set("decimal", ","), " ", Set("thousands", "."), ".")
    assert in_python(message) == "say pandas.read_csv(…, decimal=',', thousands='.')."


def test_every_flag_is_a_parameter_or_has_words_for_python():
    of_save = set(signature(AutoencoderDetector.save).parameters)
    flags = [
        action.dest for action in training_parser()._actions if action.dest not in ("data", "help", "==SUPPRESS==")
    ]
    assert {"skip_rows", "decimal", "seed", "schema_out", "label"} <= set(flags)
    for flag in flags:
        spelt = in_python(Message(Set(flag)))
        name = spelt.partition("=")[0]
        known = name in AutoencoderDetector().get_params() or name in of_save
        assert known or spelt.startswith(("pandas.", "X.", "python -m training.train … --")), flag


def test_rows_that_are_no_records_can_be_dropped_as_the_error_says():
    units = pd.DataFrame({"a": ["km", *map(str, range(100))], "b": ["kg", *map(str, range(100, 200))]})
    with pytest.raises(ValueError, match=r"if it is no record .*, say X\.drop\(index=X\.index\[\[0\]\]\)"):
        AutoencoderDetector().fit(units)
    again = pd.concat([units[1:], pd.DataFrame({"a": ["a"], "b": ["b"]})])
    with pytest.raises(ValueError, match=re.escape("X[(X != X.columns).any(axis=1)]")):
        AutoencoderDetector().fit(again)
    assert len(again[(again != again.columns).any(axis=1)]) == 100


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
    "few rows": ({}, FRAME.head(9), r"Too few rows: of 9 .* give at least 22, or accept fewer: least_rows=N"),
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


@pytest.mark.parametrize("cells", [[12, "A12"], ["A12", 12], ["km", 1.5], [None, 1.5, "km"], [pd.NA, True, 3]])
def test_a_column_of_mixed_types_is_named_with_what_makes_it_one(cells):
    frame = pd.DataFrame(
        {"ok": pd.Series([1] * (len(cells) - 1) + [2.5], dtype=object), "code": pd.Series(cells, dtype=object)}
    )
    remedy = re.escape("X['code'] = X['code'].astype(str)")
    with pytest.raises(ValueError, match=rf"Column 'code' .*mixes values .* in row \d is of type .*{remedy}") as caught:
        AutoencoderDetector().fit(frame)
    assert "Expected bytes" not in str(caught.value)
