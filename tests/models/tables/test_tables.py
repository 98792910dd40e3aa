from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import sys
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import WRITERS, arrow_table, machine_records, write_csv

from models.errors import TableError
from models.schema.cells import is_missing_text
from models.tables.decompression import COMPRESSIONS
from models.tables.files import differences, iter_table, read_table
from models.tables.formats import FORMATS
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table, table_of

RECORDS = machine_records(37, seed=3)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(table: Table) -> list[dict[str, str | None]]:
    """Return all cells as texts, None where missing, so that files with and without types compare."""
    return [
        {
            name: None
            if value is None or is_missing_text(str(value))
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for name, value in row.items()
        }
        for row in table.data.to_pylist()
    ]


# --- every reader ---------------------------------------------------------------------------------------


def test_there_are_five_formats_and_each_is_tested():
    assert list(FORMATS) == list(WRITERS)
    assert len(FORMATS) == 5


@pytest.mark.parametrize("form", FORMATS)
def test_every_reader_gives_the_rows_that_were_written(form, tmp_path):
    name, write = WRITERS[form]
    assert cells(read_table([write(tmp_path / name, RECORDS)])) == cells(Table(data=arrow_table(RECORDS)))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("chunk_rows", [1, 5, 36, 37, 38])
def test_every_reader_gives_the_same_rows_in_chunks_of_any_size(form, chunk_rows, tmp_path):
    name, write = WRITERS[form]
    path = write(tmp_path / name, RECORDS)
    chunks = list(iter_table(path, chunk_rows=chunk_rows))
    assert [row for chunk in chunks for row in cells(chunk)] == cells(read_table([path]))
    assert {len(chunk) for chunk in chunks[:-1]} <= {chunk_rows}
    assert 1 <= len(chunks[-1]) <= chunk_rows


@pytest.mark.parametrize("form", FORMATS)
def test_every_reader_takes_several_files_of_equal_columns_as_one_table(form, tmp_path):
    name, write = WRITERS[form]
    for number, part in enumerate((RECORDS[:20], RECORDS[20:])):
        write(tmp_path / f"{number}_{name}", part)
    assert cells(read_table([tmp_path / f"*_{name}"])) == cells(Table(data=arrow_table(RECORDS)))


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_told_by_its_first_bytes_whatever_the_file_is_called(form, tmp_path):
    _, write = WRITERS[form]
    assert cells(read_table([write(tmp_path / "rows.data", RECORDS)])) == cells(Table(data=arrow_table(RECORDS)))


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_a_file_without_rows_gives_one_chunk_with_its_columns(form, tmp_path):
    name, write = WRITERS[form]
    path = tmp_path / name
    if form == "csv":
        path.write_text(",".join(RECORDS[0]) + "\n")
    else:
        write(path, RECORDS)
        empty = arrow_table(RECORDS).slice(0, 0)
        (pa.parquet.write_table if form == "parquet" else pa.feather.write_feather)(empty, str(path))
    (chunk,) = iter_table(path)
    assert (len(chunk), chunk.names) == (0, tuple(RECORDS[0]))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("told", [True, False])
def test_bytes_in_memory_read_like_the_file(form, told, tmp_path):
    name, write = WRITERS[form]
    path = write(tmp_path / name, RECORDS)
    source = Source(name="request body", content=path.read_bytes())
    assert read_table([source], format=form if told else None).data.equals(read_table([path]).data)


@pytest.mark.parametrize(
    ("format", "content"),
    [("csv", b""), ("csv", b"a,b\n1,2,3\n"), ("jsonl", b'{"a": '), ("parquet", b"PAR1"), ("arrow", b"ARROW1 junk")],
)
def test_what_is_wrong_with_bytes_in_memory_is_said_of_their_name(format, content):
    with pytest.raises(TableError, match=r"^request body: "):
        read_table([Source(name="request body", content=content)], format=format)


@given(st.binary(max_size=200))
def test_a_file_of_any_bytes_is_a_table_or_our_error(content):
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "rows.csv", content)
        try:
            read_table([path])
        except TableError as error:
            assert str(path) in str(error)


# --- what is wrong with a file --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p.parquet", "a.arrow", "z.csv.gz", "j.jsonl"])
def test_the_error_of_a_library_is_the_cause_of_ours(name, tmp_path):
    starts = {"p.parquet": b"PAR1", "a.arrow": b"ARROW1", "z.csv.gz": b"\x1f\x8b\x08", "j.jsonl": b'{"a": '}
    with pytest.raises(TableError) as caught:
        read_table([written(tmp_path, name, starts[name] + b"junk junk junk")])
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", " \n\n", "the file is empty"),
        ("a.csv", codecs.BOM_UTF8, "the file is empty"),
        ("a.csv", "a,b\n1,2,3\n", r"row 1 \(line 2\) has 3 cells, 2 are expected"),
        ("a.csv", "a" * 300_000, "or is longer than 131,072 characters"),
        ("a.csv", "a;b,c\n1;2,3\n", "could be separated by ',' or ';'"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "line 2 is not an object"),
        ("a.json", "[]", "holds no record"),
        ("a.json", "[1]", "record 0 is not an object"),
        ("a.jsonl", '{"a": ' + "[" * 200_000, "recursion"),
        ("a.parquet", "a,b\n1,2\n", "is not a parquet file"),
        ("a.xlsx", "a,b\n1,2\n", "is not a xlsx file"),
        ("a.xlsx", "PK\x03\x04 [Content_Types]", "the spreadsheet is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 junk", "the spreadsheet cannot be read"),
        ("a.zip", "PK\x03\x04", "is a zip archive. Unpack it"),
        ("a.csv", "<!DOCTYPE html><p>Not found", "is a web page"),
        ("a.csv", b"Obj\x01", "is an Avro file, which is not read. Save"),
        ("a.json", '{"data": [{"a": 1}, {"a": 2}]}', r"holds 2 rows\. Save these alone.* jq -c '\.data\[\]'"),
        ("a.json", '{\n"data": [\n{"a": 1}]\n}', r"whose field 'data' holds 1 rows"),
        ("a.json", '{\n"a": 1\n}', "is one object over several lines"),
        ("a.jsonl", '{"a": 1}\n{"a": 1, "a": 2}\n', "line 2 has the key 'a' twice"),
        ("a.json", '[{"b": {"a": 1, "a": 2}}]', "has the key 'a' twice"),
        ("a.jsonl", '{"a": {"b": 1}, "a.b": 2}', r"line 1 has two fields 'a\.b', one of them inside another"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong_with_it(name, content, complaint, tmp_path):
    path = written(tmp_path, name, content)
    with pytest.raises(TableError, match=complaint) as caught:
        read_table([path])
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("given", "content", "complaint"),
    [
        (";", "a,b\n1,2\n", r"--delimiter ';': no line has ';' between cells, but each has 2 cells by ','\. Say --del"),
        ("\t", "a;b;c\n1;2;3\n", r"--delimiter tab: no line has '\\t' between cells, but each has 3 cells by ';'"),
        (" ", "a\tb\n1\t2\n", r"--delimiter space: .* 2 cells by '\\t'\. Say --delimiter tab, or none\."),
    ],
)
def test_a_delimiter_that_stands_in_no_line_is_named_with_the_one_that_does(given, content, complaint, tmp_path):
    with pytest.raises(TableError, match=complaint):
        read_table([written(tmp_path, "a.csv", content)], ReadOptions(delimiter=given))


@pytest.mark.parametrize("content", ["point\n1,2\n3,4\n", "name\nx\n", "a b\nc d\n"])
def test_a_file_of_one_column_takes_any_delimiter_that_stands_in_no_line(content, tmp_path):
    table = read_table([written(tmp_path, "a.csv", content)], ReadOptions(delimiter=";", has_header=True))
    assert len(table.names) == 1


@pytest.mark.parametrize("name", ["none.csv", "none*.csv"])
def test_a_file_that_is_not_there_is_named(name, tmp_path):
    with pytest.raises(TableError, match=r"none\*?\.csv: there is no such file"):
        read_table([tmp_path / name])


def test_a_folder_is_refused_with_a_pattern_to_use(tmp_path):
    with pytest.raises(TableError, match=r"is a folder; name the files in it, for example '.*/\*\.csv'"):
        read_table([tmp_path])


def test_files_of_other_columns_are_refused_with_the_difference(tmp_path):
    paths = [written(tmp_path, "1.csv", "a,b\n1,2\n"), written(tmp_path, "2.csv", "a,c\n1,2\n")]
    with pytest.raises(TableError, match=r"2\.csv: has other columns .*missing: 'b'; not known: 'c'"):
        read_table(paths)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_columns_of_several_files_are_put_together_by_name(ending, tmp_path):
    form = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet"}[ending]
    turned = [dict(reversed(record.items())) for record in RECORDS[20:]]
    paths = [
        WRITERS[form][1](tmp_path / f"{number}.{ending}", part) for number, part in enumerate((RECORDS[:20], turned))
    ]
    assert cells(read_table(paths)) == cells(Table(data=arrow_table(RECORDS)))


def test_rows_without_any_value_stay_and_are_counted(tmp_path):
    table = read_table([written(tmp_path, "1.csv", "a;b\n1;x\n ;\n2;\n;\n;\n")])
    assert len(table) == 5
    assert "3 rows hold no value at all" in table.repairs


def test_a_file_that_is_named_twice_is_refused(tmp_path):
    path = written(tmp_path, "1.csv", "a,b\n1,2\n")
    with pytest.raises(TableError, match=r"1\.csv: is named twice"):
        read_table([path, tmp_path / "*.csv"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TableError, match="is no file but a pipe"):
        read_table([tmp_path / "pipe"])


def test_files_that_write_numbers_in_different_ways_are_refused(tmp_path):
    paths = [written(tmp_path, "1.csv", "a;b\n1.234,5;x\n"), written(tmp_path, "2.csv", "a;b\n1,234.5;x\n")]
    with pytest.raises(TableError, match=r"different ways.* say --decimal and --thousands"):
        read_table(paths)


def test_files_whose_types_cannot_stand_together_are_refused(tmp_path):
    paths = [written(tmp_path, "1.jsonl", '{"a": 1}'), written(tmp_path, "2.jsonl", '{"a": "x"}')]
    with pytest.raises(TableError, match="column 'a' holds int64 in one file, string in another"):
        read_table(paths)


@pytest.mark.parametrize("delimiter", [";;", "§", "\n", "\r", '"'])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter, tmp_path):
    with pytest.raises(TableError, match="delimiter"):
        read_table([written(tmp_path, "a.csv", "a,b\n1,2\n")], ReadOptions(delimiter=delimiter))


@pytest.mark.parametrize(
    ("encoding", "complaint"), [("nope", "there is no encoding 'nope'"), ("utf-8", "not in the expected encoding")]
)
def test_an_encoding_that_does_not_fit_is_refused(encoding, complaint, tmp_path):
    path = written(tmp_path, "a.csv", "a,b\n1,\xe9\n".encode("latin-1"))
    with pytest.raises(TableError, match=complaint):
        read_table([path], ReadOptions(encoding=encoding))


# --- what is repaired -----------------------------------------------------------------------------------


def test_the_byte_order_mark_does_not_stick_to_the_first_name_and_decimal_commas_are_seen(cases):
    """Case 27, a mark and decimal commas."""
    table = read_table([cases / "27_bom_decimal_comma.csv"])
    assert table.names == ("id", "x")
    assert table.data.column("x").to_pylist() == ["2,5", "-0,75", "10", ""]
    assert table.decimal == ","
    assert table.repairs == ("byte-order mark removed (utf-8)", "cells are separated by ';'", "decimal comma")


def test_the_byte_order_mark_does_not_hide_the_quotes_of_the_first_name(cases):
    """Case 27, a mark before a quoted header."""
    table = read_table([cases / "27_bom_quoted_header.csv"])
    assert table.data.to_pydict() == {"id": ["1", "2"], "x": ["2.5", "-0.75"]}
    assert table.decimal == "."
    assert table.repairs == ("byte-order mark removed (utf-8)",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_mark_is_removed_where_the_encoding_is_given_too(encoding, tmp_path):
    path = written(tmp_path, "a.csv", codecs.BOM_UTF8 + b"a,b\n1,2\n")
    assert read_table([path], ReadOptions(encoding=encoding)).names == ("a", "b")


def test_utf_16_and_latin_1_are_read_and_reported(tmp_path):
    wide = read_table([written(tmp_path, "w.csv", "name;n\nä;1\n".encode("utf-16"))])
    old = read_table([written(tmp_path, "o.csv", "name;n\nä;1\n".encode("latin-1"))])
    assert wide.data.to_pydict() == old.data.to_pydict() == {"name": ["ä"], "n": ["1"]}
    assert "byte-order mark removed (utf-16)" in wide.repairs
    assert any("Latin-1" in repair for repair in old.repairs)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter, tmp_path):
    table = read_table([write_csv(tmp_path / "a.txt", RECORDS, delimiter=delimiter)])
    assert cells(table) == cells(Table(data=arrow_table(RECORDS)))


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("\n\r\n\na,b\n1,2\n", ("a", "b"), 1),
        ('"a\nx",b\n1,2\n', ("a\nx", "b"), 1),
        ("a,b\r1,2\r3,4\r", ("a", "b"), 2),
        ('a,b\n"1\n2",3\n', ("a", "b"), 1),
        ("a\n1\n2\n", ("a",), 2),
        ("a,b\n1,2", ("a", "b"), 1),
    ],
    ids=[
        "blank lines first",
        "newline in a name",
        "old Mac lines",
        "newline in a cell",
        "one column",
        "no last newline",
    ],
)
def test_the_header_line_is_never_a_row(content, names, rows, tmp_path):
    table = read_table([written(tmp_path, "a.csv", content)])
    assert (table.names, len(table)) == (names, rows)


def test_duplicate_and_empty_names_get_fixed_ones_and_are_reported(tmp_path):
    table = read_table([written(tmp_path, "a.csv", "a,a,,a\nw,x,y,z\n")])
    assert table.names == ("a", "a_2", "column_3", "a_3")
    assert len(table.repairs) == 3


def test_a_file_without_a_header_line_asks_for_names(tmp_path):
    with pytest.raises(TableError, match=r"no header line: its first line holds numbers \(1, 2\.5\)\. Name its 3 colu"):
        read_table([written(tmp_path, "a.csv", "1,2.5,x\n3,4,y\n")])


def test_names_that_are_given_stand_for_a_missing_header_line(tmp_path):
    path = written(tmp_path, "a.csv", "1,x\n3,y\n")
    table = read_table([path], ReadOptions(header=("n", "c")))
    assert table.data.to_pydict() == {"n": ["1", "3"], "c": ["x", "y"]}
    assert table.header == ("n", "c")


def test_given_names_are_not_needed_where_a_header_line_has_them_in_another_order(tmp_path):
    table = read_table([written(tmp_path, "a.csv", "c,n\nx,1\n")], ReadOptions(header=("n", "c")))
    assert (table.data.to_pydict(), table.header) == ({"c": ["x"], "n": ["1"]}, None)


@pytest.mark.parametrize(("names", "complaint"), [(("n",), "Add the missing names"), (("n", "c", "d"), "one name for")])
def test_too_few_or_too_many_names_are_refused_with_both_numbers(names, complaint, tmp_path):
    with pytest.raises(TableError, match=f"has 2 columns.* {len(names)} names were given .*{complaint}"):
        read_table([written(tmp_path, "a.csv", "1,2\n3,4\n")], ReadOptions(header=names))


def packed(content: bytes, compression: str) -> bytes:
    if compression in ("gzip", "bz2", "xz"):
        return {"gzip": gzip, "bz2": bz2, "xz": lzma}[compression].compress(content)
    return bytes(pa.compress(content, compression, asbytes=True))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_file_of_any_name_reads_like_the_plain_one(form, compression, tmp_path):
    name, write = WRITERS[form]
    plain = write(tmp_path / name, RECORDS)
    small = written(tmp_path, "rows.data", packed(plain.read_bytes(), compression))
    assert cells(read_table([small])) == cells(read_table([plain]))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_file_that_is_cut_is_refused(form, compression, tmp_path):
    name, write = WRITERS[form]
    small = packed(write(tmp_path / name, RECORDS).read_bytes(), compression)
    with pytest.raises(TableError, match=r"rows\.data: .* is cut or damaged"):
        read_table([written(tmp_path, "rows.data", small[: len(small) // 2])])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_no_more_is_decompressed_than_the_caller_allows(form, compression, tmp_path):
    name, write = WRITERS[form]
    plain = write(tmp_path / name, machine_records(3000, seed=1)).read_bytes()
    small = packed(plain, compression)
    read_table([Source(name="request body", content=small, max_bytes=10 * len(plain))])
    with pytest.raises(TableError, match=r"request body: decompresses to .*5,000 (bytes that )?are allowed"):
        read_table([Source(name="request body", content=small, max_bytes=5000)])


def test_a_field_that_some_records_lack_is_missing_there_and_reported(tmp_path):
    table = read_table([written(tmp_path, "a.jsonl", '{"a": 1, "b": 2}\n{"a": 3}\n')])
    assert table.data.to_pydict() == {"a": [1, 3], "b": [2, None]}
    assert table.repairs == ("'b' is absent from 1 of 2 records: read as missing",)


def test_a_json_list_reads_like_json_lines(tmp_path):
    written(tmp_path, "a.jsonl", "".join(json.dumps(record) + "\n" for record in RECORDS))
    written(tmp_path, "b.json", json.dumps(RECORDS, indent=1))
    assert read_table([tmp_path / "a.jsonl"]).data.equals(read_table([tmp_path / "b.json"]).data)


def test_nested_objects_are_columns_with_dotted_names_and_lists_stay_lists(tmp_path):
    lines = ['{"a": {"b": 1, "c": {"d": "x"}}, "l": [1, 2]}', '{"a": {"b": 2, "c": null}, "l": []}', '{"a": null}']
    table = read_table([written(tmp_path, "a.jsonl", "\n".join(lines))])
    assert table.data.to_pydict() == {
        "a.b": [1, 2, None],
        "a.c.d": ["x", None, None],
        "l": [[1, 2], [], None],
    }  # an object that is null is no column of its own: its fields are null


def test_a_text_that_looks_like_a_key_is_no_key_twice(tmp_path):
    assert read_table([written(tmp_path, "a.jsonl", '{"a": "\\"a\\": 1", "b": {"a": 2}}')]).names == ("a", "b.a")


def test_a_list_among_other_values_makes_a_column_of_lists(tmp_path):
    table = read_table([written(tmp_path, "a.jsonl", '{"a": [1]}\n{"a": "x"}\n{"a": null}\n')])
    assert pa.types.is_list(table.data.schema.field("a").type)


def test_of_many_fields_that_some_records_lack_the_first_are_listed(tmp_path):
    lines = [json.dumps({"x": 1, f"f{n}": n}) for n in range(50)]
    repairs = read_table([written(tmp_path, "a.jsonl", "\n".join(lines))]).repairs
    assert len(repairs) == 21
    assert repairs[-1] == "30 more fields are absent from some records: read as missing"


def test_numbers_among_texts_are_the_categories_that_they_are_in_records(tmp_path):
    table = read_table([written(tmp_path, "a.jsonl", '{"a": 3.0}\n{"a": "x"}\n{"a": 3}\n{"a": true}\n{"a": null}\n')])
    assert table.data.column("a").to_pylist() == ["3", "x", "3", "true", None]


# --- spreadsheets ---------------------------------------------------------------------------------------


def workbook(folder: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


def test_a_sheet_keeps_the_types_of_its_cells(tmp_path):
    day = datetime(2024, 1, 2, 3, 4, 5)
    rows = [
        ["n", "t", "b", "d", "mixed"],
        [1.5, "x", True, day, 3.0],
        [None, "", False, None, "x"],
        [2, "y", None, day],
    ]
    table = read_table([workbook(tmp_path, one=rows)])
    assert table.data.to_pydict() == {
        "n": [1.5, None, 2.0],
        "t": ["x", None, "y"],
        "b": [True, False, None],
        "d": [day, None, day],
        "mixed": ["3", "x", None],
    }


def test_the_only_sheet_with_something_in_it_is_read(tmp_path):
    table = read_table([workbook(tmp_path, empty=[], full=[["a"], [1]])])
    assert table.data.to_pydict() == {"a": [1.0]}
    assert table.repairs == ("sheet 'full' read, the others are empty",)


def test_of_several_sheets_one_is_asked_for(tmp_path):
    path = workbook(tmp_path, May=[["a"], [1]], June=[["a"], [2]])
    with pytest.raises(TableError, match=r"several sheets .* --sheet May or --sheet June"):
        read_table([path])
    assert read_table([path], ReadOptions(sheet="June")).data.to_pydict() == {"a": [2.0]}
    with pytest.raises(TableError, match=r"has no sheet 'July'\. Its sheets are 'May', 'June'"):
        read_table([path], ReadOptions(sheet="July"))


def test_rows_above_the_table_and_a_missing_header_line_are_said(tmp_path):
    path = workbook(tmp_path, one=[["Report"], [], [1, 2], [3, 4]])
    with pytest.raises(TableError, match="--skip-lines 2"):
        read_table([path])
    table = read_table([path], ReadOptions(skip_lines=2, header=("a", "b")))
    assert table.data.to_pydict() == {"a": [1, 3], "b": [2, 4]}
    assert table.header == ("a", "b")


def test_an_archive_that_grows_beyond_the_limit_is_refused(tmp_path):
    path = workbook(tmp_path, one=[["a"], *([n] for n in range(2000))])
    with pytest.raises(TableError, match="10,000 are allowed"):
        read_table([Source(name="request body", content=path.read_bytes(), max_bytes=10_000)])


def test_without_its_package_a_spreadsheet_is_refused_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(TableError, match=r"pip install '\.\[excel\]'"):
        read_table([workbook(tmp_path, one=[["a"], [1]])])


# --- types ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "stream", "parquet"])
@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("1.50"), None]),
        pa.array([Decimal("1.50"), None], pa.decimal256(50, 2)),
        pa.array([1, None], pa.duration("ms")),
        pa.array([b"a", None]),
        pa.array([b"aa", None], pa.binary(2)),
        pa.array([[1], None]),
        pa.array(["a", None]).dictionary_encode(),
        pa.array(["a", None], pa.large_string()),
        pa.array([2**63 + 1, None], pa.uint64()),
        pa.array([np.float16(1.5), None], pa.float16()),
        pa.array([1, None], pa.time32("ms")),
        pa.array([1, None], pa.time64("ns")),
        pa.array([date(2024, 1, 1), None]),
        pa.array([1, None], pa.timestamp("ns", "Europe/Berlin")),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        pa.nulls(2),
    ],
    ids=lambda column: str(column.type),
)
def test_values_of_any_type_come_as_they_are(form, column, tmp_path):
    table, path = pa.table({"x": column}), tmp_path / "rows.data"
    if form == "parquet":
        pa.parquet.write_table(table, path)
    else:
        with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(str(path), table.schema) as writer:
            writer.write_table(table)
    found = read_table([path]).data
    assert found["x"].to_pylist() == table["x"].to_pylist()
    assert found.schema.field("x").type.id == column.type.id


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array(["a", None], pa.string_view()), pa.large_string()),
        (pa.array([b"a", None], pa.binary_view()), pa.large_binary()),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1.5])), pa.float64()),
        (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, None], pa.binary(16))), pa.binary(16)),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_what_only_says_how_values_are_stored_is_taken_off(column, kind):
    assert table_of(pa.table({"x": column})).data.schema.field("x").type == kind


def test_nested_columns_get_dotted_names_as_in_json(tmp_path):
    records = [{"a": {"b": 1, "c": {"d": "x"}}}, {"a": None}]
    pa.parquet.write_table(pa.Table.from_pylist(records), tmp_path / "a.parquet")
    assert read_table([tmp_path / "a.parquet"]).data.to_pydict() == {"a.b": [1, None], "a.c.d": ["x", None]}


def test_a_nested_column_with_the_name_of_another_is_refused():
    data = pa.table({"a": pa.array([{"b": 1}]), "a.b": [2]})
    with pytest.raises(TableError, match=r"Two fields are called 'a\.b', one of them inside another"):
        table_of(data)


@pytest.mark.parametrize("open_writer", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_an_arrow_body_that_grows_beyond_the_limit_is_refused_before_it_grows(open_writer, compression, dictionary):
    cells = pa.array(["a" * 1000] * 5000)
    column = cells.dictionary_encode() if dictionary else cells
    table, file = pa.table({"x": column, "n": pa.array(range(5000))}), io.BytesIO()
    with open_writer(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    assert len(file.getvalue()) < 100_000
    source = Source(name="request body", content=file.getvalue(), max_bytes=6_000_000)
    assert len(read_table([source])) == 5000
    before = pa.total_allocated_bytes()
    with pytest.raises(TableError, match=r"request body: decompresses to .* are allowed"):
        next(iter_table(Source(name="request body", content=file.getvalue(), max_bytes=20_000)))
    assert pa.total_allocated_bytes() - before < 100_000


def test_offsets_that_lead_out_of_an_arrow_file_are_refused(tmp_path):
    path = WRITERS["arrow"][1](tmp_path / "a.arrow", [{"a": "one"}, {"a": "two"}])
    content = path.read_bytes()
    offsets = np.array([0, 3, 6], np.int32).tobytes()
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, np.array([0, 3, 1 << 30], np.int32).tobytes()))
    with pytest.raises(TableError, match=r"a\.arrow: cannot be read: .*offset"):
        read_table([path])


# --- data frames ----------------------------------------------------------------------------------------


def test_a_data_frame_is_a_table():
    frame = pd.DataFrame({"x": [1.5, np.nan], "c": ["a", None]}, index=[7, 9])
    assert table_of(frame).data.to_pydict() == {"x": [1.5, None], "c": ["a", None]}


def test_a_data_frame_whose_column_mixes_types_is_refused():
    with pytest.raises(TableError, match=r"Column .x. of the data frame .*Give it one: "):
        table_of(pd.DataFrame({"x": [1.5, "a", object()]}))


@pytest.mark.parametrize(
    ("expected", "got", "phrase"),
    [
        ("ab", "ba", "the columns stand in another order"),
        ("ab", "a", "missing: 'b'"),
        ("a", "ab", "not known: 'b'"),
        ("ab", "ac", "missing: 'b'; not known: 'c'"),
    ],
)
def test_the_difference_of_two_lists_of_columns_is_one_phrase(expected, got, phrase):
    assert differences(expected, got) == phrase


def test_a_decimal_comma_in_a_later_file_is_read_as_one(tmp_path):
    whole = written(tmp_path, "a.csv", "x;y\n1;2\n3;4\n")
    fractions = written(tmp_path, "b.csv", "x;y\n1,5;2,5\n")
    assert read_table([whole, fractions]).decimal == ","


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.txt"])
@pytest.mark.parametrize("as_list", [True, False])
def test_json_in_utf_16_is_read(encoding, name, as_list, tmp_path):
    """Case 42 of the second collection: what Windows PowerShell writes."""
    records = [{"temp": row + 0.5, "ort": "Köln 東京"} for row in range(5000)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    text = f"[{', '.join(lines)}]" if as_list else "\r\n".join(lines)
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    table = read_table([path])
    assert table.data.to_pylist() == records
    assert table.repairs == (f"read as {encoding}",)
