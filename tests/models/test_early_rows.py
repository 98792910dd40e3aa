"""Rows older than all training rows are noted with the way to a backtest: in batch (`test_batch.py`) and in Python."""

from __future__ import annotations

import warnings
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from samples import sample_detector, sample_record

from models.detector import Detector
from models.early_rows import early_rows, notes_of_early_rows
from training.estimator import AutoencoderDetector, DetectorWarning

DETECTOR = sample_detector()
START = pd.Timestamp(min(e.start for e in DETECTOR.preprocessor.encodings if e.name == "at"), unit="s")


def frame(rows: int, *, early: int) -> pd.DataFrame:
    at = [START + timedelta(days=-400 if row < early else 1) for row in range(rows)]
    return pd.DataFrame([sample_record(at=moment, serial=str(row)) for row, moment in enumerate(at)])


def fitted(detector: Detector) -> AutoencoderDetector:
    estimator = AutoencoderDetector()
    estimator._take(detector, (*detector.schema.names, "serial"), named=True, texts=True)
    return estimator


@pytest.mark.parametrize("early", [60, 6])
def test_the_estimator_warns_of_an_archive_with_the_parameter_for_a_backtest(early: int) -> None:
    estimator = fitted(DETECTOR)
    words = (
        rf"'at': {early} of 60 rows are older than all training rows \(from {START.isoformat()} on\).*exclude=\['at'\]"
    )
    for call in (estimator.predict, estimator.anomaly_score, estimator.explain, estimator.transform):
        with pytest.warns(DetectorWarning, match=words):
            call(frame(60, early=early))


def test_a_few_early_rows_and_later_ones_are_no_archive() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(DETECTOR).predict(frame(60, early=5))


def test_missing_times_are_not_early() -> None:
    columns = {"at": np.array([np.nan, START.timestamp() - 1, START.timestamp()])}
    found = early_rows(DETECTOR.preprocessor, columns)
    assert found == {"at": 1}
    assert notes_of_early_rows(DETECTOR.preprocessor, found, rows=11) == []
    assert len(notes_of_early_rows(DETECTOR.preprocessor, found, rows=10)) == 1
