"""Case 12: a detector that is pickled, copied or sent to another process scores the same."""

from __future__ import annotations

import copy
import pickle
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from samples import machine_records
from sklearn.exceptions import NotFittedError

from models.bundle import load_detector
from models.errors import BundleError
from training.estimator import AutoencoderDetector

FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(epochs=5, alert_rate=0.1, activation="elu", hidden_units=(16,)).fit(FRAME)


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


WAYS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "twice": lambda estimator, folder: pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(estimator)))),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_gives_what_the_original_gives(fitted, way, tmp_path):
    copied = WAYS[way](fitted, tmp_path)
    for method in ("anomaly_score", "p_value", "predict", "decision_function", "transform"):
        np.testing.assert_array_equal(getattr(copied, method)(FRAME), getattr(fitted, method)(FRAME))
    pd.testing.assert_frame_equal(copied.explain(FRAME.head(), top=2), fitted.explain(FRAME.head(), top=2))
    assert copied.get_params() == fitted.get_params()
    assert copied.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    assert copied.get_feature_names_out().tolist() == fitted.get_feature_names_out().tolist()


def test_a_copy_can_be_saved_and_fitted_again(fitted, tmp_path):
    copied = pickle.loads(pickle.dumps(fitted))
    copied.save(tmp_path / "1")
    np.testing.assert_array_equal(
        load_detector(tmp_path / "1").score_records([{**row} for row in _records()]).anomaly_score,
        fitted.anomaly_score(FRAME),
    )
    np.testing.assert_array_equal(copied.fit(FRAME).anomaly_score(FRAME), fitted.anomaly_score(FRAME))


def test_an_estimator_that_was_not_fitted_stays_so():
    copied = pickle.loads(pickle.dumps(AutoencoderDetector(epochs=7)))
    assert copied.get_params()["epochs"] == 7
    with pytest.raises(NotFittedError):
        copied.predict(FRAME)


def test_a_pickle_holds_a_bundle_and_nothing_of_keras(fitted):
    content = pickle.dumps(fitted)
    for module in (b"keras.src", b"tensorflow", b"onnxruntime"):
        assert b"\x8c" + bytes([len(module)]) + module not in content  # no such module is named to be imported
    assert b"manifest.json" in content


def test_another_process_scores_the_same_without_keras(fitted, tmp_path, run_python):
    (tmp_path / "estimator.pickle").write_bytes(pickle.dumps(fitted))
    FRAME.to_parquet(tmp_path / "rows.parquet")
    run = run_python(
        "-c",
        "import pickle, sys; import pandas as pd\n"
        f"estimator = pickle.load(open({str(tmp_path / 'estimator.pickle')!r}, 'rb'))\n"
        f"scores = estimator.anomaly_score(pd.read_parquet({str(tmp_path / 'rows.parquet')!r}))\n"
        "print(scores.tobytes().hex()); assert 'tensorflow' not in sys.modules",
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == fitted.anomaly_score(FRAME).tobytes().hex()


def test_a_pickle_whose_bundle_was_changed_is_refused(fitted):
    state = fitted.__getstate__()
    state["_files"]["schema.json"] += b" "
    with pytest.raises(BundleError, match=r"schema\.json is not the file that was saved"):
        AutoencoderDetector().__setstate__(state)


def test_pickling_leaves_the_estimator_as_it_was(fitted):
    before = dict(vars(fitted))
    pickle.dumps(fitted)
    assert vars(fitted) == before
    assert "tensorflow" in sys.modules  # it was fitted here


def _records():
    return FRAME.astype(object).where(FRAME.notna(), None).to_dict("records")
