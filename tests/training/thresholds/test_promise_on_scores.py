"""Whether every threshold method keeps its promise on fresh scores: statistical tests without a network.

Scores are drawn, calibrated on and judged many times over. What is promised is an average over fits, so the mean
of many fits' true rates is compared with it, five deviations of that mean allowed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.calibration import THRESHOLD_METHODS, Calibration, CalibrationRows, ThresholdSpec, prepared_spec, spec_of

FITS = 400
FRESH = 20_000
RATES = (0.05, 0.01, 0.001)
ANOMALIES = 0.05


def usual(rng, rows):
    return rng.gamma(2.0, size=rows)


def coarse(rng, rows):
    return np.round(rng.gamma(2.0, size=rows), 1)  # ties are the rule


def heavy(rng, rows):
    return rng.standard_t(4, size=rows) ** 2


LAWS = {"usual": usual, "coarse": coarse, "heavy": heavy}


def mixed(rng, rows, law=usual):
    """Scores of which some are of anomalies, and which these are."""
    is_anomaly = rng.random(rows) < ANOMALIES
    return np.where(is_anomaly, 4 + law(rng, rows), law(rng, rows)), is_anomaly


def mean_and_error(rates):
    return np.mean(rates), np.std(rates, ddof=1) / np.sqrt(len(rates))


def test_every_threshold_method_with_a_promise_is_tested_here():
    tested = {"fpr", "evt", "labels", "contamination"}
    assert tested == set(THRESHOLD_METHODS) - {"fixed"}  # which promises nothing


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("law", LAWS)
def test_fpr_flags_at_most_its_rate(law, rate):
    rng = np.random.default_rng(0)
    rates = [
        Calibration.of(LAWS[law](rng, 1500), method="fpr", value=rate).decide(LAWS[law](rng, FRESH)).is_anomaly.mean()
        for _ in range(FITS)
    ]
    mean, error = mean_and_error(rates)
    assert mean <= rate + 5 * error
    if law != "coarse":
        assert mean >= 0.6 * rate - 5 * error  # ⌊1501 α⌋/1501 of them, which is 0.67 ‰ for 1 ‰
    assert error < 0.1 * rate


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("rests_on", ["all", "normal"])
def test_with_anomalies_among_the_rows_the_rate_is_that_of_the_calibration_population(rests_on, rate):
    rng = np.random.default_rng(1)
    kept, others = [], []
    for _ in range(FITS):
        scores, is_anomaly = mixed(rng, 1500)
        rows = CalibrationRows.of(scores, is_anomaly=is_anomaly, population=rests_on)
        fresh, fresh_anomaly = mixed(rng, FRESH)
        flagged = Calibration.on(rows, spec_of("fpr", rate)).decide(fresh).is_anomaly
        normal_rate, all_rate = flagged[~fresh_anomaly].mean(), flagged.mean()
        kept.append(all_rate if rests_on == "all" else normal_rate)
        others.append(normal_rate if rests_on == "all" else all_rate)
    mean, error = mean_and_error(kept)
    assert 0.6 * rate - 5 * error <= mean <= rate + 5 * error
    assert np.mean(others) < 0.5 * rate if rests_on == "all" else np.mean(others) > 1.2 * rate


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.001, 0.0003, 0.0001])
@pytest.mark.parametrize("law", ["usual", "heavy"])
def test_evt_flags_about_its_rate_beyond_one_over_the_rows(law, rate):
    """From 900 rows, of which fpr could promise 1.1 ‰ at best; the further beyond, the more above it, on average."""
    rng = np.random.default_rng(2)
    beyond = {"usual": stats.gamma(2).sf, "heavy": lambda score: 2 * stats.t(4).sf(np.sqrt(score))}[law]
    rates = []
    for _ in range(100):  # each choice of a tail takes a while
        rows = CalibrationRows.of(LAWS[law](rng, 900))
        calibration = Calibration.on(rows, prepared_spec(rows, spec_of("evt", rate)))
        rates.append(beyond(calibration.threshold))
    mean, error = mean_and_error(rates)
    expected = {0.001: 1.2, 0.0003: 1.5, 0.0001: 2.0}[rate]
    assert mean <= expected * rate + 3 * error
    assert mean >= 0.5 * rate


@pytest.mark.slow
@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95])
def test_labels_find_at_least_the_wanted_recall(recall):
    rng = np.random.default_rng(3)
    rates = []
    for _ in range(4 * FITS):
        scores, is_anomaly = mixed(rng, 1000)
        rows = CalibrationRows.of(scores, is_anomaly=is_anomaly)
        threshold = Calibration.on(rows, ThresholdSpec(method="labels", target="recall", value=recall)).threshold
        rates.append((4 + usual(rng, 2000) > threshold).mean())
    mean, error = mean_and_error(rates)
    assert recall - 5 * error <= mean <= recall + 0.03


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_labels_flag_at_most_the_wanted_share_of_normal_rows(rate):
    rng = np.random.default_rng(4)
    rates = []
    for _ in range(FITS):
        scores, is_anomaly = mixed(rng, 1500)
        rows = CalibrationRows.of(scores, is_anomaly=is_anomaly)
        spec = ThresholdSpec(method="labels", target="false_positive_rate", value=rate)
        rates.append((usual(rng, FRESH) > Calibration.on(rows, spec).threshold).mean())
    mean, error = mean_and_error(rates)
    assert 0.6 * rate - 5 * error <= mean <= rate + 5 * error


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_contamination_flags_about_its_share(share):
    rng = np.random.default_rng(5)
    rates = [
        Calibration.of(usual(rng, 1000), method="contamination", value=share)
        .decide(usual(rng, FRESH))
        .is_anomaly.mean()
        for _ in range(FITS)
    ]
    mean, error = mean_and_error(rates)
    assert mean == pytest.approx(share, abs=5 * error + 0.001)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "rate"), [("fpr", 0.05), ("fpr", 0.01), ("evt", 0.001)])
def test_the_rate_is_kept_in_each_segment_where_one_threshold_would_not_keep_it(method, rate):
    rng = np.random.default_rng(6)
    names = np.array(["calm", "loud"], object)
    rates, pooled = {"calm": [], "loud": []}, {"calm": [], "loud": []}
    for _ in range(150):
        segment = names[(rng.random(2000) < 0.4).astype(int)]
        rows = CalibrationRows.of(np.where(segment == "loud", 8, 1) * usual(rng, 2000), segment=segment)
        calibration = Calibration.on(rows, spec_of(method, rate))
        for name, scale in (("calm", 1), ("loud", 8)):
            fresh = scale * usual(rng, FRESH)
            judged = calibration.decide(fresh, np.full(FRESH, name, object))
            np.testing.assert_array_equal(judged.is_anomaly, judged.p_value <= rate)
            rates[name].append(judged.is_anomaly.mean())
            pooled[name].append(calibration.decide(fresh).is_anomaly.mean())
    for found in rates.values():
        mean, error = mean_and_error(found)
        assert mean <= rate * (1 if method == "fpr" else 1.25) + 5 * error
    assert np.mean(pooled["loud"]) > 2 * rate


@pytest.mark.slow
def test_p_values_of_fresh_rows_are_at_most_a_with_a_chance_of_at_most_a_tail_included():
    rng = np.random.default_rng(7)
    p_values = {"fpr": [], "evt": []}
    for _ in range(150):
        scores = usual(rng, 1200)
        for method, found in p_values.items():
            found.append(Calibration.of(scores, method=method, value=0.01).decide(usual(rng, FRESH)).p_value)
    for method, found in p_values.items():
        for a in (0.5, 0.1, 0.01, 0.002, *((0.0005,) if method == "evt" else ())):
            mean, error = mean_and_error([(p <= a).mean() for p in found])
            assert mean <= a * (1 if method == "fpr" else 1.15) + 5 * error
