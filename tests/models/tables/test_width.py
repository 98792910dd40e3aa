"""How wide a table may be, and that its names take a time that grows with their number alone."""

from __future__ import annotations

import pytest
from samples import WRITERS

from models.errors import TableError, TooLargeError
from models.tables.files import differences, read_table
from models.tables.source import MAX_COLUMNS, Source

RECORDS = [{f"c{number}": number for number in range(30)}]


def read(content: str, **limits):
    return read_table([Source(name="wide.csv", content=content.encode(), **limits)])


@pytest.mark.parametrize("form", WRITERS)
def test_a_table_of_more_columns_than_are_allowed_is_refused_with_both_numbers(form, tmp_path):
    name, write = WRITERS[form]
    content = write(tmp_path / name, RECORDS).read_bytes()
    assert len(read_table([Source(name=name, content=content, max_columns=30)]).names) == 30
    with pytest.raises(TooLargeError, match="has 30 columns or more, 29 are allowed"):
        read_table([Source(name=name, content=content, max_columns=29)])


@pytest.mark.parametrize("line", ['"",', ",", "a,", "1,"])
def test_a_header_line_of_very_many_cells_is_refused_before_names_are_made(line):
    with pytest.raises(TableError):
        read(line * 400_000)


@pytest.mark.parametrize("line_end", ["\n", "\n" + "1," * 20_000 + "1\n"])
def test_very_many_equal_names_become_different_ones_in_order(line_end):
    table = read("a," * 20_000 + "a" + line_end)
    assert table.names == ("a", *(f"a_{number}" for number in range(2, 20_002)))
    assert table.repairs[0] == "column 2 is called 'a' like another: called 'a_2'"
    assert table.repairs[-1] == "19,980 more columns without a name of their own got one"


def test_a_name_that_is_made_up_is_none_of_the_header_line():
    names = read("a,a,a_2,,column_4,a,a_3\n1,2,3,4,5,6,7\n").names
    assert names == ("a", "a_4", "a_2", "column_4_2", "column_4", "a_5", "a_3")


def test_empty_columns_behind_a_very_long_name_take_no_more_memory_than_others():
    assert read("x" * 100_000 + "," * 10_000 + "\n" + "1" + "," * 10_000 + "\n").names == ("x" * 100_000,)


def test_records_with_a_field_of_their_own_each_are_refused():
    with pytest.raises(TableError, match="do values stand in the place of names"):
        read("".join(f'{{"k{number}":1}}\n' for number in range(5_000)))


def test_records_of_more_fields_than_are_allowed_are_refused():
    record = ",".join(f'"k{number}":1' for number in range(MAX_COLUMNS + 1))
    with pytest.raises(TooLargeError, match="50,001 columns or more, 50,000 are allowed"):
        read(f"{{{record}}}\n")


def test_of_many_differences_the_first_are_listed():
    phrase = differences(["a"], (f"c{number}" for number in range(100_000)))
    assert phrase.startswith("missing: 'a'; not known: 'c0', 'c1'")
    assert phrase.endswith("'c19' and 99,980 more")
