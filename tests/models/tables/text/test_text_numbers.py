"""Columns of a text file that are read as numbers at once hold what their texts stand for."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.columns.from_tables import columns_of_table, plain_numbers
from models.errors import TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables.files import iter_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table

SCHEMA = FeatureSchema(
    columns=(Column(name="x", kind=Kind.NUMERIC, missing=("-999", "off")), Column(name="word", kind=Kind.CATEGORICAL))
)
SAID = ReadOptions(delimiter=",", quote='"', decimal=".", thousands="", has_header=True, encoding="utf-8")
NUMBERS = replace(SAID, numbers=plain_numbers(SCHEMA))
TEXTS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.text("0123456789+-.,eE \t'", max_size=8),
    st.sampled_from(
        (
            *("", "NA", " NA", "nan", "NAN", "-nan", "inf", "-Infinity", "?", " 5", "+5", "++5", "5.", ".5", "."),
            *("1e", "0x10", "1_0", "٣", "\u00a05", "−5", "-999", "-999.0", "off", "5\n", "\n5", "1,5", "1e400", '"5"'),
        )
    ),
)


def source_of(texts: list[str], *, quoting: int = csv.QUOTE_MINIMAL) -> Source:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=quoting).writerows([("x", "word"), *([text, "w"] for text in texts)])
    return Source(name="rows.csv", content=file.getvalue().encode())


def read(source: Source, options: ReadOptions, *, chunk_rows: int) -> list[float] | str:
    """Return the numbers of all rows, or the error."""
    found: list[float] = []
    try:
        for table in iter_table(source, options, chunk_rows=chunk_rows):
            found += columns_of_table(SCHEMA, table, first_row=len(found))["x"].tolist()
    except TableError as error:
        return str(error)
    return found


@given(
    texts=st.lists(TEXTS, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    decimal=st.sampled_from([".", ","]),
    chunk_rows=st.integers(1, 4),
)
@example(texts=["1.5", "NAN"], quoting=csv.QUOTE_MINIMAL, decimal=".", chunk_rows=1)
def test_numbers_and_errors_are_those_of_the_texts(
    texts: list[str], quoting: int, decimal: str, chunk_rows: int
) -> None:
    source = source_of(texts, quoting=quoting)
    at_once = read(source, replace(NUMBERS, decimal=decimal), chunk_rows=chunk_rows)
    as_texts = read(source, replace(SAID, decimal=decimal), chunk_rows=chunk_rows)
    if isinstance(at_once, str) or isinstance(as_texts, str):
        assert at_once == as_texts
    else:
        np.testing.assert_array_equal(at_once, as_texts)


LONG = 200_000  # rows: more than one of the pieces that Arrow takes a file in


@pytest.mark.parametrize(("odd", "number"), [("+7", 7.0), ("off", np.nan), ("-999", np.nan), ("−7", -7.0)])
def test_from_a_number_that_is_written_oddly_on_a_column_is_read_as_text_and_no_row_is_lost(
    odd: str, number: float
) -> None:
    texts = [str(row) for row in range(LONG)]
    texts[150_000] = odd
    lines = source_of(texts).content.split(b"\n")
    lines[70_000:70_000] = [b"", b""]  # blank lines are no rows
    source = Source(name="rows.csv", content=b"\n".join(lines))
    wanted = np.arange(LONG, dtype=float)
    wanted[150_000] = number
    np.testing.assert_array_equal(read(source, NUMBERS, chunk_rows=16_384), wanted)


def test_a_cell_far_down_that_is_no_number_is_named_by_its_row() -> None:
    texts = [str(row) for row in range(LONG)]
    texts[150_000] = "hot"
    assert "row 150001: expected a number, got the text 'hot'" in read(source_of(texts), NUMBERS, chunk_rows=16_384)


def test_columns_of_plain_numbers_come_as_numbers_and_all_others_as_texts() -> None:
    [table] = iter_table(source_of(["1.5", "NA"]), NUMBERS)
    assert isinstance(table, Table)
    assert [str(kind) for kind in table.data.schema.types] == ["double", "string"]
    assert table.data.column("x").to_pylist() == [1.5, None]


def test_only_features_that_are_written_as_the_file_writes_numbers_are_read_at_once() -> None:
    columns = (
        Column(name="plain", kind=Kind.NUMERIC),
        Column(name="key", kind=Kind.NUMERIC),
        Column(name="heat", kind=Kind.NUMERIC, unit="°C"),
        Column(name="price", kind=Kind.NUMERIC, decimal=","),
        Column(name="took", kind=Kind.NUMERIC, layout="duration"),
        Column(name="mode", kind=Kind.CATEGORICAL),
        Column(name="ready", kind=Kind.BOOLEAN),
    )
    assert plain_numbers(FeatureSchema(columns=columns, ids=("key",))) == {"plain"}
