"""How text files are written: what is sure is read and reported, the rest is asked with the flag that answers."""

from __future__ import annotations

import csv
import io
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.errors import TableError
from models.tables.files import iter_table, read_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table
from models.tables.text import number_format
from models.tables.text.dialect import detect_dialect
from models.tables.text.number_format import _evidence
from models.tables.text.reader import _exact_batches, _fast_batches


def read(content: str | bytes, **said: object) -> Table:
    source = Source(name="rows.csv", content=content.encode() if isinstance(content, str) else content)
    return read_table([source], ReadOptions(**said), format="csv")  # type: ignore[arg-type]


def rows(content: str | bytes, **said: object) -> dict[str, list[str]]:
    return read(content, **said).data.to_pydict()


def rows_below(count: int, row: str = "1,2\n") -> str:
    return row * count


# --- what is detected and reported ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "table", "repair"),
    [
        ("# made today\na,b\n1,2\n# done\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, "begin with '#' skipped"),
        ("a,b\n1,2\n#a remark, with a comma, \"and quotes\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, "'#' skipped"),
        ("'a','b'\n'p,5','x'\n'q,5','y'\n", {"a": ["p,5", "q,5"], "b": ["x", "y"]}, "cells stand between '"),
        ("a;b;;\n1;x;;\n2;y;;\n", {"a": ["1", "2"], "b": ["x", "y"]}, "2 empty columns at the end"),
        ("a,b\n1,2,\n3,4,\n", {"a": ["1", "3"], "b": ["2", "4"]}, "1 empty column at the end"),
        ("a,b,,\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, "2 empty columns at the end"),
        ("a,b\n\n1,2\n\n\n3,4\n\n", {"a": ["1", "3"], "b": ["2", "4"]}, "blank lines skipped"),
        (" a , b \n1,2\n", {"a": ["1"], "b": ["2"]}, ""),
        ('a, "b"\n1, "x,y"\n2, "z"\n', {"a": ["1", "2"], "b": ["x,y", "z"]}, ""),
        ("a,b\n1,2\n3,4,,,\n", {"a": ["1", "3"], "b": ["2", "4"]}, ""),
        ("a,b\r\n1,2\n3,4\r5,6", {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}, ""),
        ('a,b\n"1\n,2",3\n4,5\n', {"a": ["1\n,2", "4"], "b": ["3", "5"]}, ""),
        ("a,a,a_2,\n1,2,3,4\n", {"a": ["1"], "a_3": ["2"], "a_2": ["3"], "column_4": ["4"]}, "like another"),
        ("a,b\n", {"a": [], "b": []}, ""),
        (",b\n0,1\n1,2\n", {"column_1": ["0", "1"], "b": ["1", "2"]}, "column 1 has no name"),
        ("a\n1\n", {"a": ["1"]}, ""),
    ],
)  # fmt: skip
def test_a_dialect_is_read_and_reported(content, table, repair):
    found = read(content)
    assert found.data.to_pydict() == table
    assert repair in "; ".join(found.repairs)
    assert bool(repair) == bool(found.repairs)


@pytest.mark.parametrize(
    ("cells", "separators"),
    [
        (["1.5", "20.25"], (".", "")),
        (["1,5", "20,25"], (",", "")),
        (["1,234.5", "20.25"], (".", ",")),
        (["1.234,5", "20,25"], (",", ".")),
        (["1,234,567", "8"], (".", ",")),
        (["1.234.567", "8"], (",", ".")),
        (["1 234,5", "20,25"], (",", " ")),
        (["1\u202f234,5", "20,25"], (",", " ")),
        (["1'234.5", "20.25"], (".", "'")),
        (["1.234", "2.345"], (".", "")),
        (["1,234", "0,5"], (",", "")),
        (["€ 1,234.50", "$20.25"], (".", ",")),
        (["1,234", "text", "more", "words"], (".", "")),
        (["18.00.00", "19.00.00"], (".", "")),
        (["", "NA", "12"], (".", "")),
    ],
)
def test_the_number_format_is_detected_from_the_cells(cells, separators):
    table = read("x;y\n" + "".join(f"{cell};z{n}\n" for n, cell in enumerate(cells)))
    assert (table.decimal, table.thousands) == separators


CELL = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,4}[.,]?[0-9]{0,4}(e-?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["", "1.234", "0.5", "12.345", "1,234", "nan", "7.", ".5", "-", "$3.50", "1 234.5", "1\n2", "x"]),
)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
@example([("1\n2", "x"), ("0.5", "x")])  # a cell of two lines is no number
def test_a_column_of_plain_numbers_gives_the_same_evidence_quickly_and_cell_by_cell(cells):
    """What the quick look over a column finds is what a look at each cell does."""
    columns = list(zip(*cells, strict=True))
    quick = _evidence(columns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_format, "_is_plain", lambda column: False)
        assert quick == _evidence(columns)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_an_encoding_is_detected(encoding):
    assert rows("näme,n\nÄpfel,1\nBirnen,2\n".encode(encoding)) == {"näme": ["Äpfel", "Birnen"], "n": ["1", "2"]}


# --- what is not sure is asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "flag"),
    [
        ("a,b;c\n1,2;3\n", "--delimiter"),
        ("1,5;2,5\n3,5;4,5\n", "--delimiter"),
        ("a b\n1 2\n3 4\n", "--delimiter space"),
        ("x;y\n1,234;a\n2,345;b\n", "--thousands , or --decimal ,"),
        ("x;y\n1,5;1.234\n2,5;2.345\n", "--thousands . or none"),
        ("x;y\n1,5;2.5\n3,5;4.5\n", "--decimal . or --decimal ,"),
        ('x,y\n"1,5",a\n"2,5",b\n', "--decimal , or --decimal ."),
        ("x;y\n1,234.5;1.234,5\n", "--decimal"),
        ("x;y\n1,234,567;1'234'567\n", "--thousands"),
        ("1,2\n3,4\n", "--no-header"),
        ("2019,2020\n3,4\n", "--header"),
        ("2024-01-01,on\n2024-01-02,off\n", "--no-header"),
        ("red,round\nred,square\nblue,round\n", "--header, or --no-header"),
        ("Report,\na,b\n1,2\n", "--skip-lines 1"),
        ("Report of May,,\na,b,c\n1,2,3\n", "--skip-lines 1"),
        ("Report of May\nmade by me\na,b\n1,2\n3,4\n5,6\n", "--skip-lines 2"),
        ("#a,b\n1,2\n", "--comment '#' or --comment none"),
        ("a,b\n#1,2\n3,4\n5,6\n", "--comment '#' or --comment none"),
        (b"a,b\n\xc3\xa4,1\n\xff,2\n", "--encoding cp1252"),
        (b"a,b\n\x81\x8d,1\n", "--encoding, such as"),
        (b"a,b\n1,\0\n", "--encoding"),
        ('a,b\n1,"2\n3,4\n', "--quote none"),
        ('a,b\n1,"2"x\n3,4\n', "--quote none"),
    ],
)
def test_what_is_not_sure_is_asked_with_the_flag_that_answers(content, flag):
    with pytest.raises(TableError) as caught:
        read(content)
    assert flag in str(caught.value)
    assert str(caught.value).startswith("rows.csv: ")


@pytest.mark.parametrize(
    ("content", "said", "table"),
    [
        ("a,b;c\n1,2;3\n", {"delimiter": ";"}, {"a,b": ["1,2"], "c": ["3"]}),
        ("a  b\n1 2\n30  4\n", {"delimiter": " "}, {"a": ["1", "30"], "b": ["2", "4"]}),
        ("1,5;2,5\n3,5;4,5\n", {"header": ("x", "y")}, {"x": ["1,5", "3,5"], "y": ["2,5", "4,5"]}),
        ("1,2\n3,4\n", {"has_header": False}, {"column_1": ["1", "3"], "column_2": ["2", "4"]}),
        ("2019,2020\n3,4\n", {"has_header": True}, {"2019": ["3"], "2020": ["4"]}),
        ("a,b\n3,4\n", {"has_header": True, "header": ("x", "y")}, {"x": ["3"], "y": ["4"]}),
        ("a,b\n3,4\n", {"has_header": False, "header": ("a", "b")}, {"a": ["a", "3"], "b": ["b", "4"]}),
        ("Report,,\n\na,b,c\n1,2,3\n", {"skip_lines": 2}, {"a": ["1"], "b": ["2"], "c": ["3"]}),
        ("it's\na,b\n\"1\n2\",3\n", {"skip_lines": 1}, {"a": ["1\n2"], "b": ["3"]}),
        ("#a,b\n1,2\n", {"comment": ""}, {"#a": ["1"], "b": ["2"]}),
        ("//x\na,b\n1,2\n//y,z\n", {"comment": "//"}, {"a": ["1"], "b": ["2"]}),
        ('a,b\n1,"2\n3,4\n', {"quote": ""}, {"a": ["1", "3"], "b": ['"2', "4"]}),
        ("a,b\n1,~p,q~\n", {"quote": "~"}, {"a": ["1"], "b": ["p,q"]}),
        ("a,b\n1,2\n3\n4,5\n", {"ragged_rows": "fill"}, {"a": ["1", "3", "4"], "b": ["2", "", "5"]}),
        ("ä,b\n1,2\n".encode("cp1251", "replace"), {"encoding": "cp1251"}, {"?": ["1"], "b": ["2"]}),
    ],
)  # fmt: skip
def test_what_the_options_give_is_not_detected(content, said, table):
    assert rows(content, **said) == table


@pytest.mark.parametrize(
    ("said", "separators"),
    [({"decimal": ","}, (",", "")), ({"thousands": ","}, (".", ",")), ({"thousands": ""}, (".", ""))],
)
def test_separators_that_are_given_are_not_asked_for(said, separators):
    table = read("x;y\n1,234;a\n2,345;b\n", **said)
    assert (table.decimal, table.thousands) == separators


# --- what is wrong far down -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1\n", r"row 1,001 \(line 1,002\) has 1 cell, 2 are expected.*--ragged-rows fill"),
        ("1,2,3\n", r"row 1,001 \(line 1,002\) has 3 cells, 2 are expected"),
        ("# a remark\n", "row 1,001 .* If it is a comment, say --comment '#'"),
        ('"1,2\n', r"row 1,001 .*never closed.* --quote none"),
        ('"1"x,2\n"1\n",2\n', r"row 1,001 .*behind its closing"),
    ],
)
def test_a_row_that_is_wrong_far_down_is_named(row, complaint):
    with pytest.raises(TableError, match=complaint):
        read("a,b\n" + rows_below(1000) + row + rows_below(10))


def test_rows_above_one_that_is_wrong_are_given_once_and_in_order():
    lines = "".join(f"{n},x\n" for n in range(5000))
    source = Source(name="rows.csv", content=f'a,b\n{lines}"5000\n0",x\n5001,x,,\n'.encode())
    chunks = list(iter_table(source, chunk_rows=700))
    cells = [cell for chunk in chunks for cell in chunk.data["a"].to_pylist()]
    assert cells == [*map(str, range(5000)), "5000\n0", "5001"]


def test_a_value_below_the_empty_columns_at_the_end_is_not_lost():
    with pytest.raises(TableError, match="row 1,001 has '7' in column 3, which has no name"):
        read("a,b,\n" + rows_below(1000, "1,2,\n") + "1,2,7\n")


def test_a_byte_far_down_that_is_not_utf_8_is_refused():
    with pytest.raises(TableError, match=r"behind row .* not in the expected encoding .* --encoding"):
        read(b"a,b\n" + b"1,2\n" * 100_000 + b"\xff,2\n")


def test_utf_8_far_below_a_byte_that_is_not_is_not_read_as_latin_1():
    with pytest.raises(TableError, match="is UTF-8, but not byte 0xe9 in line 2"):
        read(b"a,b\n\xe9,2\n" + b"1,2\n" * 100_000 + "ä,2\n".encode())


def test_a_table_of_very_many_columns_has_all_their_names():
    names = [f"a_long_name_of_column_{n}" for n in range(20_000)]
    table = read(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    assert table.names == tuple(names)
    assert len(table) == 1


def test_a_cell_may_be_long():
    assert rows("a,b\n1," + "x" * 100_000 + "\n2,y\n")["b"] == ["x" * 100_000, "y"]


CELLS = st.text(string.ascii_letters + string.digits + " ;'äß-.", max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_the_fast_and_the_exact_reader_give_the_same_cells(body, line_end, everything_quoted):
    file = io.StringIO()
    quoting = csv.QUOTE_ALL if everything_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(file, lineterminator=line_end, quoting=quoting)
    writer.writerows([("a", "b", "c"), *([cell.strip() for cell in row] for row in body)])
    source = Source(name="rows.csv", content=file.getvalue().encode())
    said = ReadOptions(delimiter=",", quote='"', decimal=".", thousands="", has_header=True, encoding="utf-8")
    dialect = detect_dialect(source, said)
    fast, exact = (
        [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
        for batches in (_fast_batches(source, dialect) if body else [], _exact_batches(source, dialect, from_row=0))
    )
    assert fast == exact == [tuple(cell.strip() for cell in row) for row in body]


@given(st.text(",;\t|\"'#\n\r ab1.", max_size=60))
def test_any_text_is_a_table_or_one_error_of_ours(content):
    try:
        table = read(content)
    except TableError as error:
        assert str(error).startswith("rows.csv: ")
    else:
        assert len(set(table.names)) == len(table.names)
        assert all(table.names)
