"""Numbers that are timestamps under any name, and columns that only grow (second collection, 13 and 15)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.columns.from_tables import columns_of_table
from models.schema import Kind
from models.schema.cells import parse_timestamp
from models.tables.table import Table
from training.columns.growing import find_growing
from training.columns.infer_schema import infer_schema
from training.columns.roles import Roles

N = 60
RNG = np.random.default_rng(0)
TEN_MINUTES = [1_704_067_200 + 600 * i for i in range(N)]


def decided(name, cells, **roles):
    """Return the column, or the reason to drop it, and all findings about it."""
    table = Table(data=pa.table({name: cells, "other": RNG.normal(size=N)}))
    schema, findings = infer_schema(table, Roles(**roles), fitting=np.ones(N, bool))
    found = [*findings, *find_growing(schema, columns_of_table(schema, table))]
    column = next((column for column in schema.columns if column.name == name), schema.dropped.get(name))
    return column, [str(finding) for finding in found]


@pytest.mark.parametrize("name", ["zeit", "load", "t"])
@pytest.mark.parametrize(
    ("unit", "layout"), [(1, "epoch_s"), (1000, "epoch_ms"), (10**6, "epoch_us"), (10**9, "epoch_ns")]
)
@pytest.mark.parametrize("order", [1, -1])
def test_instants_that_grow_or_fall_from_row_to_row_are_time_under_any_name(name, unit, layout, order):
    cells = [second * unit for second in TEN_MINUTES][::order]
    for given in (cells, [str(cell) for cell in cells], [None, *cells[1:]]):
        column, [note] = decided(name, given)
        assert (column.kind, column.layout) == (Kind.DATETIME, layout)
        assert f"if they are plain numbers: --kind {name}=numeric" in note
        assert ("by its name" in note) == (name != "load")


@pytest.mark.parametrize("name", ["fecha", "data_hora", "horodatage", "created", "t", "recorded", "Zeit", "event_ts"])
def test_instants_in_any_order_are_time_where_the_name_says_so_in_some_language(name):
    column, [note] = decided(name, RNG.permutation(TEN_MINUTES))
    assert (column.kind, column.layout) == (Kind.DATETIME, "epoch_s")
    assert note.startswith(f"{name!r}: by its name, seconds since 1970")


def test_instants_in_any_order_are_noted_where_the_name_says_nothing():
    column, [note] = decided("quando_foi", RNG.permutation(TEN_MINUTES))
    assert column.kind is Kind.NUMERIC
    assert "may be seconds since 1970 (2024-01-01T00:00:00 to 2024-01-01T09:50:00)" in note
    assert "--kind quando_foi=datetime" in note


@pytest.mark.parametrize(
    ("first", "layout", "what", "second"),
    [
        (45321.5, "spreadsheet_days", "days of a spreadsheet", "2024-01-30T18:00"),
        (2_460_331.0, "julian_days", "Julian days", "2024-01-21T18:00"),
    ],
)
def test_days_that_grow_are_noted_and_are_time_where_the_user_says_so(first, layout, what, second):
    cells = [first + i / 4 for i in range(N)]
    column, [note] = decided("tag", cells)
    assert column.kind is Kind.NUMERIC
    assert what in note
    assert "--kind tag=datetime" in note
    column, _ = decided("tag", cells, kinds={"tag": Kind.DATETIME})
    assert column.layout == layout
    assert parse_timestamp(cells[1], layout=layout) == parse_timestamp(second, layout="iso")


@pytest.mark.parametrize("as_text", [False, True])
def test_months_as_numbers_are_time(as_text):
    cells = [100 * (2023 + i // 30) + 1 + i // 3 % 12 for i in range(N)]
    column, [note] = decided("c", [str(cell) for cell in cells] if as_text else cells)
    assert (column.kind, column.layout) == (Kind.DATETIME, "period")
    assert "if they are categories: --kind c=categorical" in note
    assert parse_timestamp(202501, layout="period") == parse_timestamp("2025-01-01", layout="iso")
    for cells in ([202400 + i % 29 for i in range(N)], [200001 + i % 10 for i in range(N)]):
        column, _ = decided("c", cells)
        assert column.kind is Kind.NUMERIC


@pytest.mark.parametrize(
    "cells",
    [
        [2024 + i / 365.25 for i in range(N)],
        [17.5 + i * i for i in range(N)],
        [17.5 - 3 * i for i in range(N)],
        [2015 + i // 6 for i in range(N)],
        [f"FY{2016 + i // 6}" for i in range(N)],
        [f"v1.{i // 5}.0" for i in range(N)],
        [f"batch {i // 5 + 95}" for i in range(N)],
    ],
)
def test_what_only_grows_is_noted_with_the_flag_that_leaves_it_out(cells):
    column, [note] = decided("c", cells)
    assert column.kind in (Kind.NUMERIC, Kind.CATEGORICAL)
    assert note.startswith("'c': only grows or falls from row to row")
    assert "--exclude c" in note


@pytest.mark.parametrize(
    "cells",
    [
        RNG.normal(size=N),
        [min(i, 35) // 10 + 0.5 for i in range(N)],
        [["v1", "v2", "v3", "v4", "v5", "v6"][i % 6] for i in range(N)],
        ["abcdef"[i // 10] for i in range(N)],
        RNG.integers(0, 2**32, N),
        [i % 10 for i in range(N)],
    ],
)
def test_what_comes_and_goes_is_not_noted(cells):
    _, notes = decided("c", cells)
    assert notes == []
