"""Instants that are read all at once are those that are read one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.columns.arrow_cells import timestamps_at_once
from models.columns.from_tables import read_cells
from models.schema import Column, Kind
from models.schema.cells import parse_timestamp
from models.schema.timestamps import TIME_LAYOUTS

ISO = Column(name="at", kind=Kind.DATETIME, layout="iso")
DATES = st.tuples(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32)).map(
    lambda d: f"{d[0]:04d}-{d[1]:02d}-{d[2]:02d}"
)
CLOCKS = st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)).map(
    lambda c: f"{c[0]:02d}:{c[1]:02d}:{c[2]:02d}"
)
TEXTS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", " "]),
        DATES,
        st.sampled_from(["", "T", " ", "t"]),
        st.sampled_from(["", "10", "10:30", "24:00", "10:3"]) | CLOCKS,
        st.sampled_from(["", ".5", ".123456", ".1234567", ",5"]),
        st.sampled_from(["", "", "Z", "+02:00", "-0230", " UTC"]),
    ),
) | st.sampled_from(["", "NA", "20240226", "2024-W01-1", "soon", "2024"])


def one_by_one(texts: list[str], zone: bool | None = None) -> list[float]:
    return [np.nan if (cell := parse_timestamp(text, layout="iso", zone=zone)) is None else cell for text in texts]


@pytest.mark.parametrize("zone", [None, True, False])
@given(texts=st.lists(TEXTS, max_size=4))
@example(texts=["2024-02-26T01:50:07", "NA", ""])
@example(texts=["2024-02-26T01:50:07Z", "2024-02-26 01:50:07.25+02:00"])
def test_texts_that_are_read_at_once_are_the_timestamps_of_each(zone: bool | None, texts: list[str]) -> None:
    at_once = timestamps_at_once(replace(ISO, zone=zone), pa.chunked_array([pa.array(texts, pa.string())]))
    if at_once is not None:
        np.testing.assert_array_equal(at_once, one_by_one(texts, zone))


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-02-26T01:50:07", "2024-02-26 01:50", "2024-02-26"],
        ["2024-02-26T01:50:07.125", "", "NA", " 2024-02-26 "],
        ["2024-02-26T01:50:07Z", "?", "2024-02-26T01:50:07+02:00"],
    ],
)
def test_the_usual_texts_are_read_at_once(texts: list[str]) -> None:
    at_once = timestamps_at_once(ISO, pa.chunked_array([pa.array(texts)]))
    assert at_once is not None
    np.testing.assert_array_equal(at_once, one_by_one(texts))


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Lisbon"])
@given(moments=st.lists(st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)), max_size=5))
def test_typed_timestamps_are_the_same_at_once_and_one_by_one(
    unit: str, zone: str | None, moments: list[datetime | None]
) -> None:
    array = pa.array(moments, pa.timestamp("us")).cast(pa.timestamp(unit), safe=False).cast(pa.timestamp(unit, zone))
    cells = pa.chunked_array([array.slice(0, 2), array.slice(2)])
    np.testing.assert_array_equal(
        read_cells(ISO, cells),
        [np.nan if value is None else parse_timestamp(value, layout="iso") for value in array.to_pylist()],
    )


@given(days=st.lists(st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)), max_size=5))
def test_days_are_the_same_at_once_and_one_by_one(days: list[date | None]) -> None:
    for kind in (pa.date32(), pa.date64()):
        np.testing.assert_array_equal(
            read_cells(ISO, pa.chunked_array([pa.array(days, kind)])),
            [np.nan if day is None else parse_timestamp(day, layout="iso") for day in days],
        )


@pytest.mark.parametrize("layout", [name for name, spec in TIME_LAYOUTS.items() if name == "time" or spec.per_second])
def test_a_column_of_numbers_or_times_of_day_takes_no_timestamp(layout: str) -> None:
    cells = pa.chunked_array([pa.array([1_700_000_000], pa.timestamp("s"))])
    assert timestamps_at_once(Column(name="at", kind=Kind.DATETIME, layout=layout), cells) is None
