from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigError, TableError
from models.tables.table import Table
from training.data.labels import ANOMALY_WORDS, NORMAL_WORDS, label_rule


def table(*labels):
    return Table(data=pa.table({"state": pa.array(labels)}))


def anomalies(*labels, **options):
    data = table(*labels)
    return label_rule(data, "state", **options).anomalies(data).tolist()


@given(st.lists(st.sampled_from("abc"), min_size=1), st.sampled_from("abc"))
def test_named_values_are_the_anomalies(labels, value):
    if value in labels:
        assert anomalies(*labels, anomaly_values=(value,)) == [label == value for label in labels]


@pytest.mark.parametrize("word", sorted(NORMAL_WORDS))
def test_a_value_that_plainly_means_normal_makes_every_other_one_an_anomaly(word):
    assert anomalies(word.upper(), "strange", "odd", "odd", "odd") == [False, True, True, True, True]


@pytest.mark.parametrize("word", sorted(ANOMALY_WORDS))
def test_a_value_that_plainly_means_anomaly_is_the_only_one(word):
    assert anomalies(word.capitalize(), word, word, "day", "night") == [True, True, True, False, False]


def test_the_rarer_of_two_values_is_the_anomaly():
    assert anomalies("a", "a", "b") == [False, False, True]
    assert anomalies(0, 0, 1) == [False, False, True]
    assert anomalies(True, False, False) == [True, False, False]


def test_of_two_equally_frequent_values_one_is_the_anomaly():
    assert anomalies("1", "0") == [True, False]


@pytest.mark.parametrize("value", ["1", "1.0", 1, 1.0, "1.00"])
def test_one_and_one_point_zero_are_the_same_label(value):
    data = Table(data=pa.table({"state": pa.array([str(value), "0", "0"])}))
    assert label_rule(data, "state", anomaly_values=("1",)).anomalies(data).tolist() == [True, False, False]


def test_the_reason_is_given_in_words():
    assert label_rule(table("ok", "x"), "state").reason == ("'ok' means 'normal', every other value is an anomaly")
    assert label_rule(table("a", "a", "b"), "state").reason == "'b' is the rarer of two values"


def test_three_values_without_a_plain_one_ask_for_the_anomalies():
    with pytest.raises(ConfigError, match=r"Say it: --anomaly-values VALUE …; it has 'c' \(2\), 'a' \(1\), 'b' \(1\)"):
        label_rule(table("c", "c", "a", "b"), "state")


def test_a_named_value_that_does_not_occur_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match=r"--anomaly-values z: no such value in 'state': 'a' \(1\)"):
        label_rule(table("a", "b"), "state", anomaly_values=("z",))


@pytest.mark.parametrize("gap", [None, "", " NA "])
def test_a_missing_label_is_refused_with_its_row(gap):
    with pytest.raises(TableError, match="row 2: the label is missing"):
        label_rule(table("a", gap), "state")


def test_a_table_without_the_label_column_is_refused_with_its_columns():
    with pytest.raises(TableError, match=r"--label: there is no column 'label'\. The columns are: state"):
        label_rule(table("a"), "label")


def test_the_label_rule_of_one_table_applies_to_another():
    rule = label_rule(table("normal", "dos"), "state")
    np.testing.assert_array_equal(rule.anomalies(table("normal", "probe", "dos")), [False, True, True])


def test_the_meaning_of_a_label_is_decided_by_the_test_rows_as_well():
    rule = label_rule(table("0", "0"), "state", also=table("1.0", "0"))
    assert rule.anomalies(table("0", "1")).tolist() == [False, True]


def test_rows_that_are_all_labelled_normal_hold_no_anomaly():
    assert label_rule(table("normal", "normal"), "state").anomalies(table("normal", "dos")).tolist() == [False, True]


@pytest.mark.parametrize(
    ("normal", "anomaly"),
    [(0, 1), ("0", "1"), (0.0, 1.0), (False, True), ("no", "Yes"), ("n", "y"), ("negative", "positive")],
)
def test_rarity_alone_never_turns_the_meaning_of_the_words_round(normal, anomaly):
    """Case 41 of the second collection: where most rows are attacks, it is asked."""
    mostly_attacks = table(normal, anomaly, anomaly)
    with pytest.raises(ConfigError, match=r"mostly means normal. Say which .*--anomaly-values .* or --anomaly-v"):
        label_rule(mostly_attacks, "state")
    assert label_rule(table(normal, normal, anomaly), "state").anomalies(mostly_attacks).tolist() == [False, True, True]
    said = label_rule(mostly_attacks, "state", anomaly_values=(str(normal),))
    assert said.anomalies(mostly_attacks).tolist() == [True, False, False]


def test_of_two_values_that_come_equally_often_the_word_decides():
    assert label_rule(table(0, 1), "state").values == {"1"}
    assert label_rule(table("off", "on"), "state").values == {"on"}
