from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import arrow_table, machine_records

from models.errors import ConfigError, TableError
from models.schema import Column, Kind
from models.tables.files import read_table
from models.tables.table import Table, table_of
from training.columns.infer_schema import infer_schema
from training.columns.infer_texts import MAX_CATEGORIES, common_categories
from training.columns.roles import Roles

N = 60
EVERY_ROW = np.ones(N, bool)
FIRST_HALF = np.arange(N) < N // 2
RNG = np.random.default_rng(0)


def schema_of(fitting=EVERY_ROW, roles=None, decimal=".", **columns):
    arrays = {name: cells if isinstance(cells, pa.Array) else pa.array(cells) for name, cells in columns.items()}
    schema, _ = infer_schema(Table(data=pa.table(arrays), decimal=decimal), roles or Roles(), fitting=fitting)
    return schema


def fate(cells, *, name="column", **options):
    """Return the kind and the layout of a column, or the reason for leaving it out."""
    schema = schema_of(**{name: cells, "other": RNG.normal(size=N)}, **options)
    kinds = {column.name: (column.kind, column.layout) for column in schema.columns}
    return kinds[name] if name in kinds else schema.dropped[name]


def repeated(*values):
    return [values[i % len(values)] for i in range(N)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (RNG.normal(size=N), Kind.NUMERIC),
        (repeated(0, 1, 1), Kind.NUMERIC),
        (repeated("0", "1", "2.5"), Kind.NUMERIC),
        (repeated("1", "", "NA", "3"), Kind.NUMERIC),
        (repeated(5.0, None), Kind.NUMERIC),
        (repeated(True, False), Kind.BOOLEAN),
        (repeated("yes", "No", ""), Kind.BOOLEAN),
        (repeated("TRUE", "false"), Kind.BOOLEAN),
        (repeated("a", "b", None), Kind.CATEGORICAL),
        (repeated("1", "b"), Kind.CATEGORICAL),
        (pa.array(repeated("a", "b")).dictionary_encode(), Kind.CATEGORICAL),
        (pa.array(repeated("a", "b"), pa.large_string()), Kind.CATEGORICAL),
        (pa.array(repeated("a", "b"), pa.string_view()), Kind.CATEGORICAL),
        (pa.array(repeated(1, 2, 5), pa.int8()), Kind.NUMERIC),
        (pa.array(repeated(1, 2, 5)).cast(pa.decimal128(25, 2)), Kind.NUMERIC),
    ],
)
def test_the_kind_of_a_column_is_what_its_values_are(cells, kind):
    assert fate(cells) == (kind, None)


def test_numbers_with_a_decimal_comma_are_numbers_where_the_file_has_such():
    cells = repeated("1,5", "-0,25", "3")
    assert fate(cells, decimal=",") == (Kind.NUMERIC, None)
    assert fate(cells) == (Kind.CATEGORICAL, None)


@pytest.mark.parametrize(
    ("cells", "layout"),
    [
        (repeated("2024-01-31T10:00:00", "2024-02-01T11:30:00"), "iso"),
        (repeated("2024-01-31", "2024-02-01"), "iso"),
        (repeated("31/01/2024 10:00:00", "01/02/2024 11:00:00"), "day_first"),
        (repeated("01/31/2024", "02/01/2024"), "month_first"),
        (repeated("31.01.2024 10:00", "01.02.2024 11:30"), "day_first"),
        (repeated("31-01-2024", "01-02-2024"), "day_first"),
        (repeated(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 5)), "iso"),
        (repeated(datetime.date(2024, 1, 1), datetime.date(2024, 1, 5)), "iso"),
    ],
)
def test_timestamps_are_recognised_in_every_layout(cells, layout):
    assert fate(cells) == (Kind.DATETIME, layout)


@pytest.mark.parametrize(("unit", "layout"), [(1, "epoch_s"), (1000, "epoch_ms")])
def test_an_epoch_is_a_timestamp_only_where_its_name_says_so(unit, layout):
    cells = [(1_700_000_000 + 5000 * i) * unit for i in RNG.permutation(N).tolist()]
    assert fate(cells, name="created_at") == (Kind.DATETIME, layout)
    assert fate(cells, name="amount") == (Kind.NUMERIC, None)


def test_ambiguous_dates_are_refused_with_the_flag_that_settles_them():
    cells = repeated("01/02/2024", "03/04/2024")
    with pytest.raises(
        TableError, match=r"cannot be told apart .*--date-order column=day-first or .*column=month-first"
    ):
        fate(cells)
    for orders in ({"column": "month_first"}, {"*": "month_first"}):
        assert fate(cells, roles=Roles(date_orders=orders)) == (Kind.DATETIME, "month_first")
    assert fate(cells, roles=Roles(exclude=("column",))) == "excluded (--exclude)"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (repeated(5), "constant (always 5)"),
        (repeated("5"), "constant (always 5)"),
        (repeated("north"), "constant (always 'north')"),
        (repeated(True), "constant (always true)"),
        (pa.nulls(N), "empty"),
        (repeated("", "NA"), "empty"),
        (pa.nulls(N, pa.float64()), "empty"),
        (pa.nulls(N, pa.bool_()), "empty"),
        (pa.nulls(N, pa.timestamp("us")), "empty"),
        (range(N), "identifier (counts the rows)"),
        (range(N, 0, -1), "identifier (counts the rows backwards)"),
        (RNG.permutation(N) + 1, f"identifier (each whole number from 1 to {N} once)"),
        ([f"m-{i}" for i in range(N)], "identifier (60 different values in 60 rows)"),
        ([f"the pump no {i} is loud" for i in range(N)], "free text (60 different values in 60 rows)"),
        (repeated([1], [2, 3]), "nested (list<item: int64>): give each part a column of its own"),
        (repeated({"a": 1}), "nested (struct<a: int64>): give each part a column of its own"),
    ],
)
def test_a_column_that_says_nothing_is_left_out_with_the_reason(cells, reason):
    assert fate(cells) == reason


def test_different_whole_numbers_are_an_identifier_only_where_the_name_says_so():
    cells = RNG.permutation(np.arange(N) * 17)
    assert fate(cells, name="machine_id") == "identifier (every value is different)"
    assert fate(cells, name="load") == (Kind.NUMERIC, None)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pd.array(repeated(1, None, 3), dtype="Int64"), Kind.NUMERIC),
        (pd.array(repeated(1.5, None, 3), dtype="Float64"), Kind.NUMERIC),
        (pd.array(repeated(True, None, False), dtype="boolean"), Kind.BOOLEAN),
        (pd.array(repeated("a", None, "b"), dtype="string"), Kind.CATEGORICAL),
        (pd.Categorical(repeated("a", "b", None)), Kind.CATEGORICAL),
        (pd.Categorical(repeated(1, 2, 5)), Kind.NUMERIC),
        (pd.to_timedelta(repeated(5, 90, None), unit="s"), Kind.NUMERIC),
        (
            pd.to_datetime(repeated("2024-01-01T00:00:00.123456789", "2024-02-01", None), format="ISO8601"),
            Kind.DATETIME,
        ),
        (pd.to_datetime(repeated("2024-01-01", "2024-02-01")).tz_localize("Europe/Berlin"), Kind.DATETIME),
        (pd.Series(repeated(Decimal("1.50"), Decimal("3.25"), None)), Kind.NUMERIC),
        (pd.Series(repeated(datetime.date(2024, 1, 1), datetime.date(2024, 2, 1))), Kind.DATETIME),
        (pd.Series(repeated(datetime.time(1, 30), datetime.time(18, 0))), Kind.DATETIME),
        (pd.Series(repeated(1, 2, None), dtype="Sparse[float]").sparse.to_dense(), Kind.NUMERIC),
    ],
)
def test_every_type_of_pandas_has_its_kind(cells, kind):
    table = table_of(pd.DataFrame({"x": cells, "other": RNG.normal(size=N)}))
    schema, _ = infer_schema(table, Roles(), fitting=EVERY_ROW)
    assert {column.name: column.kind for column in schema.columns}["x"] is kind


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (pa.array([b"x%d" % i for i in range(N)]), "binary: write it as text or as numbers"),
        (pa.array([b"ab"] * N, pa.binary(2)), "binary: write it as text or as numbers"),
        (pa.array([b"ab"] * N, pa.large_binary()), "binary: write it as text or as numbers"),
        (pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int8())), "nested (map<string, int8>)"),
        (pa.array([(1, 2, 3)] * N, pa.month_day_nano_interval()), "values of type month_day_nano_interval are not"),
    ],
)
def test_a_type_that_cannot_be_learned_from_is_left_out_with_the_reason(cells, reason):
    assert fate(cells).startswith(reason)


def test_the_binary_columns_of_a_file_with_every_type_are_left_out(shared):
    table = read_table([shared / "data" / "real" / "alltypes_plain.parquet"])
    schema, _ = infer_schema(table, Roles(), fitting=np.ones(len(table), bool))
    assert {name for name, reason in schema.dropped.items() if reason.startswith("binary")} == {
        "date_string_col",
        "string_col",
    }


@pytest.mark.parametrize(
    ("name", "cells", "layout"),
    [
        ("created_at", [(1_700_000_000 + 5000 * i) * 10**6 for i in range(N)], "epoch_us"),
        ("created_at", [(1_700_000_000 + 5000 * i) * 10**9 for i in range(N)], "epoch_ns"),
        ("created_at", [1_700_000_000.25 + 5000 * i for i in range(N)], "epoch_s"),
        ("day", [20240101 + i % 28 for i in range(N)], "compact"),
        ("day", [str(20240101 + i % 28) for i in range(N)], "compact"),
    ],
)
def test_numbers_that_are_timestamps_are_noted_with_the_flag_that_makes_them_numbers(name, cells, layout):
    table = Table(data=pa.table({name: cells, "other": RNG.normal(size=N)}))
    schema, [finding] = infer_schema(table, Roles(), fitting=EVERY_ROW)
    assert schema.columns[0] == Column(name=name, kind=Kind.DATETIME, layout=layout, zone=layout != "compact")
    assert finding.remedy == f"if they are plain numbers: --kind {name}=numeric"
    schema, findings = infer_schema(table, Roles(kinds={name: Kind.NUMERIC}), fitting=EVERY_ROW)
    assert (schema.columns[0].kind, findings) == (Kind.NUMERIC, ())


def test_eight_digits_that_are_no_dates_are_numbers():
    assert fate([20240101 + i for i in range(N)], name="size") == "identifier (counts the rows)"
    assert fate([20240101 + 7 * (i % 29) for i in range(N)], name="size") == (Kind.NUMERIC, None)


def test_numbers_that_are_no_timestamps_are_refused_as_datetime():
    with pytest.raises(TableError, match="but its numbers are neither seconds"):
        fate(repeated(1, 2, 3), roles=Roles(kinds={"column": Kind.DATETIME}))


@pytest.mark.parametrize(
    ("cells", "kind", "complaint"),
    [
        (repeated("a", "b"), Kind.NUMERIC, "row 1: expected a number, got the text 'a'"),
        (repeated("1", "2", "x"), Kind.BOOLEAN, "row 2: expected true or false, got the text '2'"),
        (repeated("2024-01-01", "soon"), Kind.DATETIME, "row 2: expected an ISO 8601 date and time"),
        (repeated(True, False), Kind.NUMERIC, "row 1: expected a number, got true"),
    ],
)
def test_a_kind_that_the_cells_contradict_is_an_error_with_the_row(cells, kind, complaint):
    with pytest.raises(TableError, match=f"Column 'column', {complaint}"):
        fate(cells, roles=Roles(kinds={"column": kind}))


def test_dates_with_one_stray_text_are_named_with_the_flag_that_mends_them():
    cells = [f"2024-01-{1 + i % 28:02d}T{i % 24:02d}:{i:02d}" for i in range(N - 1)] + ["unknown"]
    assert fate(cells) == (
        "dates or times (iso), but for 'unknown' (row 60): fix these, or say --missing-values column=unknown; "
        "if they are categories: --kind column=categorical"
    )
    assert fate(cells, roles=Roles(missing_values={"*": ("unknown",)})) == (Kind.DATETIME, "iso")


@pytest.mark.parametrize("number", [1e300, 5e-324, -1e300])
def test_very_large_and_very_small_numbers_are_numbers(number):
    assert fate(repeated(number, 1.0, -2.5)) == fate(repeated(str(number), "1")) == (Kind.NUMERIC, None)


def test_whole_numbers_beyond_exact_floats_are_numbers():
    assert fate([2**60 + 1000 * (i % 7) for i in range(N)]) == (Kind.NUMERIC, None)


def test_ten_whole_numbers_are_numbers(cases):
    """Case 30: `x` is numeric in spite of its ten values."""
    table = read_table([cases / "30_train_0_to_9.csv"])
    schema, _ = infer_schema(table, Roles(), fitting=np.ones(len(table), bool))
    assert {column.name: column.kind for column in schema.columns}["x"] is Kind.NUMERIC


def test_kinds_come_from_all_rows_and_constancy_from_the_fitting_rows():
    late = ["1"] * (N // 2) + ["2", "x"] * (N // 4)
    assert fate(late, fitting=FIRST_HALF) == "constant (always '1')"
    assert fate([str(i % 7) for i in range(N // 2)] + ["x"] * (N // 2), fitting=FIRST_HALF)[0] is Kind.CATEGORICAL


def test_there_is_exactly_one_decision_on_every_column():
    records = machine_records(200, seed=4)
    table = Table(data=arrow_table(records))
    roles = Roles(ids=("serial",), label="mode", exclude=("heat",))
    schema, _ = infer_schema(table, roles, fitting=np.ones(200, bool))
    fates = [*schema.names, *schema.ids, schema.label, *schema.dropped]
    assert sorted(fates) == sorted(table.names)
    assert schema.dropped == {"heat": "excluded (--exclude)", "site": "constant (always 'north')"}
    assert schema.names == ("pressure", "flow", "valve_open", "at")


def test_only_included_columns_are_features():
    schema = schema_of(a=RNG.normal(size=N), b=RNG.normal(size=N), roles=Roles(include=("b",)))
    assert (schema.names, schema.dropped) == (("b",), {"a": "not included (--include)"})


def test_a_role_for_a_column_that_is_not_there_is_refused_with_the_columns():
    with pytest.raises(ConfigError, match=r"--id: there is no column 'x', 'y'\. The columns are: a\."):
        schema_of(a=RNG.normal(size=N), roles=Roles(ids=("x", "y"), exclude=("z",)))


def test_a_table_without_a_usable_column_is_refused_with_all_reasons():
    with pytest.raises(TableError, match=r"No column is left to learn from \(a: constant \(always 5\); b: empty\)"):
        schema_of(a=repeated(5), b=pa.nulls(N))


@given(st.lists(st.sampled_from([f"c{i}" for i in range(150)]), min_size=1, max_size=400))
def test_common_and_rare_categories_are_all_of_them_most_frequent_first(values):
    common, rare = common_categories(values)
    counts = [count for _, count in [*common, *rare]]
    assert counts == sorted(counts, reverse=True)
    assert dict([*common, *rare]) == {v: values.count(v) for v in set(values)}
    assert len(common) <= MAX_CATEGORIES
    assert all(count >= 5 for _, count in common) or len(values) < 50


@pytest.mark.parametrize("cells", [RNG.permutation(N), [f"m-{i}" for i in range(N)]])
def test_an_identifier_is_used_where_it_is_included(cells):
    assert isinstance(fate(cells, roles=Roles(include=("column", "other"))), tuple)


def test_many_categories_with_many_rows_each_are_categories_and_no_identifier():
    shops = [f"shop {i % 300}" for i in range(6000)]
    table = Table(data=pa.table({"shop": shops, "other": np.arange(6000) % 7}))
    assert infer_schema(table, Roles(), fitting=np.ones(6000, bool))[0].names == ("shop", "other")


def test_a_stray_text_among_numbers_is_named():
    cells = [*map(str, RNG.normal(size=N - 1)), "n.n."]
    assert fate(cells) == (
        "numbers, but for 'n.n.' (row 60): fix these, or say --missing-values column=n.n.; "
        "if they are categories: --kind column=categorical"
    )
    assert fate(cells, roles=Roles(missing_values={"column": ("n.n.",)})) == (Kind.NUMERIC, None)


def test_a_constant_with_gaps_is_used_whatever_it_is_written_in():
    for cells in (repeated("yes", ""), repeated(True, None), repeated("2024-01-31", ""), repeated("a", None)):
        assert isinstance(fate(cells), tuple)


def test_a_column_that_is_dropped_for_another_reason_than_the_users_word_is_noted_once_a_reason():
    columns = {
        "x": RNG.normal(size=N),
        "a": [3.0] * N,
        "b": [3.0] * N,
        "number": range(N),
        "key": [f"k{n}" for n in range(N)],
        "words": [f"some words about {n}" for n in range(N)],
        "asked": [1] * N,
    }
    table = Table(data=pa.table({name: pa.array(list(cells)) for name, cells in columns.items()}))
    _, findings = infer_schema(table, Roles(exclude=("asked",)), fitting=EVERY_ROW)
    by_columns = {finding.columns: str(finding) for finding in findings if finding.drops}
    assert by_columns == {
        ("a", "b"): "'a', 'b': dropped: constant (always 3); to leave it out without this note: --exclude a b",
        ("number",): "'number': dropped: identifier (counts the rows); to carry it through to the scores: --id number, "
        "to use it all the same: --kind number=numeric",
        ("key",): "'key': dropped: identifier (60 different values in 60 rows); to carry it through to the scores: "
        "--id key, to use it all the same: --kind key=categorical",
        ("words",): "'words': dropped: free text (60 different values in 60 rows); to use it all the same: "
        "--kind words=categorical, to leave it out without this note: --exclude words",
    }
    roles = Roles(kinds={"number": Kind.NUMERIC, "key": Kind.CATEGORICAL, "words": Kind.CATEGORICAL})
    schema, _ = infer_schema(table, roles, fitting=EVERY_ROW)
    assert set(schema.names) == {"x", "number", "key", "words"}  # what the note says helps
