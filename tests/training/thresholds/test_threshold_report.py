from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import genpareto, goodness_of_fit

from models.calibration import THRESHOLD_METHODS, Calibration, CalibrationRows, ThresholdSpec, prepared_spec, spec_of
from training.thresholds.report import threshold_report, threshold_rows


def report_of(scores, method="fpr", value=0.05, *, target=None, **rows):
    held_out = CalibrationRows.of(np.asarray(scores, float), **rows)
    spec = ThresholdSpec(method=method, target=target or THRESHOLD_METHODS[method].settings[0], value=value)
    return threshold_report(Calibration.on(held_out, prepared_spec(held_out, spec)))


def labelled(seed=0, normal=900, anomalies=100):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.exponential(size=normal), 3 + rng.exponential(size=anomalies)])
    return scores, np.arange(normal + anomalies) >= normal


@pytest.mark.parametrize("method", THRESHOLD_METHODS)
def test_every_report_is_plain_data_that_a_terminal_can_show(method):
    scores, is_anomaly = labelled()
    value = {"fpr": 0.05, "evt": 0.0005, "labels": 1.0, "contamination": 0.1, "fixed": 2.0}[method]
    segment = np.array(["a", "b"] * 500, object) if THRESHOLD_METHODS[method].by_segment else None
    report = report_of(scores, method, value, is_anomaly=is_anomaly, segment=segment)
    json.dumps(report, allow_nan=False)
    assert report["method"] == method
    assert f"({method}" in dict(threshold_rows(report))["threshold"]


# --- figures with intervals -----------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.5, 3.5])
def test_the_figures_are_those_of_the_labelled_rows_and_lie_in_their_intervals(threshold):
    scores, is_anomaly = labelled()
    figures = report_of(scores, "fixed", threshold, is_anomaly=is_anomaly)["figures"]
    flagged = scores > threshold
    assert figures["recall"]["value"] == flagged[is_anomaly].mean()
    assert figures["false_positive_rate"]["value"] == flagged[~is_anomaly].mean()
    assert figures["precision"]["value"] == pytest.approx(is_anomaly[flagged].mean())
    precision, recall = figures["precision"]["value"], figures["recall"]["value"]
    assert figures["f_beta"]["value"] == pytest.approx(2 * precision * recall / (precision + recall))
    for figure in figures.values():
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1


def test_a_precision_of_no_flagged_row_is_not_defined():
    scores, is_anomaly = labelled()
    report = report_of(scores, "fixed", 99.0, is_anomaly=is_anomaly)
    assert report["figures"]["precision"]["value"] is None
    assert report["figures"]["recall"]["value"] == 0
    json.dumps(report, allow_nan=False)


def test_without_labels_of_both_kinds_there_are_no_figures():
    assert "figures" not in report_of(np.arange(100.0))
    assert "figures" not in report_of(np.arange(100.0), is_anomaly=np.zeros(100, bool))


@pytest.mark.slow
def test_an_interval_holds_the_true_figure_in_about_95_of_100_cases():
    true_recall, true_rate = np.exp(-0.5), np.exp(-3.5)  # beyond 3.5, with exponential scores
    truth = {
        "recall": true_recall,
        "false_positive_rate": true_rate,
        "precision": 0.1 * true_recall / (0.1 * true_recall + 0.9 * true_rate),
        "f_beta": 2 * 0.1 * true_recall / (0.1 + 0.1 * true_recall + 0.9 * true_rate),
    }
    hits = dict.fromkeys(truth, 0)
    for seed in range(400):
        scores, is_anomaly = labelled(seed)
        figures = report_of(scores, "fixed", 3.5, is_anomaly=is_anomaly)["figures"]
        for name, value in truth.items():
            hits[name] += figures[name]["low"] <= value <= figures[name]["high"]
    for name, count in hits.items():
        assert 0.92 < count / 400 < 0.985, name  # three deviations of a share of 0.95, and what Jeffreys' may lack


# --- the tail -------------------------------------------------------------------------------------------


def test_the_anderson_darling_test_agrees_with_that_of_scipy():
    excesses = np.sort(genpareto.rvs(0.1, size=60, random_state=np.random.default_rng(3)))
    scores = np.concatenate([np.linspace(0, 1, 540), 1 + excesses])
    tail = report_of(scores, "evt", 0.001)["tail"]
    known = {"c": tail["shape"], "loc": 0, "scale": tail["scale"]}
    theirs = goodness_of_fit(
        genpareto, scores[scores > tail["start"]] - tail["start"], known_params=known, statistic="ad", n_mc_samples=9
    )
    assert tail["anderson_darling"] == pytest.approx(theirs.statistic, rel=1e-6)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3])
def test_a_tail_that_fits_is_hardly_ever_called_poor(shape):
    poor = 0
    for seed in range(20):
        scores = genpareto.rvs(shape, size=2000, random_state=np.random.default_rng(seed))
        report = report_of(scores, "evt", 0.0002)
        poor += any("do not follow" in warning for warning in report["warnings"])
        assert report["tail"]["shape_low"] < report["tail"]["shape"] < report["tail"]["shape_high"]
    assert poor <= 3


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda rng: np.concatenate([rng.exponential(size=1970), rng.normal(50, 1, 30)]),
            "do not follow the fitted tail",
        ),
        (lambda rng: np.round(rng.exponential(size=2000), 0), "do not follow the fitted tail"),
        (lambda rng: rng.pareto(1.25, size=3000), "very heavy .* an infinite variance"),
        (lambda rng: rng.pareto(0.7, size=3000), "very heavy .* an infinite mean"),
        (lambda rng: rng.exponential(size=520), "are few for an alert rate of 0.0002"),
    ],
)
def test_a_tail_that_cannot_be_trusted_is_a_warning_with_the_remedy(make, complaint):
    report = report_of(make(np.random.default_rng(0)), "evt", 0.0002)
    [warning] = [w for w in report["warnings"] if complaint.split(" .* ")[0] in w]
    assert complaint.split(" .* ")[-1] in warning
    assert "--threshold-method fpr" in warning or "--alert-rate" in warning


def test_a_rate_that_needs_no_tail_is_a_warning():
    report = report_of(np.random.default_rng(0).exponential(size=2000), "evt", 0.01)
    assert any("needs no fitted tail" in warning for warning in report["warnings"])


def test_a_tail_of_anomalies_is_a_warning():
    scores, is_anomaly = labelled()
    warnings = report_of(scores, "evt", 0.0005, is_anomaly=is_anomaly)["warnings"]
    assert any("labelled anomalies: the tail is theirs" in warning for warning in warnings)
    warnings = report_of(scores, "evt", 0.0005, is_anomaly=is_anomaly, population="normal")["warnings"]
    assert not any("the tail is theirs" in warning for warning in warnings)


def test_of_the_tails_that_fit_the_largest_is_taken():
    rng = np.random.default_rng(0)
    pure = CalibrationRows.of(rng.exponential(size=4000))
    assert prepared_spec(pure, spec_of("evt", 0.0001)).tail_share == 0.1
    kinked = CalibrationRows.of(np.concatenate([rng.uniform(0, 1, 3800), 1 + rng.exponential(5, size=200)]))
    assert prepared_spec(kinked, spec_of("evt", 0.0001)).tail_share <= 0.05
    assert prepared_spec(pure, spec_of("fpr", 0.01)) == spec_of("fpr", 0.01)


# --- segments -------------------------------------------------------------------------------------------


def test_small_segments_are_named_with_the_threshold_that_they_get():
    segment = np.array(["big"] * 900 + ["small"] * 60 + [None] * 40, object)
    report = report_of(np.arange(1000.0), "fpr", 0.01, segment=segment)
    big, small = report["segments"]
    assert (big["segment"], big["pooled"], big["calibration_rows"]) == ("big", None, 900)
    assert small["threshold"] == report["threshold"]
    assert "needs at least 99" in small["pooled"]
    [warning] = report["warnings"]
    assert "which promises nothing for them alone: 'small'" in warning
