from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import arrow_table, machine_records

from models.errors import ConfigError, TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables.table import Table
from training.columns.roles import Roles
from training.data.prepare import prepare
from training.data.split import duplicate_rows, empty_rows, group_indices, timestamps_of
from training.settings.config import TrainConfig

RECORDS = [
    record | {"machine": f"m{number % 9}", "clock": f"{number % 24:02d}:30"}
    for number, record in enumerate(machine_records(300, seed=3))
]


def table(records=RECORDS):
    return Table(data=arrow_table(records))


def prepared(records=RECORDS, **settings):
    return prepare(table(records), TrainConfig(alert_rate=0.2, **settings))


def test_with_a_time_the_newest_rows_are_the_test_rows():
    made = prepared(time="at")
    at = made.columns["at"]
    split = made.split
    assert at[split.fitting].max() < at[split.validation].min() <= at[split.validation].max()
    assert at[split.validation].max() < at[split.calibration].min()
    assert at[split.calibration].max() < at[split.test].min()
    assert "at" in made.schema.names  # it stays a feature


def test_numbers_that_grow_are_a_time_even_where_they_count_the_rows():
    counted = [record | {"step": 1000 - number} for number, record in enumerate(RECORDS)]
    made = prepared(counted, time="step")
    assert np.flatnonzero(made.split.test).max() < np.flatnonzero(made.split.fitting).min()


def test_with_a_group_no_machine_is_in_two_parts_and_its_name_is_no_feature():
    made = prepared(group="machine")
    machine = np.array([record["machine"] for record in RECORDS])
    parts = [set(machine[mask]) for mask in (made.split.fitting, made.split.validation, made.split.calibration)]
    parts.append(set(machine[made.split.test]))
    assert sum(map(len, parts)) == 9
    assert made.schema.dropped["machine"] == "says which rows belong together (--group)"
    assert "machine" in prepared(group="machine", include=("machine", "heat")).schema.names


@pytest.mark.parametrize(
    ("settings", "change", "complaint"),
    [
        ({"time": "when"}, {}, r"--time: there is no column 'when'\. The columns are: serial, pressure"),
        ({"time": "mode"}, {}, "--time mode: rows cannot be put in order by it: it is categorical"),
        ({"time": "site"}, {}, "--time site: rows cannot be put in order by it: .*constant"),
        ({"time": "clock"}, {}, "--time clock: is a time of day, without the day"),
        ({"time": "at"}, {"at": None}, "Column 'at', row 1: the time is missing, in 1 rows in all"),
        ({"group": "mill"}, {}, "--group: there is no column 'mill'"),
        ({"group": "valve_open"}, {}, "--group valve_open: has 2 different values; .* at least 4"),
        ({"group": "machine"}, {"machine": None}, "Column 'machine', row 1: the group is missing, in 1 rows"),
    ],
)
def test_a_column_that_cannot_split_the_rows_is_one_error_with_the_remedy(settings, change, complaint):
    records = [RECORDS[0] | change, *RECORDS[1:]]
    with pytest.raises((ConfigError, TableError), match=complaint):
        prepared(records, **settings)


def test_too_few_rows_in_a_part_of_the_split_is_one_error():
    lopsided = [record | {"machine": "a" if n < 290 else f"m{n}"} for n, record in enumerate(RECORDS)]
    with pytest.raises((ConfigError, TableError), match=r"Too few rows|needs at least"):
        prepared(lopsided, group="machine")


def test_rows_without_any_value_are_in_no_part_and_counted():
    empty = dict.fromkeys(RECORDS[0])
    made = prepared([*RECORDS, empty, empty])
    assert made.left_out == {"no value in any column that is used": 2}
    assert sum(made.rows.values()) == 300


def test_equal_rows_count_as_often_as_they_occur_unless_they_are_dropped():
    twice = [*RECORDS, *RECORDS[:40]]
    assert sum(prepared(twice).rows.values()) == 340
    made = prepared(twice, duplicates="drop")
    assert sum(made.rows.values()) == 300
    assert made.left_out == {"equal to an earlier row (--duplicates drop)": 40}


def test_rows_are_equal_where_their_features_are_whatever_their_ids():
    twice = [*RECORDS, *(record | {"serial": f"copy-{n}"} for n, record in enumerate(RECORDS[:40]))]
    assert sum(prepared(twice, duplicates="drop", id=("serial",)).rows.values()) == 300


def said(made):
    return [str(finding) for finding in made.findings]


def test_equal_rows_that_are_kept_are_noted_with_the_flag_that_drops_them():
    assert any("40 of 340 rows equal an earlier one" in line for line in said(prepared([*RECORDS, *RECORDS[:40]])))
    assert not any("equal an earlier one" in line for line in said(prepared()))


def test_rows_in_time_order_are_noted_with_the_flag_that_splits_in_time():
    in_order = sorted(RECORDS, key=lambda record: record["at"])
    assert any("'at': the rows are in its order" in line and "--time at" in line for line in said(prepared(in_order)))
    for made in (prepared(), prepared(in_order, time="at"), prepared(in_order, group="machine")):
        assert not any("in its order" in line for line in said(made))


def test_timestamps_and_groups_are_those_of_the_rows():
    assert timestamps_of(table(RECORDS[:3]), "at", Roles()).shape == (3,)
    numbers = group_indices(table(), "machine")
    assert numbers[0] == numbers[9] != numbers[1]


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 5e-324, float("nan"), float("inf"), 1e300])
TEXTS = st.sampled_from(["", "a", "b", None, "None"])


@given(st.lists(st.tuples(NUMBERS, TEXTS, NUMBERS), min_size=1, max_size=40))
def test_copies_and_empty_rows_are_those_that_pandas_finds(rows):
    numbers, texts, more = zip(*rows, strict=True)
    columns = {"x": np.array(numbers), "t": np.array(texts, object), "y": np.array(more)}
    frame = pd.DataFrame(columns)
    np.testing.assert_array_equal(duplicate_rows(columns), frame.duplicated())
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in columns))
    np.testing.assert_array_equal(empty_rows(schema, columns), frame.isna().all(axis=1))
