from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import sample_record, sample_schema

from models.columns.from_records import brief_repr, columns_of_records, columns_of_rows
from models.errors import RecordError
from models.schema import Column, FeatureSchema, Kind
from models.schema.nesting import flatten

SCHEMA = sample_schema()
VALUES = {
    "number": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    "amount": st.none() | st.floats(-1e9, 1e9),
    "flag": st.none() | st.booleans() | st.sampled_from([0, 1, "yes", "false"]),
    "mode": st.none() | st.text(max_size=5) | st.integers(0, 5) | st.booleans(),
    "at": st.none() | st.sampled_from(["2024-01-20T06:30:00", "2024-02-01", "2024-01-20T06:30:00+02:00"]),
}
RECORDS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5)


def assert_equal(left, right):
    assert list(left) == list(right)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


@given(RECORDS, st.randoms())
def test_fields_are_taken_by_name_in_any_order(records, random):
    shuffled = [dict(random.sample(list(record.items()), len(record))) for record in records]
    assert_equal(columns_of_records(SCHEMA, shuffled), columns_of_records(SCHEMA, records))


@given(RECORDS, st.permutations(SCHEMA.names))
def test_rows_of_cells_are_the_same_as_records(records, names):
    rows = [[record[name] for name in names] for record in records]
    assert_equal(columns_of_rows(SCHEMA, names, rows), columns_of_records(SCHEMA, records))


@given(RECORDS)
def test_records_are_not_changed(records):
    before = copy.deepcopy(records)
    columns_of_records(SCHEMA, records)
    assert records == before


def test_columns_stand_in_the_order_of_the_schema():
    columns = columns_of_records(SCHEMA, [dict(reversed(sample_record().items()))])
    assert tuple(columns) == SCHEMA.names


def test_fields_that_are_no_features_are_ignored():
    plain = columns_of_records(SCHEMA, [sample_record()])
    assert_equal(columns_of_records(SCHEMA, [sample_record(serial="m-1", note={"any": "thing"})]), plain)


@pytest.mark.parametrize("name", SCHEMA.names)
def test_null_is_a_missing_value(name):
    (value,) = columns_of_records(SCHEMA, [sample_record(**{name: None})])[name]
    assert value is None or np.isnan(value)


@pytest.mark.parametrize("name", SCHEMA.names)
def test_an_absent_field_is_an_error_that_names_record_and_field(name):
    lacking = {key: value for key, value in sample_record().items() if key != name}
    with pytest.raises(RecordError, match="is absent") as caught:
        columns_of_records(SCHEMA, [sample_record(), lacking], first_record=10)
    assert (caught.value.record, caught.value.field) == (11, name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("number", "hot", "a number"),
        ("number", True, "a number"),
        ("amount", float("inf"), "a finite number"),
        ("flag", "maybe", "true or false"),
        ("mode", ["run"], "a text, a number or a truth value"),
        ("at", "soon", "ISO 8601"),
        ("at", 17, "a date and time as text"),
    ],
)
def test_a_value_of_another_kind_is_an_error_that_says_what_is_expected(name, value, expected):
    with pytest.raises(RecordError, match=expected) as caught:
        columns_of_records(SCHEMA, [sample_record(), sample_record(**{name: value})])
    assert (caught.value.record, caught.value.field) == (1, name)


def test_a_row_of_another_length_is_an_error_that_gives_both_numbers():
    with pytest.raises(RecordError, match="has 2 cells for 5 columns") as caught:
        columns_of_rows(SCHEMA, SCHEMA.names, [[1, 2, True, "run", "2024-01-01"], [1, 2]], first_record=5)
    assert caught.value.record == 6


def test_rows_without_a_feature_are_an_error_that_names_it():
    with pytest.raises(RecordError, match="field 'amount': is absent"):
        columns_of_rows(SCHEMA, ["number"], [[1.0]])


@given(st.text() | st.lists(st.integers(), max_size=100))
def test_a_value_is_printed_in_at_most_sixty_characters(value):
    assert len(brief_repr(value)) <= 60


NESTED = FeatureSchema(
    columns=(Column(name="motor.heat", kind=Kind.NUMERIC), Column(name="motor.fan.on", kind=Kind.BOOLEAN))
)


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ({"motor": {"heat": 60.5, "fan": {"on": True}}}, [60.5, 1.0]),
        ({"motor.heat": 60.5, "motor": {"fan.on": True}}, [60.5, 1.0]),
        ({"motor": {"heat": None, "fan": None}}, [np.nan, np.nan]),
        ({"motor": None}, [np.nan, np.nan]),
    ],
)
def test_nested_objects_are_fields_with_dotted_names(record, cells):
    columns = columns_of_records(NESTED, [record])
    np.testing.assert_array_equal([values[0] for values in columns.values()], cells)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"motor": {"heat": 1.0}}, r"record 7, field 'motor\.fan\.on': is absent"),
        ({"motor": 5}, r"record 7, field 'motor\.heat': is absent"),
        ({"motor.heat": 1, "motor": {"heat": 2, "fan": None}}, r"record 7, field 'motor\.heat': comes twice"),
    ],
)
def test_a_nested_field_that_is_absent_or_comes_twice_is_an_error(record, complaint):
    with pytest.raises(RecordError, match=complaint):
        columns_of_records(NESTED, [record], first_record=7)


def test_a_record_of_any_depth_is_flattened():
    deep: dict[str, object] = {"x": 1}
    for _ in range(3000):
        deep = {"a": deep}
    assert flatten(deep) == {"a." * 3000 + "x": 1}
