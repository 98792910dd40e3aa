"""A warning says where the test rows are flagged more often than was promised, and chance does not explain it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import betabinom

from models.tables.table import Table
from training.data.prepare import prepare
from training.fit import fit
from training.settings.config import TrainConfig
from training.thresholds.kept_promise import broken_promise, probability_of_more


@pytest.mark.parametrize(("flagged", "tested", "promised", "calibrated"), [(3, 90, 0.02, 90), (8, 200, 0.01, 500)])
def test_the_probability_is_that_of_scipy(flagged, tested, promised, calibrated):
    above, below = promised * (calibrated + 1), (1 - promised) * (calibrated + 1)
    found = probability_of_more(flagged, tested=tested, promised=promised, calibrated=calibrated)
    assert found == pytest.approx(betabinom.sf(flagged - 1, tested, above, below), rel=1e-6)


def test_the_probability_of_as_many_or_more_than_none_is_one():
    assert probability_of_more(0, tested=50, promised=0.05, calibrated=40) == pytest.approx(1.0)


@pytest.mark.parametrize(("flagged", "time", "word"), [(54, "date", "trend"), (54, None, "calibration rows")])
def test_far_more_alerts_than_promised_are_said_with_what_they_mean(flagged, time, word):
    said = broken_promise(flagged=flagged, tested=90, promised=0.02, calibrated=90, time=time)
    assert said is not None
    assert said.startswith("60.00% of the test rows are flagged, 2.00% were promised: ")
    assert word in said
    assert ("--exclude COLUMN" in said) == (time is not None)


@pytest.mark.parametrize("flagged", [0, 1, 2, 8])
def test_what_chance_explains_is_not_said(flagged):
    assert broken_promise(flagged=flagged, tested=90, promised=0.02, calibrated=90, time="date") is None


def test_no_promise_and_no_test_rows_are_not_said():
    assert broken_promise(flagged=0, tested=0, promised=0.02, calibrated=90, time=None) is None


@pytest.mark.parametrize("slope", [1.0, 0.0])
def test_a_table_with_a_trend_that_is_split_in_time_is_warned_of(slope):
    day = np.arange(300)
    level = 10 * slope * day + np.random.default_rng(2).normal(0, 3, 300)
    dates = np.datetime64("2024-01-01") + day
    table = Table(data=pa.table({"date": pa.array(dates), "level": level, "double": 2 * level + 1}))
    config = TrainConfig(time="date", preset="fast", epochs=1, alert_rate=0.05)
    result = fit(prepare(table, config), config, name="sample", version="1")
    assert any("so the table has a trend" in warning for warning in result.warnings) == bool(slope)
