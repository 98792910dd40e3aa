from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BundleError
from models.schema import DURATION, SCHEMA_VERSION, Column, FeatureSchema, Kind
from models.schema.cells import parse_category
from models.schema.names import one_form
from models.schema.timestamps import TIME_LAYOUTS

NAMES = st.text(min_size=1, max_size=8).map(one_form)
VALUES = st.lists(NAMES, max_size=2).map(tuple)
MARKS = st.none() | st.sampled_from([".", ","])
COLUMNS = st.one_of(
    st.builds(Column, name=NAMES, kind=st.just(Kind.BOOLEAN), missing=VALUES),
    st.builds(Column, name=NAMES, kind=st.just(Kind.CATEGORICAL), missing=VALUES, keep_words=VALUES),
    st.builds(
        Column,
        name=NAMES,
        kind=st.just(Kind.DATETIME),
        layout=st.none() | st.sampled_from([*TIME_LAYOUTS]),
        missing=VALUES,
    ),
    st.builds(
        Column,
        name=NAMES,
        kind=st.just(Kind.NUMERIC),
        layout=st.sampled_from([None, DURATION]),
        unit=st.none() | NAMES,
        decimal=MARKS,
        thousands=MARKS,
        missing=VALUES,
    ),
)
SCHEMAS = st.builds(
    FeatureSchema,
    columns=st.lists(COLUMNS, min_size=1, max_size=4, unique_by=lambda column: column.name).map(tuple),
    ids=st.lists(NAMES, max_size=2).map(tuple),
    label=st.none() | NAMES,
    dropped=st.dictionaries(NAMES, NAMES, max_size=2),
    header=st.none() | st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    threshold_by=st.none() | NAMES,
)


@given(SCHEMAS)
def test_a_schema_is_equal_after_a_round_trip_through_json(schema):
    assert FeatureSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@given(SCHEMAS)
def test_every_name_of_the_training_data_is_known(schema):
    others = {schema.label, schema.threshold_by} - {None}
    assert schema.known == {*schema.names, *schema.ids, *schema.dropped} | others


@pytest.mark.parametrize(
    "damage",
    [
        {"columns": [{"name": "a", "kind": "colour"}]},
        {"columns": [{"kind": "numeric"}]},
        {"columns": None},
        {"columns": [{"name": "a", "kind": "numeric", "layout": "iso"}]},
        {"columns": [{"name": "a", "kind": "datetime", "layout": "noon"}]},
        {"columns": [{"name": "a", "kind": "boolean", "unit": "km"}]},
        {"columns": [{"name": "a", "kind": "numeric", "unit": 3}]},
        {"columns": [{"name": "a", "kind": "numeric", "missing": "-200"}]},
        {"ids": 3},
        {"header": 3},
    ],
)
def test_a_damaged_schema_is_refused(damage):
    plain = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),)).to_json()
    with pytest.raises(BundleError, match="schema is not readable"):
        FeatureSchema.from_json(plain | damage)


def test_a_schema_without_one_of_its_parts_is_refused():
    plain = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),)).to_json()
    for part in plain.keys() - {"schema_version"}:
        with pytest.raises(BundleError, match=part):
            FeatureSchema.from_json({key: value for key, value in plain.items() if key != part})


def test_a_schema_of_the_first_format_has_columns_without_unit_and_sentinels():
    old = {"name": "at", "kind": "datetime", "layout": "iso"}
    plain = {"columns": [old], "ids": [], "label": None, "dropped": {}, "header": None}
    assert FeatureSchema.from_json(plain).columns == (Column(name="at", kind=Kind.DATETIME, layout="iso"),)
    assert FeatureSchema.from_json(plain).to_json() == plain | {"schema_version": 1}


@given(SCHEMAS)
def test_what_is_read_are_the_features_and_once_the_column_that_thresholds_go_by(schema):
    names = [column.name for column in schema.read]
    assert names[: len(schema.names)] == list(schema.names)
    assert names[len(schema.names) :] == [
        name for name in (schema.threshold_by,) if name is not None and name not in schema.names
    ]


def test_what_a_column_does_not_have_is_not_written():
    plain = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),)).to_json()
    assert plain["columns"] == [{"name": "a", "kind": "numeric"}]


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1, "1", None, True, [1]])
def test_a_schema_of_another_version_is_refused_by_its_number(version):
    plain = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),)).to_json()
    with pytest.raises(BundleError) as caught:
        FeatureSchema.from_json(plain | {"schema_version": version})
    assert f"has version {version!r}, this program reads {SCHEMA_VERSION}." in str(caught.value)


def test_a_schema_without_a_version_is_one_of_the_first():
    schema = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),))
    plain = schema.to_json()
    del plain["schema_version"]
    assert FeatureSchema.from_json(plain) == schema


@pytest.mark.parametrize(
    ("kind", "parts", "complaint"),
    [
        (Kind.BOOLEAN, {"layout": "iso"}, r"^layout of a boolean column must be one of , got 'iso'$"),
        (Kind.NUMERIC, {"layout": "iso"}, r"^layout of a numeric column must be one of duration, got 'iso'$"),
        (Kind.DATETIME, {"layout": DURATION}, rf"must be one of {', '.join(TIME_LAYOUTS)}, got 'duration'$"),
        *(
            (Kind.CATEGORICAL, {part: ","}, "^unit, decimal and thousands are for numeric columns, this one is cat")
            for part in ("unit", "decimal", "thousands")
        ),
    ],
)
def test_a_column_has_only_the_parts_of_its_kind(kind, parts, complaint):
    with pytest.raises(ValueError, match=complaint):
        Column(name="a", kind=kind, **parts)


def test_the_column_that_thresholds_go_by_is_read_as_categories_where_it_is_no_feature():
    number = Column(name="a", kind=Kind.NUMERIC)
    assert FeatureSchema(columns=(number,), threshold_by="site").read == (
        number,
        Column(name="site", kind=Kind.CATEGORICAL),
    )
    assert FeatureSchema(columns=(number,), threshold_by="a").read == (number,)
    assert FeatureSchema(columns=(number,)).read == (number,)


def test_marks_without_end_are_left_in_their_order() -> None:
    marks = "a" + chr(0x301) * 10_000 + chr(0x323) * 10_000  # in order they would be another text, after a second
    assert one_form(marks) == marks
    assert parse_category(marks) == marks
    assert one_form("a" * 100 + "e" + chr(0x301)) == "a" * 100 + chr(0xE9)
