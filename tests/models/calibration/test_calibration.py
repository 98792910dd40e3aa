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
    CalibrationRows,
    ThresholdSpec,
    check_rows,
    rows_needed,
    spec_of,
)
from models.calibration.ranks import conformal_threshold, contamination_threshold, require_rows, smallest_rate
from models.errors import ConfigError

# Few different values, so that ties are the rule.
SCORES = st.lists(st.integers(0, 12).map(lambda n: n / 4) | st.floats(0, 1e6), min_size=1, max_size=300)
RATES = (
    st.integers(1, 999).map(lambda n: n / 1000)
    | st.floats(0.001, 0.999)
    | st.tuples(st.integers(1, 40), st.integers(41, 99)).map(lambda pair: pair[0] / pair[1])
)
VALUES = {"fpr": 0.05, "evt": 0.001, "labels": 1.0, "contamination": 0.1, "fixed": 3.0}


def calibrated(method, scores, *, segment=None, **more):
    """Calibrate on scores of which the highest tenth is labelled anomalies, one way for every method."""
    is_anomaly = scores > np.quantile(scores, 0.9)
    rows = CalibrationRows.of(scores, is_anomaly=is_anomaly, segment=segment, **more)
    return Calibration.on(rows, spec_of(method, VALUES[method]))


@given(SCORES, RATES, st.data())
def test_the_verdict_is_that_the_p_value_is_at_most_the_rate_ties_included(scores, rate, data):
    scores = scores * max(1, math.ceil(rows_needed(rate) / len(scores)))
    calibration = Calibration.of(np.array(scores), method="fpr", value=rate)
    fresh = data.draw(st.lists(st.sampled_from(scores) | st.floats(0, 1e6), min_size=1, max_size=20))
    probed = np.array([*fresh, *np.nextafter(scores[:20], np.inf), *np.nextafter(scores[:20], -np.inf)])
    np.testing.assert_array_equal(calibration.decide(probed).is_anomaly, calibration.decide(probed).p_value <= rate)


@pytest.mark.parametrize(("rate", "n"), [(1 / 3, 5), (2 / 3, 8), (1 / 7, 6), (0.07, 99), (0.29, 99), (0.1 + 0.2, 9)])
def test_the_verdict_agrees_with_the_p_value_for_rates_that_are_no_round_decimals(rate, n):
    calibration = Calibration.of(np.arange(n, dtype=float), method="fpr", value=rate)
    probed = np.arange(-0.5, n, 0.5)
    np.testing.assert_array_equal(calibration.decide(probed).is_anomaly, calibration.decide(probed).p_value <= rate)


@given(SCORES, st.floats(-1, 1e6))
def test_the_p_value_is_the_share_of_calibration_rows_that_score_at_least_as_high(scores, score):
    calibration = Calibration.of(np.array(scores), method="fixed", value=1.0)
    expected = (1 + sum(other >= score for other in scores)) / (1 + len(scores))
    assert calibration.decide(np.array([score])).p_value == [expected]


@given(SCORES)
def test_a_higher_score_never_has_a_higher_p_value(scores):
    calibration = Calibration.of(np.array(scores), method="fixed", value=1.0)
    assert (np.diff(calibration.decide(np.sort(scores)).p_value) <= 0).all()


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
    require_rows(rows, rate)
    with pytest.raises(ConfigError, match=f"needs at least {rows} calibration rows, there are {rows - 1}"):
        require_rows(rows - 1, rate)


@given(st.integers(1, 100_000))
def test_the_rate_that_is_offered_where_rows_are_too_few_can_be_promised(n):
    assert rows_needed(smallest_rate(n)) <= n


@given(SCORES, st.floats(0.001, 0.5))
def test_the_given_share_of_different_scores_lies_above_the_threshold(scores, share):
    different = np.unique(np.array([*scores, *np.arange(1 / 0.001)]))
    threshold = contamination_threshold(different, share)
    assert (different > threshold).sum() == math.floor(len(different) * Fraction(repr(share)))


def test_a_contamination_needs_a_row_to_flag():
    with pytest.raises(ConfigError, match=r"contamination of 0.01 needs at least 100 calibration rows, there are 99"):
        contamination_threshold(np.arange(99.0), 0.01)


@pytest.mark.parametrize(
    ("method", "target", "limit", "wrong"),
    [
        ("fpr", "alert_rate", r"alert_rate must be in \(0, 1\)", [0.0, 1.0, -0.1, math.nan]),
        ("evt", "alert_rate", r"alert_rate must be in \[1e-09, 1\)", [0.0, 1e-10, 1.0, math.nan]),
        ("labels", "beta", "beta must be above 0", [0.0, -1.0, math.inf, math.nan]),
        ("labels", "precision", r"precision must be in \(0, 1\]", [0.0, 1.1, math.nan]),
        ("labels", "recall", r"recall must be in \(0, 1\)", [0.0, 1.0, math.nan]),
        ("labels", "false_positive_rate", r"false_positive_rate must be in \(0, 1\)", [0.0, 1.0, math.nan]),
        ("contamination", "contamination", r"contamination must be in \(0, 0\.5\]", [0.0, 0.51, -0.1, math.nan]),
        ("fixed", "threshold", "threshold must be at least 0", [-1e-9, math.inf, math.nan]),
    ],
)
def test_a_value_outside_its_limits_is_refused_with_the_limits_and_the_value(method, target, limit, wrong):
    rows = CalibrationRows.of(np.arange(600.0), is_anomaly=np.arange(600) >= 500)
    for value in wrong:
        spec = ThresholdSpec(method=method, target=target, value=value)
        with pytest.raises(ConfigError, match=f"{limit}, got {value}"):
            Calibration.on(rows, spec)
        with pytest.raises(ConfigError, match=f"{limit}, got {value}"):
            check_rows(rows, spec)


# --- every threshold method -----------------------------------------------------------------------------


def test_there_are_five_threshold_methods_and_each_is_tested():
    assert list(THRESHOLD_METHODS) == list(VALUES)
    assert len(THRESHOLD_METHODS) == 5


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_the_order_of_the_calibration_rows_does_not_matter_and_they_are_not_changed(method):
    scores = np.random.default_rng(1).exponential(size=600)
    before = scores.copy()
    one, other = calibrated(method, scores), calibrated(method, scores[::-1])
    assert one.threshold == other.threshold
    np.testing.assert_array_equal(one.pooled.scores, np.sort(scores))
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_a_verdict_is_a_score_strictly_above_the_threshold(method):
    calibration = calibrated(method, np.arange(600.0))
    threshold = calibration.threshold
    probed = np.array([threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)])
    assert calibration.decide(probed).is_anomaly.tolist() == [False, True, False]


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_a_score_is_decided_alone_as_among_others_and_a_higher_one_never_has_a_higher_p_value(method):
    calibration = calibrated(method, np.random.default_rng(1).exponential(size=600))
    probed = np.sort(np.random.default_rng(2).exponential(2, size=300))
    judged = calibration.decide(probed)
    assert (np.diff(judged.p_value) <= 0).all()
    assert ((judged.p_value > 0) & (judged.p_value <= 1)).all()
    for row in (0, 100, 299):
        alone = calibration.decide(probed[row : row + 1])
        assert (alone.p_value[0], alone.is_anomaly[0]) == (judged.p_value[row], judged.is_anomaly[row])


@pytest.mark.parametrize(
    ("method", "target"), [(name, target) for name, m in THRESHOLD_METHODS.items() for target in m.targets]
)
def test_every_target_promises_its_value_in_words(method, target):
    rows = CalibrationRows.of(np.arange(600.0), is_anomaly=np.arange(600) >= 500)
    promise = Calibration.on(rows, ThresholdSpec(method=method, target=target, value=0.4)).promise
    assert ("40 %" if "{percent}" in str(THRESHOLD_METHODS[method].targets[target].promise) else "0.4") in promise
    assert "{" not in promise


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_a_rate_is_promised_by_the_methods_that_take_one(method):
    rate = {"fpr": 0.05, "evt": 0.001, "contamination": 0.1}.get(method)
    assert calibrated(method, np.arange(600.0)).promised_alert_rate == rate


@pytest.mark.parametrize("method", ["fpr", "evt"])
@pytest.mark.parametrize(("rests_on", "word"), [("all", "those for anomalies among them"), ("normal", "normal rows")])
def test_the_promise_says_which_rows_it_is_about(method, rests_on, word):
    assert word in calibrated(method, np.arange(600.0), population=rests_on).promise


@pytest.mark.parametrize("method", ["fpr", "contamination"])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25])
def test_a_rate_is_kept_on_the_calibration_rows_themselves(method, rate):
    calibration = Calibration.of(np.arange(1000.0), method=method, value=rate)
    assert calibration.decide(calibration.pooled.scores).is_anomaly.mean() == pytest.approx(rate, abs=0.0011)


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_every_threshold_method_has_a_summary_and_flags_that_training_knows(method):
    from training.settings.config import TrainConfig

    assert set(THRESHOLD_METHODS[method].settings) <= set(TrainConfig.__dataclass_fields__)
    assert THRESHOLD_METHODS[method].summary


# --- which rows it rests on -----------------------------------------------------------------------------


def test_the_calibration_population_can_be_the_normal_rows_alone():
    scores, is_anomaly = np.arange(200.0), np.arange(200) >= 100
    spec = spec_of("fpr", 0.05)
    on_all = Calibration.on(CalibrationRows.of(scores, is_anomaly=is_anomaly), spec)
    on_normal = Calibration.on(CalibrationRows.of(scores, is_anomaly=is_anomaly, population="normal"), spec)
    alone = Calibration.of(scores[:100], method="fpr", value=0.05)
    probed = np.arange(-1.0, 201, 0.5)
    np.testing.assert_array_equal(on_normal.decide(probed).p_value, alone.decide(probed).p_value)
    assert on_normal.threshold == alone.threshold < on_all.threshold
    assert (len(on_all.pooled.scores), len(on_normal.pooled.scores)) == (200, 100)


# --- segments -------------------------------------------------------------------------------------------


def mixed(seed=0, rows=3000):
    """Scores of three segments of other sizes and scales, and rows without one."""
    rng = np.random.default_rng(seed)
    names = np.array(["a", "b", "few", None], object)
    segment = names[rng.choice(4, rows, p=[0.5, 0.4, 0.003, 0.097])]
    scale = np.array([{"a": 1.0, "b": 9.0, "few": 100.0, None: 3.0}[name] for name in segment])
    return scale * rng.exponential(size=rows), segment


@pytest.mark.parametrize("method", [name for name, method in THRESHOLD_METHODS.items() if method.by_segment])
def test_a_segment_is_decided_as_if_there_were_no_other_rows(method):
    scores, segment = mixed()
    labelled = np.arange(len(scores)) % 10 == 0
    spec = spec_of(method, VALUES[method])
    together = Calibration.on(CalibrationRows.of(scores, is_anomaly=labelled, segment=segment), spec)
    probed = np.concatenate([scores, np.geomspace(0.01, 500, 100)])
    for name in ("a", "b"):
        own = segment == name
        alone = Calibration.on(CalibrationRows.of(scores[own], is_anomaly=labelled[own]), spec).decide(probed)
        judged = together.decide(probed, np.full(len(probed), name, object))
        for figure in ("p_value", "threshold", "is_anomaly"):
            np.testing.assert_array_equal(getattr(judged, figure), getattr(alone, figure))


@pytest.mark.parametrize("method", [name for name, method in THRESHOLD_METHODS.items() if method.by_segment])
def test_rows_of_several_segments_in_one_call_are_each_decided_by_their_own(method):
    scores, segment = mixed()
    labelled = np.arange(len(scores)) % 10 == 0
    rows = CalibrationRows.of(scores, is_anomaly=labelled, segment=segment)
    calibration = Calibration.on(rows, spec_of(method, VALUES[method]))
    assert set(calibration.by_segment) == {"a", "b"}
    together = calibration.decide(scores, segment)
    for name in ("a", "b", "few", None):
        own = segment == name
        alone = calibration.decide(scores[own], np.full(own.sum(), name, object))
        for figure in ("p_value", "threshold", "is_anomaly"):
            np.testing.assert_array_equal(getattr(together, figure)[own], getattr(alone, figure))


@pytest.mark.parametrize("method", [name for name, method in THRESHOLD_METHODS.items() if method.by_segment])
@pytest.mark.parametrize("name", ["few", "unseen", None])
def test_a_segment_that_is_small_unseen_or_missing_gets_the_threshold_of_all_rows(name, method):
    scores, segment = mixed()
    calibration = calibrated(method, scores, segment=segment)
    assert name not in calibration.by_segment
    judged = calibration.decide(scores, np.full(len(scores), name, object))
    pooled = calibration.decide(scores)
    np.testing.assert_array_equal(judged.p_value, pooled.p_value)
    np.testing.assert_array_equal(judged.threshold, pooled.threshold)


def test_the_verdict_is_that_the_p_value_is_at_most_the_rate_in_every_segment():
    scores, segment = mixed()
    for method, rate in (("fpr", 0.05), ("evt", 0.0005), ("evt", 0.05), ("evt", 0.2)):
        rows = CalibrationRows.of(np.round(scores, 2), segment=segment)  # rounded: ties
        calibration = Calibration.on(rows, spec_of(method, rate))
        edges = [calibration.threshold, *(cutoff.threshold for cutoff in calibration.by_segment.values())]
        probed = np.array([*scores, *edges, *np.nextafter(edges, np.inf), *np.nextafter(edges, -np.inf)])
        for name in ("a", "b", "few", "unseen", None):
            judged = calibration.decide(probed, np.full(len(probed), name, object))
            np.testing.assert_array_equal(judged.is_anomaly, judged.p_value <= rate)
            np.testing.assert_array_equal(judged.is_anomaly, probed > judged.threshold)


def test_the_calibration_knows_why_a_small_segment_has_no_threshold():
    scores, segment = mixed()
    calibration = Calibration.on(CalibrationRows.of(scores, segment=segment), spec_of("fpr", 0.01))
    rows = int((segment == "few").sum())
    assert set(calibration.by_segment) == {"a", "b"}
    assert calibration.left_pooled == {
        "few": f"An alert rate of 0.01 needs at least 99 calibration rows, there are {rows}"
    }
    assert "(2 of 3)" in calibration.promise


def test_where_no_segment_has_enough_rows_that_is_an_error_even_before_there_are_scores():
    segment = np.array([f"s{n % 50}" for n in range(500)], object)
    rows = CalibrationRows.of(np.arange(500.0), segment=segment)
    for refuse in (check_rows, Calibration.on):
        with pytest.raises(ConfigError, match=r"No segment .* of 50 the first is 's0': An alert rate of 0\.05 needs"):
            refuse(rows, spec_of("fpr", 0.05))


def test_a_fixed_threshold_cannot_go_by_segment():
    rows = CalibrationRows.of(np.arange(9.0), segment=np.array(["a"] * 9, object))
    with pytest.raises(ConfigError, match="gives one threshold: leave --threshold-by out"):
        Calibration.on(rows, spec_of("fixed", 3.0))


@given(st.lists(st.tuples(st.floats(0, 9), st.sampled_from(["a", "b", None])), min_size=1), st.booleans())
def test_calibration_rows_are_equal_after_a_round_trip_through_an_array(pairs, labelled):
    rows = CalibrationRows.of(
        np.array([score for score, _ in pairs]),
        is_anomaly=np.array([score > 5 for score, _ in pairs]) if labelled else None,
        segment=np.array([name for _, name in pairs], object),
    )
    plain = {"segments": rows.segments, "population": "all", "anomaly_weight": 1.0, "refitted": False}
    again = CalibrationRows.from_array(rows.to_array(), plain)
    assert again.names.tolist() == rows.names.tolist()
    assert sorted(zip(again.score, again.names.astype(str), strict=True)) == sorted(
        (score, str(name)) for score, name in pairs
    )
    for name in ("score", "label", "segment"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rows, name))
