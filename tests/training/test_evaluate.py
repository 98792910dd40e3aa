from __future__ import annotations

import numpy as np
import pytest
from samples import sample_detector, sample_record

from training.evaluate import evaluate


@pytest.fixture(scope="module")
def verdicts():
    # The first two are flagged, the others not.
    return sample_detector().score_records([sample_record(number=n) for n in (500.0, 400.0, 52.0, 51.0, 50.0)])


def test_verdicts_are_compared_with_labels(verdicts):
    assert verdicts.is_anomaly.tolist() == [True, True, False, False, False]
    metrics = evaluate(verdicts, np.array([True, False, True, False, False]))
    assert (metrics.rows, metrics.anomalies) == (5, 2)
    assert (metrics.precision, metrics.recall) == (1 / 2, 1 / 2)
    assert metrics.false_positive_rate == 1 / 3
    assert metrics.roc_auc == pytest.approx(5 / 6)  # five of the six pairs are in the right order
    assert metrics.average_precision == pytest.approx((1 + 2 / 3) / 2)


def test_a_higher_score_is_more_anomalous(verdicts):
    assert evaluate(verdicts, np.array([True, True, False, False, False])).roc_auc == 1
    assert evaluate(verdicts, np.array([False, False, False, True, True])).roc_auc < 0.5


@pytest.mark.parametrize("label", [True, False])
def test_figures_that_are_not_defined_are_none(label, verdicts):
    metrics = evaluate(verdicts, np.full(5, label))
    assert metrics.roc_auc is metrics.average_precision is None
    assert (metrics.recall is None, metrics.false_positive_rate is None) == (not label, label)


def test_without_a_flagged_row_there_is_no_precision():
    verdicts = sample_detector().score_records([sample_record()] * 3)
    assert evaluate(verdicts, np.array([True, False, False])).precision is None
