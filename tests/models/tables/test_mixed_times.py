"""Dates and times keep their day, their time of day and their zone (second collection, 5, 6, 28 and 39)."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta, timezone

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from models.columns.from_tables import read_cells
from models.schema import Column, Kind
from models.tables.files import iter_table, read_table
from models.tables.mixed_times import of_one_type
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import table_of

ISO = Column(name="at", kind=Kind.DATETIME, layout="iso")
MIDNIGHT, MORNING = datetime(2024, 1, 1), datetime(2024, 1, 1, 6, 30)
LISBON = datetime(2024, 7, 1, 6, 30, tzinfo=timezone(timedelta(hours=1)))


def sheet(path, cells):
    book = openpyxl.Workbook()
    for row in [["at", "x"], *([cell, i + 0.5] for i, cell in enumerate(cells))]:
        book.active.append(row)
    book.save(path)
    return path


def frame(path, cells):
    return pd.DataFrame({"at": pd.Series(cells, dtype=object)})


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("door", [sheet, frame])
def test_every_time_keeps_its_time_of_day_whatever_the_first_one_is(door, first, tmp_path):
    cells = [MIDNIGHT.date() if door is frame else MIDNIGHT, MORNING, None, MIDNIGHT + timedelta(days=1)]
    cells = cells[first:] + cells[:first]
    made = door(tmp_path / "book.xlsx", cells)
    table = table_of(made) if door is frame else read_table([made])
    assert pa.types.is_timestamp(table.data.schema.field("at").type)
    expected = [np.nan if cell is None else pd.Timestamp(cell).timestamp() for cell in cells]
    np.testing.assert_array_equal(read_cells(ISO, table.data.column("at")), expected)


def test_chunks_of_a_sheet_of_which_one_has_only_midnights_have_the_times_of_the_whole(tmp_path):
    cells = [MIDNIGHT, MIDNIGHT + timedelta(days=1), MORNING, MIDNIGHT]
    path = sheet(tmp_path / "book.xlsx", cells)
    chunks = [read_cells(ISO, chunk.data.column("at")) for chunk in iter_table(path, ReadOptions(), chunk_rows=2)]
    np.testing.assert_array_equal(np.concatenate(chunks), [pd.Timestamp(cell).timestamp() for cell in cells])


def test_times_of_a_frame_of_which_some_have_a_zone_are_read_one_by_one():
    table = table_of(pd.DataFrame({"at": pd.Series([LISBON, MORNING, pd.NaT], dtype=object)}))
    assert table.data.column("at").to_pylist() == ["2024-07-01T06:30:00+01:00", "2024-01-01T06:30:00", None]


def test_months_of_pandas_are_times():
    table = table_of(pd.DataFrame({"at": pd.period_range("2024-01", periods=2, freq="M"), "x": [1.5, 2.5]}))
    np.testing.assert_array_equal(
        read_cells(ISO, table.data.column("at")),
        [datetime(2024, month, 1, tzinfo=UTC).timestamp() for month in (1, 2)],
    )


def test_24_00_is_a_time_of_day_in_a_sheet(tmp_path):
    path = sheet(tmp_path / "book.xlsx", [time(1), time(23, 30), timedelta(days=1)])
    clock = Column(name="at", kind=Kind.DATETIME, layout="time")
    np.testing.assert_array_equal(read_cells(clock, read_table([path]).data.column("at")), [3600, 84_600, 0])


@pytest.mark.parametrize("cells", [[1.5, date(2024, 1, 1)], ["a", MORNING], [time(1), MORNING], [MORNING], [None], []])
def test_cells_of_other_kinds_stay_as_they_are(cells):
    assert of_one_type(cells) is cells


@pytest.mark.parametrize("bounded", [False, True])
def test_old_timestamps_of_parquet_stay_in_their_year(bounded, tmp_path):
    moments = [
        datetime(9999, 12, 31),
        datetime(2024, 2, 26, 1, 50, 7, 125),
        datetime(1500, 1, 1),
        datetime(1, 1, 1),
        None,
    ]
    file = io.BytesIO()
    data = pa.table({"at": pa.array(moments, pa.timestamp("us")), "x": range(5)})
    pa.parquet.write_table(data, file, use_deprecated_int96_timestamps=True)
    assert pa.parquet.ParquetFile(file).schema.column(0).physical_type == "INT96"
    (tmp_path / "old.parquet").write_bytes(file.getvalue())
    limits = {"max_bytes": 10**6, "max_rows": 10} if bounded else {}
    source = Source(name="old.parquet", content=file.getvalue(), **limits) if bounded else tmp_path / "old.parquet"
    [table] = iter_table(source, ReadOptions(), chunk_rows=10)
    assert table.data.column("at").to_pylist() == moments
    seconds = [np.nan if moment is None else moment.replace(tzinfo=UTC).timestamp() for moment in moments]
    np.testing.assert_array_equal(read_cells(ISO, table.data.column("at")), seconds)


@pytest.mark.parametrize("end", [datetime(9999, 12, 31), datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1)])
def test_a_missing_value_at_the_end_of_the_calendar_is_one_in_typed_tables_and_in_texts(end):
    column = Column(name="at", kind=Kind.DATETIME, layout="iso", missing=(end.isoformat(),))
    for cells in (
        pa.array([end, MORNING], pa.timestamp("us")),
        pa.array([end, MORNING], pa.timestamp("us", "UTC")),
        pa.array([end.isoformat(), "2024-01-01 06:30"]),
    ):
        np.testing.assert_array_equal(
            read_cells(column, pa.chunked_array([cells])), [np.nan, MORNING.replace(tzinfo=UTC).timestamp()]
        )
