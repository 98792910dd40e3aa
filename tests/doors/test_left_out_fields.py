"""A field that some training records lacked may be left out (case 31 of the second collection)."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bodies import WRITTEN
from in_process import in_process, problem
from samples import WRITERS, sample_detector, sample_record

from models.detector import Detector
from models.errors import RecordError, TableError
from models.programs.inputs import check_inputs
from models.schema import FeatureSchema
from models.tables.files import read_table
from models.tables.source import Source
from service.formats.formats import FORMATS
from training.columns.schema_file import read_schema_file, write_schema_file
from training.data.prepare import prepare
from training.settings.config import TrainConfig

OPTIONAL = ("amount", "flag", "mode", "at")
WHOLE = [sample_record(), sample_record(number=40.0)]
LACKING = [{"number": record["number"]} for record in WHOLE]
NULLS = [record | dict.fromkeys(OPTIONAL) for record in WHOLE]


@pytest.fixture(scope="module")
def detector() -> Detector:
    found = sample_detector(missing_share=0.1)
    columns = tuple(replace(column, optional=column.name in OPTIONAL) for column in found.schema.columns)
    return replace(found, schema=replace(found.schema, columns=columns, ids=()))


@pytest.fixture(scope="module")
def scores(detector: Detector) -> list[float]:
    return list(detector.score_records(NULLS).anomaly_score)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fast_path", [True, False])
def test_requests_may_leave_it_out(form, fast_path, detector, scores, tmp_path):
    with in_process(detector, fast_path=fast_path) as client:
        kind = FORMATS[form].types[0]
        answer = client.post(WRITTEN[form](LACKING, tmp_path), content_type=kind, accept="application/json")
        assert [item["anomaly_score"] for item in answer.json()["results"]] == scores
        other = [{name: value for name, value in record.items() if name != "number"} for record in WHOLE]
        refused = problem(client.post(WRITTEN[form](other, tmp_path), content_type=kind), 422)
    assert {place["field"] for place in refused["errors"]} == {"number"}


def test_names_and_rows_and_some_records_may_leave_it_out(detector, scores):
    with in_process(detector) as client:
        named = client.post(json.dumps({"columns": ["number"], "rows": [[51.5], [40.0]]})).json()["results"]
        assert [item["anomaly_score"] for item in named] == scores
        mixed = client.post(json.dumps([WHOLE[0], LACKING[1]])).json()["results"]
        assert mixed[1]["anomaly_score"] == scores[1]
        wrong = problem(client.post(json.dumps([{"number": "x"}])), 422)
        schema = client.request("GET", "/openapi.json").text
    assert [(place["record"], place["field"]) for place in wrong["errors"]] == [(0, "number")]
    assert '"required":["number"]' in schema.replace(" ", "")


@pytest.mark.parametrize("name", WRITERS)
def test_files_may_lack_it_and_that_is_said(name, detector, scores, tmp_path):
    file, write = WRITERS[name]
    path = write(tmp_path / file, LACKING)
    assert detector.score_table(read_table([path])).anomaly_score.tolist() == scores
    notes = check_inputs(detector.schema, [path]).notes
    assert f"read: {path} has no 'amount', 'flag', 'mode', 'at': read as missing" in notes
    with pytest.raises(TableError, match="Missing: 'number'"):
        detector.score_table(read_table([write(tmp_path / file, [{"amount": 1.0, "mode": "run"}])]))


def test_training_remembers_which_fields_were_left_out(tmp_path):
    rng = np.random.default_rng(1)
    lines = [
        {"temp": float(t), "load": float(2 * t)} | ({"vibration": float(t / 7)} if row % 3 else {})
        for row, t in enumerate(rng.normal(50, 5, 120))
    ]
    source = Source(name="x.jsonl", content="\n".join(map(json.dumps, lines)).encode())
    schema = prepare(read_table([source]), TrainConfig()).schema
    assert {column.name: column.optional for column in schema.columns} == {
        "temp": False,
        "load": False,
        "vibration": True,
    }
    assert FeatureSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    write_schema_file(tmp_path / "schema.toml", schema)
    assert read_schema_file(tmp_path / "schema.toml") == schema


def test_a_field_that_every_record_had_is_needed_as_before():
    with pytest.raises(RecordError, match="field 'mode': is absent"):
        sample_detector().score_records([{name: value for name, value in WHOLE[0].items() if name != "mode"}])
