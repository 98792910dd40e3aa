"""One table through every door: one schema in training, and equal scores (the promise of `models.tables`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bodies import WRITTEN
from in_process import in_process
from samples import WRITERS, FakeEngine, arrow_table

from models.calibration import Calibration
from models.detector import Detector
from models.scoring import Scorer
from models.tables.files import read_table
from models.tables.table import Table, table_of
from service.formats.formats import FORMATS
from training.data.prepare import Prepared, prepare
from training.settings.config import TrainConfig

Records = list[dict[str, Any]]


def records(rows: int = 120) -> Records:
    rng = np.random.default_rng(5)
    temps = rng.normal(50, 5, rows)
    return [
        {
            "W\u00e4rme": None if row % 17 == 3 else round(float(temp), 2),
            "load": int(rng.integers(0, 500)),
            "grouped": f"{1000 * temp:,.2f}",
            "price": f"${temp:.2f}",
            "open": bool(rng.random() < 0.3),
            "mode": None if row % 13 == 5 else str(rng.choice(["idle", "run", "caf\u00e9"])),
            "country": str(rng.choice(["ZA", "NA", "BW"])),
            "code": f"{int(rng.integers(0, 4)):03d}",
            "at": datetime(2024, 1, 1) + timedelta(minutes=int(rng.integers(0, 100_000))),
            "serial": f"m-{row:05d}",
            "always": 7,
        }
        for row, temp in enumerate(temps)
    ]


RECORDS = records()
LETTERS = [f"row {row}" for row in range(len(RECORDS))]
PLAIN = [record | {"at": record["at"].isoformat()} for record in RECORDS]  # as JSON has them


def from_file(name: str, of: Records = RECORDS) -> Callable[[Path], Table]:
    file, write = WRITERS[name]
    return lambda folder: read_table([write(folder / file, of)])


def from_json_list(folder: Path) -> Table:
    (folder / "rows.json").write_text(json.dumps(PLAIN), encoding="utf-16")
    return read_table([folder / "rows.json"])


def from_parquet_of(frame: pd.DataFrame, folder: Path) -> Table:
    frame.to_parquet(folder / "pandas.parquet")
    return read_table([folder / "pandas.parquet"])


def from_polars(folder: Path) -> Table:
    return table_of(pytest.importorskip("polars").DataFrame(RECORDS))


DOORS: dict[str, Callable[[Path], Table]] = {
    "csv": from_file("csv"),
    "sheet": from_file("excel"),
    "parquet": from_file("parquet"),
    "arrow": from_file("arrow"),
    "json lines": from_file("jsonl", PLAIN),
    "json": from_json_list,
    "pandas": lambda folder: table_of(pd.DataFrame(RECORDS)),
    "pandas of texts": lambda folder: table_of(  # whose own list of words for missing values has NA in it
        pd.read_csv(WRITERS["csv"][1](folder / "x.csv", RECORDS), dtype=str, keep_default_na=False)
    ),
    "pandas with a named index": lambda folder: table_of(pd.DataFrame(RECORDS).set_index("W\u00e4rme")),
    "pandas with two named ones": lambda folder: table_of(pd.DataFrame(RECORDS).set_index(["W\u00e4rme", "load"])),
    "pandas with one without a name": lambda folder: table_of(pd.DataFrame(RECORDS).set_index(pd.Index(LETTERS))),
    "parquet with one without a name": lambda folder: from_parquet_of(pd.DataFrame(RECORDS, pd.Index(LETTERS)), folder),
    "pyarrow": lambda folder: table_of(arrow_table(RECORDS)),
    "pyarrow with an index": lambda folder: table_of(pa.Table.from_pandas(pd.DataFrame(RECORDS, pd.Index(LETTERS)))),
    "polars": from_polars,
}
CONFIG = TrainConfig(id=("serial",), keep_words=("country=NA",))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(DOORS["csv"](tmp_path_factory.mktemp("csv")), CONFIG)


@pytest.fixture(scope="module")
def detector(expected: Prepared) -> Detector:
    return Detector(
        name="doors",
        version="1",
        schema=expected.schema,
        scorer=Scorer(preprocessor=expected.preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


@pytest.fixture(scope="module")
def scores(detector: Detector) -> list[float]:
    return list(detector.score_records(PLAIN).anomaly_score)


@pytest.mark.parametrize("door", DOORS)
def test_training_infers_one_schema(door: str, expected: Prepared, tmp_path: Path) -> None:
    found = prepare(DOORS[door](tmp_path), CONFIG)
    assert found.schema.columns == expected.schema.columns
    assert (found.schema.ids, found.schema.dropped) == (expected.schema.ids, expected.schema.dropped)
    assert found.preprocessor.encodings == expected.preprocessor.encodings


@pytest.mark.parametrize("door", DOORS)
def test_every_table_has_the_scores_of_the_records(
    door: str, detector: Detector, scores: list[float], tmp_path: Path
) -> None:
    assert list(detector.score_table(DOORS[door](tmp_path)).anomaly_score) == scores


@pytest.mark.parametrize("form", FORMATS)
def test_every_body_has_the_scores_of_the_records(
    form: str, detector: Detector, scores: list[float], tmp_path: Path
) -> None:
    body = WRITTEN[form](PLAIN if form.startswith("json") else RECORDS, tmp_path)
    with in_process(detector) as client:
        answer = client.post(body, content_type=FORMATS[form].types[0], accept="application/json").json()
    assert [item["anomaly_score"] for item in answer["results"]] == scores
