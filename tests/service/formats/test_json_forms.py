"""Bodies in the forms of other model servers and of pandas (case 36 of the second collection)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest
from in_process import InProcess, in_process, problem
from samples import sample_detector, sample_record

from models.schema import Column, FeatureSchema, Kind
from service.formats.json_forms import rows_of

RECORDS = [sample_record(), sample_record(number=40.5, mode=None)]
NAMES = list(RECORDS[0])
ROWS = [list(record.values()) for record in RECORDS]
SPLIT = json.loads(pd.DataFrame(RECORDS).to_json(orient="split"))

READ = {
    "instances": {"instances": RECORDS},
    "TensorFlow Serving": {"signature_name": "serving_default", "instances": RECORDS},
    "inputs": {"inputs": RECORDS},
    "MLflow records": {"dataframe_records": RECORDS},
    "MLflow split": {"dataframe_split": {"columns": NAMES, "data": ROWS}},
    "MLflow split of pandas": {"dataframe_split": SPLIT, "params": {}},
    "pandas split": SPLIT,
    "pandas split without an index": {"columns": NAMES, "data": ROWS},
    "data": {"data": RECORDS},
}
REFUSED = {
    "rows without names": {"instances": ROWS},
    "tensors": {"inputs": [[1, 2, 3]]},
    "columns of lists": {"inputs": {"number": [1, 2]}},
    "two lists": {"instances": RECORDS, "inputs": RECORDS},
    "another object": {"payload": {"number": 1}},
}


@pytest.fixture(scope="module", params=[True, False], ids=["fast path on", "fast path off"])
def client(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    with in_process(sample_detector(missing_share=0.1), fast_path=request.param) as client:
        yield client


@pytest.mark.parametrize("form", READ)
def test_a_form_that_can_be_read_in_one_way_is_read(form: str, client: InProcess) -> None:
    expected = client.post(json.dumps(RECORDS)).json()["results"]
    assert client.post(json.dumps(READ[form])).json()["results"] == expected


@pytest.mark.parametrize("form", REFUSED)
def test_any_other_is_answered_with_the_forms_that_are_read(form: str, client: InProcess) -> None:
    found = problem(client.post(json.dumps(REFUSED[form])), 422)
    assert f"the body has the member{'s' * (len(REFUSED[form]) > 1)} '{next(iter(REFUSED[form]))}'" in found["detail"]
    assert "Send a record, a list of records, or columns and rows; " in found["detail"]


def test_a_cell_in_such_a_form_is_refused_in_its_place(client: InProcess) -> None:
    wrong = [RECORDS[0], sample_record(number="x")]
    [place] = problem(client.post(json.dumps({"instances": wrong})), 422)["errors"]
    assert (place["record"], place["field"]) == (1, "number")
    [place] = problem(client.post(json.dumps({"columns": NAMES, "data": [ROWS[0], ROWS[1][:-1]]})), 422)["errors"]
    assert place["record"] == 1
    twice = json.dumps({"instances": RECORDS}).replace('"number": 40.5', '"number": 40.5, "number": 41')
    assert "has the key 'number' more than once" in problem(client.post(twice), 422)["detail"]


def test_a_record_whose_column_is_called_so_is_a_record() -> None:
    for name in ("instances", "inputs.x", "data"):
        schema = FeatureSchema(columns=(Column(name=name, kind=Kind.NUMERIC),))
        body = {name.partition(".")[0]: [{"a": 1}]}
        assert rows_of(body, schema) == (None, [body])
    assert rows_of({"x": 1}, replace(schema, dropped={"x": "constant"})) == (None, [{"x": 1}])
