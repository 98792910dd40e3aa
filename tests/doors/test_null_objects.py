"""Objects that are null, and fields that a whole file lacks: one rule behind every door."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bodies import stream
from in_process import in_process, problem
from samples import untrained_detector

from models.detector import Detector
from models.errors import TableError
from models.tables.files import read_table
from models.tables.table import Table, table_of
from service.files.score_files import prepare as prepare_files
from service.files.score_files import score_files
from training.data.prepare import Prepared, prepare
from training.settings.config import TrainConfig

Records = list[dict[str, Any]]
RNG = np.random.default_rng(6)
RECORDS: Records = [
    {
        "load": round(float(load), 2),
        "motor": {"heat": round(float(heat), 1), "fan": {"on": bool(row % 3)}} if row % 7 else None,
        "nr": {"of": f"m-{row:03d}"},
    }
    for row, (load, heat) in enumerate(RNG.normal(50, 5, (120, 2)))
]
GONE = [{"load": record["load"], "motor": None, "nr": record["nr"]} for record in RECORDS[:30]]
FIELDS = [
    {"load": r["load"], "motor": {"heat": None, "fan": {"on": None}}, "nr": r["nr"]} for r in GONE
]  # the same, written out
CONFIG = TrainConfig(id=("nr.of",))


def write_lines(path: Path, records: Records) -> Path:
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(read_table([write_lines(tmp_path_factory.mktemp("null") / "x.jsonl", RECORDS)]), CONFIG)


@pytest.fixture(scope="module")
def detector(ready: Prepared) -> Detector:
    return untrained_detector("null", ready)


@pytest.fixture(scope="module")
def scores(detector: Detector) -> list[float]:
    return list(detector.score_records(FIELDS).anomaly_score)


def from_lines(folder: Path, records: Records) -> Table:
    return read_table([write_lines(folder / "x.jsonl", records)])


def from_parquet(folder: Path, records: Records) -> Table:
    pq.write_table(pa.Table.from_pylist(records), folder / "x.parquet")
    return read_table([folder / "x.parquet"])


DOORS: dict[str, Callable[[Path, Records], Table]] = {
    "json lines": from_lines,
    "parquet": from_parquet,
    "pandas": lambda folder, records: table_of(pd.DataFrame(records)),
    "polars": lambda folder, records: table_of(pytest.importorskip("polars").DataFrame(records)),
    "pyarrow": lambda folder, records: table_of(pa.Table.from_pylist(records)),
}


@pytest.mark.parametrize("door", DOORS)
def test_training_takes_the_fields_of_an_object_that_is_null_for_null(
    door: str, ready: Prepared, tmp_path: Path
) -> None:
    found = prepare(DOORS[door](tmp_path, RECORDS), CONFIG)
    assert found.schema.names == ("load", "motor.heat", "motor.fan.on")
    assert found.schema.columns == ready.schema.columns
    assert not any(column.optional for column in found.schema.columns)
    assert found.preprocessor.encodings == ready.preprocessor.encodings
    assert found.table.repairs == ()


@pytest.mark.parametrize("records", [GONE, GONE[:1]], ids=["all", "one"])
@pytest.mark.parametrize("door", DOORS)
def test_tables_may_have_null_in_the_place_of_an_object(
    door: str, records: Records, detector: Detector, scores: list[float], tmp_path: Path
) -> None:
    verdicts = detector.score_table(DOORS[door](tmp_path, records))
    assert list(verdicts.anomaly_score) == scores[: len(records)]


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_batch_scores_it_as_http_does(name: str, detector: Detector, scores: list[float], tmp_path: Path) -> None:
    path = write_lines(tmp_path / name, GONE)
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(GONE), path)
    job = prepare_files(detector, [path], tmp_path / "out.csv")
    score_files(detector, job, tmp_path / "out.csv", format_name="csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["anomaly_score"]) for row in rows] == scores
    assert rows[3]["nr.of"] == "m-003"
    assert job.inputs.notes == (f"read: {path} has no 'motor.heat', 'motor.fan.on': read as missing",)
    rest = [{"load": record["load"], "motor": None, "nr": None} for record in GONE]  # the id as well
    path = write_lines(tmp_path / "rest.jsonl", rest)
    job = prepare_files(detector, [path], tmp_path / "out.csv")
    assert score_files(detector, job, tmp_path / "out.csv", format_name="csv")[0] == 30


@pytest.mark.parametrize("fast_path", [True, False])
def test_every_body_may_have_it(fast_path: bool, detector: Detector, scores: list[float]) -> None:
    cells = [[record["load"], None] for record in GONE]
    bodies = {
        "application/json": json.dumps(GONE).encode(),
        "application/x-ndjson": "\n".join(map(json.dumps, GONE)).encode(),
        "application/vnd.apache.arrow.stream": stream(pa.Table.from_pylist(GONE)),
    }
    with in_process(detector, fast_path=fast_path) as client:
        for kind, body in bodies.items():
            answer = client.post(body, content_type=kind, accept="application/json").json()
            assert [item["anomaly_score"] for item in answer["results"]] == scores
            assert "notes" not in answer
        named = client.post(json.dumps({"columns": ["load", "motor"], "rows": cells})).json()
        assert [item["anomaly_score"] for item in named["results"]] == scores
        wrong = problem(client.post(json.dumps({"columns": ["load", "motor"], "rows": [[50.0, 5]]})), 422)
        assert {place["field"] for place in wrong["errors"]} == {"motor.heat", "motor.fan.on"}
        wrong = problem(client.post(json.dumps({"load": 50.0, "motor": 5})), 422)
        assert {place["field"] for place in wrong["errors"]} == {"motor.heat", "motor.fan.on"}


def test_a_field_that_a_whole_file_lacks_is_missing_there(ready: Prepared, tmp_path: Path) -> None:
    first, second = RECORDS[:60], [{"load": r["load"], "nr": r["nr"], "new": row} for row, r in enumerate(RECORDS[60:])]
    paths = [write_lines(tmp_path / "a.jsonl", first), write_lines(tmp_path / "b.jsonl", second)]
    for given in (paths, paths[::-1]):
        table = read_table(given)
        schema = prepare(table, CONFIG).schema
        assert {c.name: c.optional for c in schema.columns} == {
            "load": False,
            "motor.heat": True,
            "motor.fan.on": True,
            "new": True,
        }
        assert set(table.repairs) == {
            f"{paths[0]} has no 'new': read as missing",
            f"{paths[1]} has no 'motor.heat', 'motor.fan.on': read as missing",
        }


def test_an_object_that_is_null_in_a_whole_file_is_no_field_of_its_own(ready: Prepared, tmp_path: Path) -> None:
    paths = [write_lines(tmp_path / "a.jsonl", RECORDS), write_lines(tmp_path / "b.jsonl", GONE)]
    table = read_table(paths)
    assert table.names == ("load", "motor.heat", "motor.fan.on", "nr.of")
    assert (table.absent, table.repairs) == (frozenset(), ())
    assert len(table) == 150


def test_files_of_other_records_and_of_nearly_the_same_names_are_refused(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", RECORDS)
    with pytest.raises(TableError, match="has other columns than the first file"):
        read_table([first, write_lines(tmp_path / "b.jsonl", [{"x": 1, "y": 2}] * 9)])
    with pytest.raises(TableError, match="'laod'"):
        read_table([first, write_lines(tmp_path / "c.jsonl", [{"laod": 1.0, "nr": {"of": "x"}}] * 9)])
