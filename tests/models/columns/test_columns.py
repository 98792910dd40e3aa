from __future__ import annotations

import datetime
import string
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import WRITERS, arrow_table, sample_record, sample_schema

from models.columns.arrow_cells import numbers_of_texts
from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table, require_columns
from models.errors import TableError
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import parse_number
from models.tables.files import read_table
from models.tables.table import Table

SCHEMA = sample_schema()
WORDS = st.text(string.ascii_letters + string.digits + "äß ;,'\"-_/", min_size=1, max_size=8)
CELLS = {
    "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "amount": st.none() | st.integers(-(2**53), 2**53),
    "flag": st.none() | st.booleans(),
    "mode": st.none() | WORDS,
    "at": st.none() | st.sampled_from(["2024-01-20T06:30:00", "2024-02-01", "2024-01-20T06:30:00+02:00"]),
}


def assert_equal(left, right):
    assert list(left) == list(right)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


@pytest.mark.parametrize("form", [form for form in WRITERS if form != "excel"])  # which keeps 15 digits
@settings(max_examples=40)
@given(cells=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=6))
def test_a_file_of_any_format_gives_the_columns_that_the_same_records_give(form, cells):
    name, write = WRITERS[form]
    full = sample_record(number=1.5, amount=3, flag=True, mode="run")  # a row without a gap: no column is empty
    records = [full, *cells]
    with tempfile.TemporaryDirectory() as folder:
        table = read_table([write(Path(folder) / name, records)])
        assert_equal(columns_of_table(SCHEMA, table), columns_of_records(SCHEMA, records))


# How values may be written, beside what the sample schema has: one way for a whole column, as files have it.
ODD_SCHEMA = FeatureSchema(
    columns=(
        Column(name="heat", kind=Kind.NUMERIC, unit="°C", decimal=".", missing=("-200", "off")),
        Column(name="price", kind=Kind.NUMERIC, unit="EUR", decimal=",", thousands="."),
        Column(name="level", kind=Kind.NUMERIC, missing=("-999", "inf", "-inf")),
        Column(name="took", kind=Kind.NUMERIC, layout="duration"),
        Column(name="day", kind=Kind.DATETIME, layout="day_first", missing=("01/01/1900",)),
        Column(name="clock", kind=Kind.DATETIME, layout="time"),
        Column(name="date", kind=Kind.DATETIME, layout="compact"),
        Column(name="ready", kind=Kind.BOOLEAN, missing=("unknown",)),
        Column(name="city", kind=Kind.CATEGORICAL, missing=("other", "0")),
    )
)
# Of 15 digits, which is what a spreadsheet keeps.
_FLOATS = st.floats(-1e300, 1e300).map(lambda x: float(f"{x:.15g}"))
ODD_CELLS = {
    "heat": [_FLOATS | st.just(-200.0), _FLOATS.map("{:g} °C".format) | st.sampled_from(["-200 °C", "-200.0", "off"])],
    "price": [st.sampled_from(["1.200,50 EUR", "EUR 950", "12,5EUR", "-1.234.567 EUR", "7"])],
    "level": [_FLOATS | st.just(-999.0), st.sampled_from(["-999", "1e999", "-inf", "12"])],
    "took": [st.integers(0, 10**6), st.sampled_from(["1h 30m", "36:10:02", "PT5M", "90"])],
    "day": [st.sampled_from(["26/02/2024", "26.02.2024 18.30.00", "01/01/1900", "26/02/2024 6:30 PM"])],
    "clock": [st.sampled_from(["18:30", "18.30.00", "6:30 pm"])],
    "date": [st.sampled_from([20240226, 19991231]), st.sampled_from(["20240226", "20240226 18:30"])],
    "ready": [st.booleans(), st.sampled_from(["on", "Off", "y", "unknown", "T"])],
    "city": [st.sampled_from(["caf\u00e9", "cafe\u0301", "Москва", "東京", " other"]), st.integers(0, 3)],
}


@st.composite
def odd_records(draw):
    ways = {name: draw(st.sampled_from(ways)) for name, ways in ODD_CELLS.items()}
    row = st.fixed_dictionaries({name: st.none() | way for name, way in ways.items()})
    return [{name: draw(way) for name, way in ways.items()}, *draw(st.lists(row, max_size=5))]


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=60)
@given(records=odd_records())
def test_units_sentinels_and_odd_layouts_read_the_same_from_any_file_and_from_records(form, records):
    name, write = WRITERS[form]
    with tempfile.TemporaryDirectory() as folder:
        table = read_table([write(Path(folder) / name, records)])
        assert_equal(columns_of_table(ODD_SCHEMA, table), columns_of_records(ODD_SCHEMA, records))


@given(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=6), st.permutations([*SCHEMA.names, "site"]))
def test_columns_are_taken_by_name_in_any_order(cells, names):
    records = [sample_record(site="north", amount=3), *({"site": "south"} | cell for cell in cells)]
    in_order = arrow_table(records)
    reordered = columns_of_table(SCHEMA, Table(data=in_order.select(names)))
    assert_equal(reordered, columns_of_table(SCHEMA, Table(data=in_order)))


@pytest.mark.parametrize("separators", [(".", ""), (".", ","), (",", "."), (",", " "), (".", "'")])
@given(
    texts=st.lists(
        st.text("0123456789+-.eE \t,'", max_size=8)
        | st.floats().map(repr)
        | st.integers().map(str)
        | st.sampled_from(
            [
                "",
                "NA",
                "nan",
                "?",
                " 5",
                "+5",
                "5.",
                ".5",
                "1e400",
                "٣",
                "\u00a05",
                "1,234.5",
                "-1.234.567",
                "1\u202f234,5",
                "1’234",
                "12,34.5",
                "1,2345",
            ]
        ),
        max_size=8,
    )
)
def test_reading_numbers_all_at_once_gives_what_reading_them_one_by_one_gives(separators, texts):
    decimal, thousands = separators
    numbers = numbers_of_texts(pa.chunked_array([pa.array(texts, pa.string())]), decimal=decimal, thousands=thousands)
    if numbers is None:  # one of them needs the slow way
        return
    for text, number in zip(texts, numbers, strict=True):
        if np.isinf(number):
            with pytest.raises(ValueError, match="a finite number"):
                parse_number(text, decimal=decimal, thousands=thousands)
        else:
            alone = parse_number(text, decimal=decimal, thousands=thousands)
            assert np.isnan(number) if alone is None else alone == number


def test_plain_numbers_are_read_all_at_once():
    texts = pa.chunked_array([pa.array(["1", " -2.5e3 ", "", "NA", "+4", "5.", ".5"])])
    np.testing.assert_array_equal(
        numbers_of_texts(texts, decimal=".", thousands=""), [1, -2500, np.nan, np.nan, 4, 5, 0.5]
    )


def test_numbers_with_thousands_separators_are_read_all_at_once():
    texts = pa.chunked_array([pa.array(["1.234,5", "-1.234.567", "12", "0,25", "NA"])])
    np.testing.assert_array_equal(
        numbers_of_texts(texts, decimal=",", thousands="."), [1234.5, -1_234_567, 12, 0.25, np.nan]
    )


def test_a_missing_column_is_an_error_that_lists_what_came_instead():
    with pytest.raises(TableError, match=r"Missing: 'number', 'at'; not known to the detector: 'nmber'\."):
        require_columns(SCHEMA, ["nmber", "amount", "flag", "mode", "serial", "site"])


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(TableError, match="more than one column 'mode'"):
        require_columns(SCHEMA, [*SCHEMA.names, "mode"])


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("number", "hot", "a number, got the text 'hot'"),
        ("amount", "inf", "a finite number"),
        ("amount", float("inf"), "a finite number, got inf"),
        ("number", "1e999", "a finite number"),
        ("flag", "maybe", "true or false"),
        ("at", "soon", "ISO 8601"),
    ],
)
def test_a_cell_of_another_kind_is_an_error_with_column_and_row(name, cell, expected):
    good = None
    table = Table(data=arrow_table([sample_record(**{name: good}), sample_record(**{name: cell})]))
    with pytest.raises(TableError, match=f"Column '{name}', row 12: expected .*{expected}"):
        columns_of_table(SCHEMA, table, first_row=10)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1.5, None, 3.0], pa.float32()),
        pa.array(["1.5", None, "3"], pa.large_string()),
        pa.array(["1.5", "", "3"], pa.string()),
        pa.array(["1.5", None, "3"]).dictionary_encode(),
        pa.array([1.5, None, 3.0]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.uint32()), pa.array(["1.5", "3"])),
        pa.array([1.5, None, 3.0]).cast(pa.decimal128(5, 2)),
    ],
    ids=lambda array: str(array.type)[:20],
)
def test_a_numeric_column_may_be_stored_in_any_type(array):
    schema = FeatureSchema(columns=(Column(name="x", kind=Kind.NUMERIC),))
    np.testing.assert_array_equal(columns_of_table(schema, Table(data=pa.table({"x": array})))["x"], [1.5, np.nan, 3.0])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_a_timestamp_may_be_stored_in_any_unit(unit, zone):
    schema = FeatureSchema(columns=(Column(name="t", kind=Kind.DATETIME, layout="iso"),))
    array = (
        pa.array([1_700_000_000, None, 0], pa.timestamp("s")).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    )
    np.testing.assert_array_equal(
        columns_of_table(schema, Table(data=pa.table({"t": array})))["t"], [1_700_000_000, np.nan, 0]
    )


NOON = datetime.time(12)


@pytest.mark.parametrize(
    ("array", "column", "values"),
    [
        (pa.array([1.5, None, -2], pa.float16()), Column(name="x", kind=Kind.NUMERIC), [1.5, np.nan, -2]),
        (pa.array([2**60, None, 1], pa.uint64()), Column(name="x", kind=Kind.NUMERIC), [2.0**60, np.nan, 1]),
        (pa.array([90, None, 1], pa.duration("ms")), Column(name="x", kind=Kind.NUMERIC), [0.09, np.nan, 0.001]),
        (pa.array([90, None, 1], pa.duration("s")), Column(name="x", kind=Kind.NUMERIC), [90, np.nan, 1]),
        (
            pa.array([NOON, None, NOON], pa.time32("s")),
            Column(name="x", kind=Kind.DATETIME, layout="time"),
            [43200, np.nan, 43200],
        ),
        (
            pa.array([NOON, None, NOON], pa.time64("ns")),
            Column(name="x", kind=Kind.DATETIME, layout="time"),
            [43200, np.nan, 43200],
        ),
        (pa.array([1.5, None, 2], pa.float64()), Column(name="x", kind=Kind.CATEGORICAL), ["1.5", None, "2"]),
        (pa.array(["a", None, "b"], pa.string_view()), Column(name="x", kind=Kind.CATEGORICAL), ["a", None, "b"]),
        (
            pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
            Column(name="x", kind=Kind.BOOLEAN),
            [1, np.nan, 0],
        ),
        (
            pa.RunEndEncodedArray.from_arrays([2, 3], pa.array([1.5, None])),
            Column(name="x", kind=Kind.NUMERIC),
            [1.5, 1.5, np.nan],
        ),
    ],
    ids=lambda value: str(value.type)[:24] if isinstance(value, pa.Array) else "",
)
def test_a_column_may_be_stored_in_an_uncommon_type(array, column, values):
    found = columns_of_table(FeatureSchema(columns=(column,)), Table(data=pa.table({"x": array})))["x"]
    np.testing.assert_array_equal(found, np.array(values, found.dtype))


def test_a_column_in_several_chunks_reads_like_one():
    pieces = pa.chunked_array([pa.array(["a", None]).dictionary_encode(), pa.array(["b", "a"]).dictionary_encode()])
    schema = FeatureSchema(columns=(Column(name="c", kind=Kind.CATEGORICAL),))
    assert columns_of_table(schema, Table(data=pa.table({"c": pieces})))["c"].tolist() == ["a", None, "b", "a"]


def test_a_table_without_rows_gives_columns_without_values():
    table = Table(data=arrow_table([sample_record()]).slice(0, 0))
    assert {len(values) for values in columns_of_table(SCHEMA, table).values()} == {0}


def test_a_nullable_truth_value_that_is_missing_is_never_false(cases):
    """Case 28: row 0 of `ok` is true, row 1 missing; both files give the same columns."""
    kinds = {"ok": Kind.BOOLEAN, "n": Kind.NUMERIC, "x": Kind.NUMERIC}
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=kind) for name, kind in kinds.items()))
    parquet, text = (
        columns_of_table(schema, read_table([cases / f"28_nullable.{ending}"])) for ending in ("parquet", "csv")
    )
    assert_equal(parquet, text)
    assert {name: int(np.isnan(values).sum()) for name, values in parquet.items()} == {"ok": 25, "n": 30, "x": 20}
    assert parquet["ok"][0] == 1.0
    assert np.isnan(parquet["ok"][1])
