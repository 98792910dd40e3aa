"""Writers: the fast way to a line of CSV gives what the plain way gives, and rows can be made ready beforehand."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tables.formats import OUTPUT_FORMATS
from models.tables.writers import PlainRows, _quoted_lines, csv_lines, new_file

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
COLUMNS = st.fixed_dictionaries(
    {
        "id": st.none() | TEXTS | st.sampled_from(["a,b", 'say "go"', "two\nlines", "", " "]),
        "score": st.none() | st.floats(),
        "flag": st.none() | st.booleans(),
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "at": st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
    }
)
SCHEMA = pa.schema(
    {"id": pa.string(), "score": pa.float64(), "flag": pa.bool_(), "count": pa.int64(), "at": pa.timestamp("us", "UTC")}
)


@given(rows=st.lists(COLUMNS, max_size=6), cuts=st.lists(st.integers(0, 6), max_size=3))
def test_lines_of_csv_are_the_same_by_arrows_writer_and_cell_by_cell(
    rows: list[dict[str, object]], cuts: list[int]
) -> None:
    whole = pa.Table.from_pylist(rows, SCHEMA)
    ends = sorted([0, *cuts, 6])
    in_pieces = pa.concat_tables([whole.slice(start, end - start) for start, end in pairwise(ends)])
    assert csv_lines(in_pieces) == _quoted_lines(whole) == csv_lines(whole)


def test_chunks_without_rows_add_nothing_to_lines_of_csv() -> None:
    """Arrow 26 writes what its buffer happens to hold for each of them."""
    ids = pa.array(["a", "b"])
    assert csv_lines(pa.table({"id": pa.chunked_array([ids.slice(2), ids, ids.slice(0, 0)])})) == b"a\nb\n"
    assert csv_lines(pa.table({"id": ids.slice(2)})) == b""


@pytest.mark.parametrize("format_name", OUTPUT_FORMATS)
def test_rows_that_were_made_ready_are_added_when_they_are_told_to(tmp_path: Path, format_name: str) -> None:
    table = pa.table({"id": ["a", "b", "c", "d"], "score": [1.5, 2.0, 0.25, np.inf]})
    pieces = [PlainRows(table.slice(start, rows)) for start, rows in ((0, 1), (1, 2), (3, None))]
    with new_file(tmp_path / "ready", table.schema, format_name=format_name) as writer:
        later, sooner = writer.ready(*pieces[1:]), writer.ready(pieces[0])
        sooner()
        later()
    with new_file(tmp_path / "plain", table.schema, format_name=format_name) as writer:
        writer.ready(PlainRows(table))()
    assert (tmp_path / "ready").read_bytes() == (tmp_path / "plain").read_bytes()


def test_scores_are_not_written_with_a_dictionary_and_p_values_are(tmp_path: Path) -> None:
    rows = 100_000
    draw = np.random.default_rng(0)
    table = pa.table({"score": draw.random(rows), "p_value": draw.integers(1, 1_000, rows) / 1_000})
    with new_file(tmp_path / "out.parquet", table.schema, format_name="parquet") as writer:
        writer.ready(PlainRows(table))()
    group = pq.read_metadata(tmp_path / "out.parquet").row_group(0)
    sizes = [group.column(number).total_compressed_size / rows for number in range(2)]
    assert sizes[0] < 8.2
    assert sizes[1] < 2
    assert pq.read_table(tmp_path / "out.parquet").equals(table)


def test_a_csv_writer_reads_back(tmp_path: Path) -> None:
    table = pa.table({"id": ["a,b", "c"], "score": [1.5, None]})
    with new_file(tmp_path / "out.csv", table.schema, format_name="csv") as writer:
        writer.ready(PlainRows(table))()
    with (tmp_path / "out.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["id", "score"], ["a,b", "1.5"], ["c", ""]]
