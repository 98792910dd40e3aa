"""A column's name is compared in one Unicode form, through every door (case 44 of the second collection)."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bodies import WRITTEN
from in_process import in_process, problem
from samples import WRITERS, FakeEngine, numbers_preprocessor

from models.calibration import Calibration
from models.detector import Detector
from models.encoders import encoding_from_json, encoding_to_json
from models.errors import RecordError, TableError
from models.programs.inputs import check_inputs
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer
from models.tables.files import iter_table, read_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import table_of
from service.formats.formats import FORMATS
from training.columns.schema_file import read_schema_file, write_schema_file
from training.settings.config import TrainConfig

COMPOSED = "W\u00e4rme"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
RECORDS = [{DECOMPOSED: 1.5, "b": 2.0}, {DECOMPOSED: 2.5, "b": 1.0}]
SCHEMA = FeatureSchema(columns=(Column(name=COMPOSED, kind=Kind.NUMERIC), Column(name="b", kind=Kind.NUMERIC)))


@pytest.fixture(scope="module")
def detector():
    preprocessor = numbers_preprocessor(1.0, 1.0)
    encodings = tuple(replace(e, name=name) for e, name in zip(preprocessor.encodings, SCHEMA.names, strict=True))
    return Detector(
        name="names",
        version="1",
        schema=SCHEMA,
        scorer=Scorer(preprocessor=replace(preprocessor, encodings=encodings), engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


@pytest.fixture(scope="module")
def scores(detector):
    composed = [{unicodedata.normalize("NFC", name): value for name, value in record.items()} for record in RECORDS]
    return detector.score_records(composed).anomaly_score.tolist()


@pytest.mark.parametrize("name", WRITERS)
def test_files(name, detector, scores, tmp_path):
    file, write = WRITERS[name]
    path = write(tmp_path / file, RECORDS)
    table = read_table([path])
    assert table.names == (COMPOSED, "b")
    assert detector.score_table(table).anomaly_score.tolist() == scores
    job = check_inputs(SCHEMA, [path], options=ReadOptions(columns=frozenset(SCHEMA.names)))
    assert [table.names for table in iter_table(path, job.options)] == [(COMPOSED, "b")]
    assert job.notes == ()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fast_path", [True, False])
def test_bodies(form, fast_path, detector, scores, tmp_path):
    body = WRITTEN[form](RECORDS, tmp_path)
    with in_process(detector, fast_path=fast_path) as client:
        answer = client.post(body, content_type=FORMATS[form].types[0], accept="application/json")
        assert [item["anomaly_score"] for item in answer.json()["results"]] == scores
        named = client.post(json.dumps({"columns": [DECOMPOSED, "b"], "rows": [[1.5, 2.0], [2.5, 1.0]]}))
        assert named.json() == answer.json()


def test_frames_and_records(detector, scores):
    assert detector.score_records(RECORDS).anomaly_score.tolist() == scores
    for frame in (pd.DataFrame(RECORDS), pa.Table.from_pylist(RECORDS)):
        assert detector.score_table(table_of(frame)).anomaly_score.tolist() == scores


def test_nested_fields():
    lines = [json.dumps({"motor": {DECOMPOSED: 1.5}, "b": 2}, ensure_ascii=False)]
    table = read_table([Source(name="x.jsonl", content="\n".join(lines).encode())])
    assert table.names == (f"motor.{COMPOSED}", "b")
    struct, out = pa.table({"motor": [{DECOMPOSED: 1.5}], "b": [2.0]}), io.BytesIO()
    pa.parquet.write_table(struct, out)
    wanted = ReadOptions(columns=frozenset([f"motor.{COMPOSED}"]))
    [read] = iter_table(Source(name="x.parquet", content=out.getvalue()), wanted)
    assert read.names == (f"motor.{COMPOSED}",)


def test_two_forms_of_one_name_in_one_table_are_two_columns_of_one_name(detector):
    text = f"{COMPOSED},{DECOMPOSED},b\n1,2,3\n"
    assert read_table([Source(name="x.csv", content=text.encode())]).names == (COMPOSED, f"{COMPOSED}_2", "b")
    with pytest.raises(TableError, match=f"more than one column '{COMPOSED}'"):
        detector.score_table(table_of(pa.table({COMPOSED: [1.0], DECOMPOSED: [2.0], "b": [3.0]})))
    twice = {COMPOSED: 1, DECOMPOSED: 2, "b": 3}
    with pytest.raises(RecordError, match=f"field '{COMPOSED}': comes twice"):
        detector.score_records([twice])
    with in_process(detector) as client:
        assert f"field '{COMPOSED}': comes twice" in problem(client.post(json.dumps(twice)), 422)["detail"]


def test_what_is_said_of_columns_in_settings_and_schema_files(tmp_path):
    said = TrainConfig(label=DECOMPOSED, exclude=("b", DECOMPOSED), kind=(f"{DECOMPOSED}=numeric",))
    assert (said.label, said.exclude, said.kind) == (COMPOSED, ("b", COMPOSED), (f"{COMPOSED}=numeric",))
    path = tmp_path / "schema.toml"
    write_schema_file(path, SCHEMA)
    path.write_text(unicodedata.normalize("NFD", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert read_schema_file(path) == SCHEMA


def test_a_bundle_that_has_the_other_form_is_read_in_this_one():
    plain = json.loads(unicodedata.normalize("NFD", json.dumps(SCHEMA.to_json(), ensure_ascii=False)))
    assert FeatureSchema.from_json(plain) == SCHEMA
    encoding = replace(numbers_preprocessor(1.0).encodings[0], name=COMPOSED)
    assert encoding_from_json(encoding_to_json(encoding) | {"name": DECOMPOSED}) == encoding
