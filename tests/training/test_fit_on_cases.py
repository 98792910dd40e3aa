"""Cases of the collection that need a training: their inputs lie beside the repository."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import train

from models.columns.from_tables import columns_of_table
from models.network.activations import ACTIVATIONS
from models.schema import Kind
from models.tables.files import read_table


def close(left, right):
    return bool((np.abs(np.asarray(left) - right) <= 1e-4 * np.maximum(1.0, np.abs(right))).all())


LOAD_ALL = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from models.bundle import load_detector
from models.tables.files import read_table
table, found = read_table([sys.argv[1]]), {}
for folder in sys.argv[2:]:
    detector = load_detector(folder)
    network = keras.saving.load_model(folder + "/network.keras")
    Z = detector.preprocessor.limits
    slope = getattr(network.get_layer("encoder_1_activation"), "negative_slope", None)
    found[folder] = {
        "scores": detector.score_table(table).anomaly_score.tolist(),
        "keras": network(Z, training=False).numpy().tolist(),
        "slope": None if slope is None else float(slope),
    }
print(json.dumps(found))
"""


JUDGE_ALL = """
import json, sys
from models.bundle import load_detector
from models.tables.files import read_table
detector = load_detector(sys.argv[1])
verdicts = detector.score_table(read_table([sys.argv[2]]))
figures = (verdicts.anomaly_score, verdicts.p_value, verdicts.is_anomaly)
print(json.dumps([detector.calibration.threshold, *(figure.tolist() for figure in figures)]))
"""


def test_scores_verdicts_and_threshold_outlive_the_process(base, cases, run_python):
    """Case 12: equal to the bit in a process that only has the bundle."""
    verdicts = base.result.detector.score_table(read_table([cases / "base_score.csv"]))
    finished = run_python("-c", JUDGE_ALL, base.bundle, cases / "base_score.csv")
    assert finished.returncode == 0, finished.stderr
    threshold, anomaly_score, p_value, is_anomaly = json.loads(finished.stdout)
    assert threshold == base.result.detector.calibration.threshold
    assert anomaly_score == verdicts.anomaly_score.tolist()
    assert p_value == verdicts.p_value.tolist()
    assert is_anomaly == verdicts.is_anomaly.tolist()


@pytest.mark.slow
def test_every_activation_survives_saving_in_a_fresh_process(cases, tmp_path, run_python):
    """Case 7: two epochs of each; the bundle and the Keras network load without `custom_objects`."""
    table, score = read_table([cases / "base_train.csv"]), read_table([cases / "base_score.csv"])
    made = {
        name: train(table, tmp_path / name, activation=name, preset="fast", epochs=2, negative_slope=0.17)
        for name in ACTIVATIONS
    }
    finished = run_python("-c", LOAD_ALL, cases / "base_score.csv", *(one.bundle for one in made.values()))
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert len(found) == len(ACTIVATIONS)
    for name, one in made.items():
        there = found[str(one.bundle)]
        assert close(there["scores"], one.result.detector.score_table(score).anomaly_score)
        expected = one.result.learned.network.reconstruct(one.detector.preprocessor.limits)
        assert close(there["keras"], np.moveaxis(expected, 0, 1))
        if name == "leaky_relu":
            assert there["slope"] == pytest.approx(0.17)


def test_a_bundle_scores_as_the_trainer_and_the_keras_network_do(base, cases):
    """Case 31, all that is in one process: anomaly scores, verdicts, and feature errors that sum to them."""
    table = read_table([cases / "base_score.csv"])
    by_trainer, by_bundle = base.result.detector.score_table(table), base.detector.score_table(table)
    import keras

    class ByKeras:
        network = keras.saving.load_model(base.bundle / "network.keras", compile=False)

        def reconstruct(self, Z, /):
            return np.moveaxis(np.asarray(self.network(Z, training=False)), 1, 0)

    preprocessor = base.detector.preprocessor
    encoded = preprocessor.transform(columns_of_table(base.detector.schema, table))
    by_keras = replace(base.detector.scorer, engine=ByKeras()).score(encoded)
    np.testing.assert_array_equal(by_bundle.anomaly_score, by_trainer.anomaly_score)
    assert close(by_keras.anomaly_score, by_bundle.anomaly_score)
    np.testing.assert_array_equal(
        base.detector.calibration.decide(by_keras.anomaly_score).is_anomaly, by_bundle.is_anomaly
    )
    assert base.detector.calibration.threshold == base.result.detector.calibration.threshold
    for scores in (by_trainer.scores, by_bundle.scores, by_keras):
        assert close(scores.column_errors.sum(axis=1), scores.anomaly_score)


def test_huge_values_and_gaps_leave_every_loss_finite(cases, tmp_path):
    """Case 11."""
    made = train(read_table([cases / "11_huge_values.csv"]), tmp_path / "1", epochs=10)
    assert all(math.isfinite(e.loss) and math.isfinite(e.validation_loss) for e in made.result.learned.history.epochs)
    assert made.result.learned.history.best_epoch.validation_loss < 1.5  # 1 is what predicting the means gives


def test_small_types_train_and_score(cases, tmp_path):
    """Case 18, the training side: kinds of the columns, and expected and actual values of plain Python types."""
    table = read_table([cases / "18_small_types.parquet"])
    made = train(table, tmp_path / "1", epochs=5, alert_rate=0.1, preset="fast")
    kinds = {column.name: column.kind for column in made.detector.schema.columns}
    assert kinds == {
        "f32": Kind.NUMERIC,
        "i8": Kind.NUMERIC,
        "u16": Kind.NUMERIC,
        "flag": Kind.BOOLEAN,
        "kind": Kind.CATEGORICAL,
        "at": Kind.DATETIME,
    }
    verdicts = made.detector.score_table(table)
    assert np.isfinite(verdicts.anomaly_score).all()
    leaves = {
        type(leaf)
        for row in range(len(verdicts))
        for part in verdicts.contributions(row, top=6)
        for leaf in (part.feature, part.contribution, part.actual, part.expected)
    }
    assert leaves <= {str, float, bool, type(None)}
    json.dumps(made.detector.reference, allow_nan=False)


def test_nullable_types_train_and_both_files_score_the_same(cases, tmp_path):
    """Case 28."""
    parquet, text = (read_table([cases / f"28_nullable.{ending}"]) for ending in ("parquet", "csv"))
    one = train(parquet, tmp_path / "parquet", epochs=5, alert_rate=0.1, preset="fast")
    other = train(text, tmp_path / "csv", epochs=5, alert_rate=0.1, preset="fast")
    assert {c.name: c.kind for c in one.detector.schema.columns} == {
        "ok": Kind.BOOLEAN,
        "n": Kind.NUMERIC,
        "x": Kind.NUMERIC,
    }
    scores = one.detector.score_table(parquet).anomaly_score
    np.testing.assert_array_equal(one.detector.score_table(text).anomaly_score, scores)
    np.testing.assert_array_equal(other.detector.score_table(text).anomaly_score, scores)


@pytest.mark.slow
def test_plain_timestamps_do_not_drown_the_rest(cases, tmp_path):
    """Case 29: the three rows that break `b` score highest, by `a` or `b`, and no |Z| is above 10."""
    table = read_table([cases / "29_timestamps_train.csv"])
    made = train(table, tmp_path / "1", alert_rate=0.05, epochs=200)
    fates = {encoder.name: encoder.describe() for encoder in made.detector.preprocessor.encodings}
    assert "time elapsed" in fates["at"]
    assert "time elapsed" in fates["epoch_ms"]
    columns = columns_of_table(made.detector.schema, table)
    assert np.abs(made.detector.preprocessor.transform(columns).Z).max() <= 10
    verdicts = made.detector.score_table(read_table([cases / "29_timestamps_score.csv"]))
    highest = np.argsort(-verdicts.anomaly_score)[:3].tolist()
    assert set(highest) == {4, 13, 22}
    assert {verdicts.contributions(row, top=1)[0].feature for row in highest} <= {"a", "b"}


@pytest.mark.slow
def test_the_further_beyond_the_training_range_the_higher_is_the_score(cases, tmp_path):
    """Case 30: (9, 18), (25, 18), (250, 18), (−16, 0) and (25, 50)."""
    made = train(read_table([cases / "30_train_0_to_9.csv"]), tmp_path / "1", epochs=200)
    verdicts = made.detector.score_table(read_table([cases / "30_beyond.jsonl"]))
    score = verdicts.anomaly_score
    assert score[0] < score[1] < score[2]
    assert verdicts.is_anomaly[:4].tolist() == [False, True, True, True]
    assert score[4] > score[0]
