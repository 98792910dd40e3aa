"""What is kept of the records of a large JSON body: the values of fields that the detector knows, and names once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_process import in_process, problem
from samples import sample_detector, sample_record, sample_schema

from service.budget import BUDGET
from service.formats.json_slices import SLICE_BYTES
from service.formats.known_fields import KnownFields

SCHEMA = sample_schema()
LONG = "x" * SLICE_BYTES


def kept(*records: Any) -> list[Any]:
    return list(map(KnownFields(SCHEMA).of_item, records))


def test_values_of_known_fields_are_kept_and_those_of_others_forgotten() -> None:
    assert kept({"number": 1.5, "serial": "s", "möre": "text", "x": [1, {"a": 2}]}) == [
        {"number": 1.5, "serial": "s", "möre": None, "x": None}
    ]


def test_what_is_no_value_is_kept_as_what_it_is() -> None:
    assert kept({"number": {"a": {"b": 1}}, "amount": [1, 2], "flag": {}, "mode": []}, [[1, 2], {"a": 1}, 3], 7) == [
        {"number": {"": None}, "amount": [None], "flag": {}, "mode": []},
        [[None], {"": None}, 3],
        7,
    ]


def test_equal_names_are_one_text() -> None:
    first, second = kept(*(json.loads('{"größe": 1}') for _ in range(2)))
    assert next(iter(first)) is next(iter(second))


@pytest.mark.parametrize("by", [b",", b"\n"], ids=["a list", "lines"])
def test_records_of_very_many_different_fields_are_refused(by: bytes) -> None:
    records = [{**sample_record(), f"k{index}": LONG if not index else 0} for index in range(BUDGET.other_columns + 5)]
    content = by.join(json.dumps(record).encode() for record in records)
    with in_process(sample_detector()) as service:
        kind = "application/json" if by == b"," else "application/x-ndjson"
        answer = service.request(
            "POST", "/score", content=b"[%b]" % content if by == b"," else content, headers={"Content-Type": kind}
        )
        most = len(SCHEMA.known) + BUDGET.other_columns
        detail = problem(answer, 413)["detail"]
    assert detail == f"The records have more than {most:,} different fields. Send only those that the detector knows."


def test_a_key_twice_is_found_beside_what_is_forgotten() -> None:
    text = json.dumps([{**sample_record(), "x": {"a": LONG}}, {"x": 1, "y": [{"b": 2}]}]).replace('"y"', '"x"')
    with in_process(sample_detector()) as service:
        errors = problem(service.request("POST", "/score", content=text), 422)["errors"]
    assert [(error["record"], error["field"]) for error in errors] == [(1, "x")]


def test_objects_in_a_large_body_are_no_repeated_keys() -> None:
    records = [{**sample_record(), "x": {"a": LONG, "b": [{"c": 1}]}}, sample_record()]
    with in_process(sample_detector()) as service:
        assert service.request("POST", "/score", json=records).status_code == 200
