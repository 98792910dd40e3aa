"""The method `labels`: best F-beta, wanted precision, recall or false-positive rate."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score, precision_score

from models.calibration import Calibration, CalibrationRows, ThresholdSpec
from models.calibration.labels import f_beta, outcomes
from models.errors import ConfigError

LABELLED = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=20, max_size=80).filter(
    lambda pairs: min(sum(label for _, label in pairs), sum(not label for _, label in pairs)) >= 10
)


def calibrate(scores, is_anomaly, **target):
    [(name, value)] = target.items()
    rows = CalibrationRows.of(np.asarray(scores, float), is_anomaly=np.asarray(is_anomaly, bool))
    return Calibration.on(rows, ThresholdSpec(method="labels", target=name, value=value))


@settings(max_examples=30)  # scikit-learn takes its time
@given(LABELLED, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_threshold_has_a_better_f_beta(pairs, beta):
    scores, labels = np.array([score for score, _ in pairs]), np.array([label for _, label in pairs])
    flagged = calibrate(scores, labels, beta=beta).decide(scores.astype(float)).is_anomaly
    best = max(fbeta_score(labels, scores > t, beta=beta, zero_division=0) for t in range(-1, 13))
    assert fbeta_score(labels, flagged, beta=beta, zero_division=0) == pytest.approx(best)


@settings(max_examples=30)  # scikit-learn takes its time
@given(LABELLED, st.sampled_from([0.5, 1.0, 3.0]))
def test_the_f_beta_of_a_threshold_is_that_of_scikit_learn(pairs, beta):
    scores, labels = np.array([score for score, _ in pairs], float), np.array([label for _, label in pairs])
    rows = CalibrationRows.of(scores, is_anomaly=labels)
    thresholds, right, wrong = outcomes(rows)
    expected = [fbeta_score(labels, scores > t, beta=beta, zero_division=0) for t in thresholds]
    np.testing.assert_allclose(f_beta(rows, right, wrong, beta=beta), expected)


@settings(max_examples=30)  # scikit-learn takes its time
@given(LABELLED, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_the_threshold_for_a_precision_is_the_lowest_that_reaches_it(pairs, wanted):
    scores, labels = np.array([score for score, _ in pairs]), np.array([label for _, label in pairs])
    reached = [t for t in range(-1, 12) if (scores > t).any() and precision_score(labels, scores > t) >= wanted]
    if not reached:
        with pytest.raises(ConfigError, match=f"No threshold reaches a precision of {wanted:g}: the best is"):
            calibrate(scores, labels, precision=wanted)
        return
    flagged = calibrate(scores, labels, precision=wanted).decide(scores.astype(float)).is_anomaly
    assert precision_score(labels, flagged) >= wanted
    assert flagged.sum() == (scores > min(reached)).sum()


def test_a_precision_that_no_threshold_reaches_is_refused_with_the_best_that_one_does():
    scores = [*range(10), *range(10)]
    labels = [True] * 10 + [False] * 10
    with pytest.raises(ConfigError) as caught:
        calibrate(scores, labels, precision=0.9)
    assert str(caught.value) == (
        "No threshold reaches a precision of 0.9: the best is 0.5, where 1 of 10 anomalies are found. Ask for "
        "--precision 0.5 or less, or say --threshold-method fpr."
    )


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 99))
def test_a_recall_is_a_rank_of_the_anomalies_and_promised_from_enough_of_them_on(scores, percent):
    """Of m + 1 exchangeable anomalies, the last is missed with a chance of at most ⌊(m + 1)(1 − r)⌋/(m + 1)."""
    recall, m = percent / 100, len(scores)
    missed = math.floor((m + 1) * (1 - Fraction(percent, 100)))
    labels = [True] * m + [False]
    if missed == 0:
        with pytest.raises(ConfigError, match=f"A recall of {recall:g} needs at least .* there are {m}"):
            calibrate([*scores, 0], labels, recall=recall)
        return
    calibration = calibrate([*scores, 0], labels, recall=recall)
    assert calibration.decide(np.array(sorted(scores)[missed - 1 :], float)).is_anomaly.all()
    below = np.array([score for score in scores if score < sorted(scores)[missed - 1]], float)
    assert not calibration.decide(below).is_anomaly.any()


@given(st.lists(st.integers(0, 30), min_size=20, max_size=60))
def test_a_false_positive_rate_is_that_of_the_normal_rows_alone(scores):
    calibration = calibrate([*scores, *[99] * 500], [False] * len(scores) + [True] * 500, false_positive_rate=0.1)
    alone = Calibration.of(np.array(scores, float), method="fpr", value=0.1)
    assert calibration.threshold == alone.threshold


def test_rare_anomalies_of_which_more_were_kept_weigh_less():
    """Half of the anomalies were kept, and a tenth of the normal rows: one kept anomaly is a fifth of a row."""
    rng = np.random.default_rng(0)
    normal, anomalies = rng.exponential(size=20_000), rng.exponential(3, size=200)
    everything = np.concatenate([normal, anomalies])
    labels = np.arange(len(everything)) >= len(normal)
    kept = np.where(labels, rng.random(len(labels)) < 0.5, rng.random(len(labels)) < 0.1)
    weight = (labels.sum() / (labels & kept).sum()) / ((~labels).sum() / (~labels & kept).sum())
    rows = CalibrationRows.of(everything[kept], is_anomaly=labels[kept], anomaly_weight=weight)
    spec = ThresholdSpec(method="labels", target="precision", value=0.3)
    threshold, unweighted = (
        Calibration.on(CalibrationRows.of(r.score, is_anomaly=r.label == 1, anomaly_weight=w), spec).threshold
        for r, w in ((rows, weight), (rows, 1.0))
    )
    assert labels[everything > threshold].mean() == pytest.approx(0.3, abs=0.1)
    assert labels[everything > unweighted].mean() < 0.15


@pytest.mark.parametrize(
    ("target", "anomalies", "normal", "complaint"),
    [
        ({"beta": 1.0}, 9, 100, "at least 10 labelled anomalies among the calibration rows, there are 9"),
        ({"precision": 0.5}, 0, 100, "at least 10 labelled anomalies among the calibration rows, there are 0"),
        ({"beta": 1.0}, 100, 9, "at least 10 labelled normal rows among the calibration rows, there are 9"),
        ({"recall": 0.9}, 8, 100, "A recall of 0.9 needs at least 9 labelled anomalies .*, there are 8.*recall 0.88"),
        ({"recall": 0.9}, 0, 100, "A recall of 0.9 needs at least 9 labelled anomalies .*, there are 0. Give more"),
        ({"false_positive_rate": 0.01}, 50, 98, "at least 99 calibration rows, there are 98.*--false-positive-rate"),
    ],
)
def test_too_few_labelled_rows_are_one_error_with_how_many_are_needed(target, anomalies, normal, complaint):
    scores = np.arange(float(anomalies + normal))
    with pytest.raises(ConfigError, match=complaint):
        calibrate(scores, scores < anomalies, **target)


def test_rows_without_labels_are_refused():
    with pytest.raises(ConfigError, match="needs labelled calibration rows: say --label COLUMN"):
        Calibration.of(np.arange(100.0), method="labels", value=1.0)
