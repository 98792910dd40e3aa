from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    THRESHOLD_METHODS,
    Calibration,
    _smallest_rate,
    conformal_threshold,
    contamination_threshold,
    fixed_threshold,
    rows_needed,
)
from models.errors import ConfigError

# Few different values, so that ties are the rule.
SCORES = st.lists(st.integers(0, 12).map(lambda n: n / 4) | st.floats(0, 1e6), min_size=1, max_size=300)
RATES = (
    st.integers(1, 999).map(lambda n: n / 1000)
    | st.floats(0.001, 0.999)
    | st.tuples(st.integers(1, 40), st.integers(41, 99)).map(lambda pair: pair[0] / pair[1])
)
VALUES = {"fpr": 0.05, "contamination": 0.1, "fixed": 3.0}


@given(SCORES, RATES, st.data())
def test_the_verdict_is_that_the_p_value_is_at_most_the_rate_ties_included(scores, rate, data):
    scores = scores * max(1, math.ceil(rows_needed(rate) / len(scores)))
    calibration = Calibration.of(np.array(scores), method="fpr", value=rate)
    fresh = data.draw(st.lists(st.sampled_from(scores) | st.floats(0, 1e6), min_size=1, max_size=20))
    probed = np.array([*fresh, *np.nextafter(scores[:20], np.inf), *np.nextafter(scores[:20], -np.inf)])
    np.testing.assert_array_equal(calibration.is_anomaly(probed), calibration.p_value(probed) <= rate)


@pytest.mark.parametrize(("rate", "n"), [(1 / 3, 5), (2 / 3, 8), (1 / 7, 6), (0.07, 99), (0.29, 99), (0.1 + 0.2, 9)])
def test_the_verdict_agrees_with_the_p_value_for_rates_that_are_no_round_decimals(rate, n):
    calibration = Calibration.of(np.arange(n, dtype=float), method="fpr", value=rate)
    probed = np.arange(-0.5, n, 0.5)
    np.testing.assert_array_equal(calibration.is_anomaly(probed), calibration.p_value(probed) <= rate)


@given(SCORES, st.floats(-1, 1e6))
def test_the_p_value_is_the_share_of_calibration_rows_that_score_at_least_as_high(scores, score):
    calibration = Calibration.of(np.array(scores), method="fixed", value=1.0)
    expected = (1 + sum(other >= score for other in scores)) / (1 + len(scores))
    assert calibration.p_value(np.array([score])) == [expected]


@given(SCORES)
def test_a_higher_score_never_has_a_higher_p_value(scores):
    calibration = Calibration.of(np.array(scores), method="fixed", value=1.0)
    assert (np.diff(calibration.p_value(np.sort(scores))) <= 0).all()


def test_the_rank_is_exact_where_floating_point_is_off_by_one():
    off = [
        (n, percent / 100)
        for n in range(1, 400)
        for percent in range(1, 100)
        if n >= rows_needed(percent / 100)
        and math.ceil((n + 1) * (1 - percent / 100)) != math.ceil((n + 1) * (1 - Fraction(percent, 100)))
    ]
    assert len(off) > 100  # or the test proves nothing
    for n, rate in off:
        rank = math.ceil((n + 1) * (1 - Fraction(str(rate))))
        assert conformal_threshold(np.arange(1.0, n + 1), rate) == rank


@pytest.mark.parametrize(
    ("rate", "rows"), [(0.01, 99), (0.05, 19), (0.1, 9), (0.5, 1), (0.3, 3), (1 / 3, 2), (0.001, 999)]
)
def test_the_rows_needed_are_one_over_the_rate_less_one(rate, rows):
    assert rows_needed(rate) == rows
    conformal_threshold(np.arange(float(rows)), rate)
    with pytest.raises(ConfigError, match=f"needs at least {rows} calibration rows, there are {rows - 1}"):
        conformal_threshold(np.arange(float(rows - 1)), rate)


@given(st.integers(1, 100_000))
def test_the_rate_that_is_offered_where_rows_are_too_few_can_be_promised(n):
    assert rows_needed(_smallest_rate(n)) <= n


@given(SCORES, st.floats(0.001, 0.5))
def test_the_given_share_of_different_scores_lies_above_the_threshold(scores, share):
    different = np.unique(np.array([*scores, *np.arange(1 / 0.001)]))
    threshold = contamination_threshold(different, share)
    assert (different > threshold).sum() == math.floor(len(different) * Fraction(repr(share)))


def test_a_contamination_needs_a_row_to_flag():
    with pytest.raises(ConfigError, match=r"contamination of 0.01 needs at least 100 calibration rows, there are 99"):
        contamination_threshold(np.arange(99.0), 0.01)


@pytest.mark.parametrize(
    ("find", "limit", "wrong"),
    [
        (conformal_threshold, r"alert_rate must be in \(0, 1\)", [0.0, 1.0, -0.1, math.nan]),
        (contamination_threshold, r"contamination must be in \(0, 0\.5\]", [0.0, 0.51, -0.1, math.nan]),
        (fixed_threshold, "threshold must be a finite number of at least 0", [-1e-9, math.inf, math.nan]),
    ],
)
def test_a_value_outside_its_limits_is_refused_with_the_limits_and_the_value(find, limit, wrong):
    for value in wrong:
        with pytest.raises(ConfigError, match=f"{limit}, got {value}"):
            find(np.arange(100.0), value)


# --- every threshold method -----------------------------------------------------------------------------


def test_there_are_three_threshold_methods_and_each_is_tested():
    assert list(THRESHOLD_METHODS) == list(VALUES)
    assert len(THRESHOLD_METHODS) == 3


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_the_order_of_the_calibration_rows_does_not_matter_and_they_are_not_changed(method):
    scores = np.random.default_rng(1).exponential(size=200)
    before = scores.copy()
    one = Calibration.of(scores, method=method, value=VALUES[method])
    other = Calibration.of(scores[::-1], method=method, value=VALUES[method])
    assert one.threshold == other.threshold
    np.testing.assert_array_equal(one.scores, np.sort(scores))
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_a_verdict_is_a_score_strictly_above_the_threshold(method):
    calibration = Calibration.of(np.arange(200.0), method=method, value=VALUES[method])
    threshold = calibration.threshold
    probed = np.array([threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)])
    assert calibration.is_anomaly(probed).tolist() == [False, True, False]


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_every_threshold_method_promises_its_value_in_words(method):
    calibration = Calibration.of(np.arange(200.0), method=method, value=VALUES[method])
    assert {"fpr": "5 %", "contamination": "10 %", "fixed": "above 3"}[method] in calibration.promise


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_a_rate_is_promised_by_the_methods_that_take_one(method):
    calibration = Calibration.of(np.arange(200.0), method=method, value=VALUES[method])
    assert calibration.promised_alert_rate == {"fpr": 0.05, "contamination": 0.1, "fixed": None}[method]


@pytest.mark.parametrize("method", ["fpr", "contamination"])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25])
def test_a_rate_is_kept_on_the_calibration_rows_themselves(method, rate):
    calibration = Calibration.of(np.arange(1000.0), method=method, value=rate)
    assert calibration.is_anomaly(calibration.scores).mean() == pytest.approx(rate, abs=0.0011)


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_every_threshold_method_has_a_summary_and_a_flag_that_training_knows(method):
    from training.config import TrainConfig

    assert THRESHOLD_METHODS[method].flag in TrainConfig.names()
    assert THRESHOLD_METHODS[method].summary
