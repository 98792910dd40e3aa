"""Fitting with the threshold methods that need more than scores: which rows they get, and what is refused early."""

from __future__ import annotations

import numpy as np
import pytest
from samples import arrow_table, machine_records, of_two_sites, with_anomalies

from models.errors import ConfigError
from models.tables.table import Table
from training.data.prepare import prepare
from training.fit import fit
from training.settings.config import TrainConfig

RECORDS = with_anomalies(of_two_sites(machine_records(1000, seed=5)), every=10)
TABLE = Table(data=arrow_table(RECORDS))


def prepared(**settings):
    config = TrainConfig(**({"epochs": 1, "id": ("serial",), "label": "state", "preset": "fast"} | settings))
    return prepare(TABLE, config), config


@pytest.fixture(scope="module")
def by_recall():
    ready, config = prepared(fit_on="normal", threshold_method="labels", recall=0.8, threshold_by="site")
    return ready, fit(ready, config, name="x", version="1")


def test_with_labels_half_of_the_anomalies_are_calibrated_on_and_none_is_learned_from(by_recall):
    ready, result = by_recall
    split, is_anomaly = ready.split, ready.is_anomaly
    assert not (split.fitting | split.validation)[is_anomaly].any()
    assert 30 <= (split.calibration & is_anomaly).sum() <= 70
    assert (split.test & is_anomaly).sum() + (split.calibration & is_anomaly).sum() == is_anomaly.sum()
    assert len(result.detector.calibration.rows.anomalies) == (split.calibration & is_anomaly).sum()


def test_p_values_rest_on_the_normal_calibration_rows_alone(by_recall):
    ready, result = by_recall
    rows = result.detector.calibration.rows
    assert rows.population == "normal"
    assert len(result.detector.calibration.pooled.scores) == (ready.split.calibration & ~ready.is_anomaly).sum()


def test_the_weight_of_an_anomaly_makes_up_for_the_larger_share_of_them_that_is_kept(by_recall):
    ready, result = by_recall
    rows = result.detector.calibration.rows
    kept = rows.anomaly_weight * len(rows.anomalies)
    assert kept / (kept + len(rows.normal)) == pytest.approx(ready.is_anomaly.mean())


def test_the_report_is_in_the_card_with_a_threshold_for_each_site(by_recall):
    _, result = by_recall
    card = result.detector.card["threshold"]
    assert card["figures"]["recall"]["value"] >= 0.8
    assert [segment["segment"] for segment in card["segments"]] == ["north", "south"]
    assert result.detector.schema.threshold_by == "site"
    assert set(card["warnings"]) <= set(result.warnings)


def test_with_other_methods_all_anomalies_of_a_fit_on_normal_rows_are_test_rows():
    ready, _ = prepared(fit_on="normal")
    assert ready.split.test[ready.is_anomaly].all()


def test_fitted_on_all_rows_p_values_rest_on_all_of_them_and_labels_are_kept():
    ready, config = prepared(threshold_method="labels", false_positive_rate=0.1)
    calibration = fit(ready, config, name="x", version="1").detector.calibration
    assert (calibration.rows.population, calibration.rows.anomaly_weight) == ("all", 1.0)
    assert len(calibration.pooled.scores) == ready.split.calibration.sum()
    assert (calibration.rows.normal > calibration.threshold).mean() <= 0.1
    assert np.isin(calibration.rows.label, (0, 1)).all()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"threshold_by": "sit"},
            r"--threshold-by: there is no column 'sit'\. Did you mean 'site'\? The",
        ),
        ({"threshold_by": "state"}, "--threshold-by state is the label"),
        ({"threshold_by": "at"}, "--threshold-by at holds dates and times"),
        ({"threshold_by": "serial"}, "No segment of --threshold-by can have a threshold of its own"),
        ({"threshold_method": "labels", "recall": 0.999, "fit_on": "normal"}, "needs at least 999 labelled anomalies"),
        ({"threshold_method": "labels", "false_positive_rate": 0.001}, "needs at least 999 calibration rows"),
        ({"threshold_method": "evt"}, "'evt' needs at least 500 calibration rows"),
    ],
)
def test_what_the_rows_cannot_give_is_refused_before_the_first_epoch(settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        prepared(**settings)


def test_too_few_anomalies_are_one_error_with_how_many_are_needed():
    records = with_anomalies(machine_records(400, seed=5), every=40)
    config = TrainConfig(label="state", fit_on="normal", threshold_method="labels", id=("serial",))
    with pytest.raises(ConfigError, match="needs at least 10 labelled anomalies among the calibration rows, there are"):
        prepare(Table(data=arrow_table(records)), config)
