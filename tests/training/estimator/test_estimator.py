from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from samples import machine_records, with_anomalies
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from models.bundle import load_detector
from models.bundle.layout import TRAINING_SCORES
from models.errors import ConfigError
from training.estimator import AutoencoderDetector
from training.settings.config import TrainConfig

FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])


def odd(frame):
    return frame.assign(flow=2 * frame["pressure"] - 60)


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(epochs=20, alert_rate=0.1).fit(FRAME)


def test_every_setting_is_a_parameter_with_the_same_default():
    """A setting that is missing here is added to the signature, to the attributes and to the docstring."""
    parameters = inspect.signature(AutoencoderDetector).parameters
    defaults = {setting.name: setting.default for setting in fields(TrainConfig)}
    defaults["random_state"] = defaults.pop("seed")  # as scikit-learn calls it
    defaults["verbose"] = 0  # of the estimator alone
    assert {name: parameter.default for name, parameter in parameters.items()} == defaults
    assert list(AutoencoderDetector().get_params()) == sorted(defaults)
    for name in defaults:
        assert f"\n        {name}: " in AutoencoderDetector.__doc__


def test_the_signs_are_those_of_scikit_learn(fitted):
    normal, strange = FRAME, odd(FRAME)
    assert fitted.score_samples(normal).mean() > fitted.score_samples(strange).mean()
    assert fitted.anomaly_score(normal).mean() < fitted.anomaly_score(strange).mean()
    np.testing.assert_array_equal(fitted.score_samples(normal), -fitted.anomaly_score(normal))
    assert (fitted.predict(strange) == -1).all()
    assert (fitted.predict(normal) == 1).mean() > 0.8


@pytest.mark.parametrize("rows", [FRAME, odd(FRAME)], ids=["usual", "odd"])
def test_prediction_decision_and_p_value_never_disagree(fitted, rows):
    predicted = fitted.predict(rows)
    np.testing.assert_array_equal(predicted == -1, fitted.decision_function(rows) < 0)
    np.testing.assert_array_equal(predicted == -1, fitted.p_value(rows) <= 0.1)
    np.testing.assert_array_equal(fitted.decision_function(rows), fitted.score_samples(rows) - fitted.offset_)


def test_columns_of_a_data_frame_are_taken_by_name_in_any_order(fitted):
    np.testing.assert_array_equal(fitted.anomaly_score(FRAME[FRAME.columns[::-1]]), fitted.anomaly_score(FRAME))


def test_the_data_are_not_changed(fitted):
    before = FRAME.copy(deep=True)
    fitted.predict(FRAME)
    AutoencoderDetector(preset="fast", epochs=1, alert_rate=0.1).fit(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


def test_a_saved_estimator_is_a_bundle_and_scores_the_same_after_loading(fitted, tmp_path):
    fitted.save(tmp_path / "1")
    scores = fitted.anomaly_score(FRAME)
    np.testing.assert_array_equal(AutoencoderDetector.load(tmp_path / "1").anomaly_score(FRAME), scores)
    records = FRAME.astype(object).where(FRAME.notna(), None).to_dict("records")
    np.testing.assert_array_equal(load_detector(tmp_path / "1").score_records(records).anomaly_score, scores)


@pytest.mark.parametrize(("place", "name", "version"), [("pumps/7", "pumps", "7"), ("pumps", "pumps", "1")])
def test_a_saved_detector_is_called_as_its_folder_says(fitted, tmp_path, place, name, version):
    fitted.save(tmp_path / place)
    saved = load_detector(tmp_path / place)
    assert (saved.name, saved.version) == (name, version)
    AutoencoderDetector.load(tmp_path / place).save(tmp_path / "mills" / "2")
    again = load_detector(tmp_path / "mills" / "2")
    assert (again.name, again.version) == ("mills", "2")
    assert again.calibration.threshold == saved.calibration.threshold


def test_a_loaded_estimator_can_be_saved_again(fitted, tmp_path):
    first, second = tmp_path / "a" / "pumps" / "1", tmp_path / "b" / "pumps" / "1"
    fitted.save(first)
    AutoencoderDetector.load(first).save(second)
    assert {file.name for file in first.iterdir()} - {file.name for file in second.iterdir()} == {TRAINING_SCORES}
    for file in second.iterdir():  # of the rows of the fit, only the estimator that learned from them has the scores
        assert (first / file.name).read_bytes() == file.read_bytes()


def test_the_columns_that_add_most_are_explained(fitted):
    told = fitted.explain(odd(FRAME).head(4), top=2)
    assert told["row"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert set(told.loc[told["row"] == 0, "feature"]) & {"flow", "pressure"}
    assert (told.groupby("row")["contribution"].diff().dropna() <= 0).all()


def test_the_embedding_is_as_wide_as_the_bottleneck():
    detector = AutoencoderDetector(preset="fast", epochs=1, alert_rate=0.1, latent_units=3, activation="elu").fit(FRAME)
    assert detector.transform(FRAME).shape == (250, 3)


def test_an_estimator_can_be_cloned_and_set():
    detector = AutoencoderDetector(activation="elu", random_state=7)
    assert clone(detector).get_params() == detector.get_params()
    assert detector.set_params(depth=3).depth == 3


def test_a_parameter_is_checked_when_it_is_fitted_and_not_before():
    detector = AutoencoderDetector(dropout=2.0)
    with pytest.raises(ConfigError, match=r"dropout must be in \[0, 1\), got 2\.0"):
        detector.fit(FRAME)


def test_what_was_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        AutoencoderDetector().predict(FRAME)


def test_thresholds_by_segment_and_by_labels_are_kept_by_decision_and_prediction():
    records = pd.DataFrame(with_anomalies(machine_records(600, seed=4), every=6)).drop(columns=["serial", "site"])
    # A column that is a little above all others where it is broken gives the label away: that is another test's.
    records["flow"] += np.random.default_rng(0).normal(0, 20, len(records))
    settings = {"label": "state", "fit_on": "normal", "threshold_method": "labels", "recall": 0.5}
    detector = AutoencoderDetector(preset="fast", epochs=20, activation="elu", **settings).fit(records)
    flagged = detector.predict(records.drop(columns="state")) == -1
    assert flagged[records["state"] == "fault"].mean() > flagged[records["state"] == "normal"].mean()
    settings = {"alert_rate": 0.2, "threshold_by": "valve_open"}
    by_mode = AutoencoderDetector(preset="fast", epochs=5, activation="elu", **settings).fit(FRAME)
    np.testing.assert_array_equal(by_mode.predict(FRAME) == -1, by_mode.decision_function(FRAME) < 0)
