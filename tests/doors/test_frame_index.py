"""A named index of a data frame is a column behind every door, and one without a name behind none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_process import in_process
from samples import FakeEngine
from wire import wired

from models.calibration import Calibration
from models.detector import Detector
from models.scoring import Scorer
from models.tables.files import read_table
from models.tables.table import table_of
from service.client import DetectorClient
from training.data.prepare import prepare
from training.estimator import AutoencoderDetector
from training.settings.config import TrainConfig

RNG = np.random.default_rng(4)
FRAME = pd.DataFrame({"load": RNG.normal(50, 5, 120).round(2), "mode": RNG.choice(["idle", "run"], 120)})
AT = pd.Index(pd.date_range("2024-01-01", periods=120, freq="3h"), name="at")
INDEXED = FRAME.set_index(AT)
SETTINGS = {"epochs": 1, "preset": "fast", "hidden_units": (4,), "alert_rate": 0.1}


def detector_of(frame: pd.DataFrame) -> Detector:
    ready = prepare(table_of(frame), TrainConfig())
    return Detector(
        name="index",
        version="1",
        schema=ready.schema,
        scorer=Scorer(preprocessor=ready.preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


def test_a_named_index_is_the_column_that_parquet_and_the_client_send(tmp_path: Path) -> None:
    detector = detector_of(INDEXED)
    assert detector.schema.names == ("at", "load", "mode")
    scores = list(detector.score_table(table_of(INDEXED)).anomaly_score)
    INDEXED.to_parquet(tmp_path / "x.parquet")
    assert list(detector.score_table(read_table([tmp_path / "x.parquet"])).anomaly_score) == scores
    assert list(detector.score_table(table_of(INDEXED.reset_index())).anomaly_score) == scores
    with wired(detector) as wire, DetectorClient(f"http://127.0.0.1:{wire.port}") as client:
        assert [record.anomaly_score for record in client.score(INDEXED).records] == scores
        assert client.score_frame(INDEXED).index.equals(AT)


def test_an_index_without_a_name_is_left_out_of_parquet_and_that_is_said(tmp_path: Path) -> None:
    named = FRAME.set_index(pd.Index([f"row {row}" for row in range(120)]))
    named.to_parquet(tmp_path / "x.parquet")
    table = read_table([tmp_path / "x.parquet"])
    assert table.names == ("load", "mode")
    assert table.repairs == ("the index of a data frame, which has no name, is left out",)
    with in_process(detector_of(FRAME)) as client:
        body = (tmp_path / "x.parquet").read_bytes()
        answer = client.post(body, content_type="application/vnd.apache.parquet", accept="application/json")
        assert answer.json()["notes"] == json.loads(answer.headers["detector-notes"]) == list(table.repairs)


@pytest.fixture(scope="module")
def fitted() -> AutoencoderDetector:
    return AutoencoderDetector(**SETTINGS).fit(INDEXED)


def test_the_estimator_learns_it_and_explains_by_it(fitted: AutoencoderDetector) -> None:
    assert fitted.feature_names_in_.tolist() == ["at", "load", "mode"]
    assert fitted.columns_.set_index("name")["role"].to_dict() == dict.fromkeys(["at", "load", "mode"], "feature")
    scores = fitted.anomaly_score(INDEXED)
    assert fitted.anomaly_score(INDEXED.reset_index()).tolist() == scores.tolist()
    told = fitted.explain(INDEXED.iloc[60:62], top=3)
    assert told.index.tolist() == AT[60:62].repeat(3).tolist()
    assert told.index.name == "at"
    with pytest.raises(ValueError, match="Missing: 'at'"):
        fitted.predict(FRAME)


def test_a_level_that_is_called_like_a_column_is_none(fitted: AutoencoderDetector) -> None:
    both = INDEXED.reset_index().set_index("at", drop=False)
    assert table_of(both).names == ("at", "load", "mode")
    assert fitted.anomaly_score(both).tolist() == fitted.anomaly_score(INDEXED).tolist()
    levels = FRAME.set_index([AT, pd.RangeIndex(120)])
    assert table_of(levels).names == ("at", "load", "mode")


def test_columns_without_names_take_no_index() -> None:
    plain = AutoencoderDetector(**SETTINGS).fit(FRAME[["load"]].to_numpy())
    with pytest.warns(UserWarning, match="X has feature names"):
        assert len(plain.predict(INDEXED[["load"]])) == 120
