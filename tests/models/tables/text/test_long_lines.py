"""What is detected of files with very long lines: from a sample, in linear time, and the same as from short ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TableError
from models.tables.files import iter_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.text.delimiter import detect_quote
from models.tables.text.dialect import detect_dialect

EDGE = "[,;\t|\r\n]"


def quote_by_patterns_that_go_back(text: str) -> str:
    if re.search(f'(^|{EDGE}) *"', text):
        return '"'
    opened = len(re.findall(f"(?:^|{EDGE}) *'", text))
    closed = len(re.findall(f"'(?= *(?:{EDGE}|$))", text))
    whole = len(re.findall(f"(?:^|(?<={EDGE})) *'(?:[^'\r\n]|'')*' *(?={EDGE}|$)", text))
    return "'" if opened and opened == closed == whole else '"'


@given(st.text(alphabet="''',; x\n\"", max_size=40))
def test_patterns_that_do_not_go_back_find_the_same_quote(text: str) -> None:
    assert detect_quote(text) == quote_by_patterns_that_go_back(text)


@given(
    st.lists(st.sampled_from(["'a'", "'a, b'", "'it''s'", "''", "' x '"]), min_size=1, max_size=3), st.integers(0, 40)
)
def test_the_quote_is_that_of_the_beginning_wherever_a_long_text_is_cut(cells: list[str], shift: int) -> None:
    row, start = ",".join(cells), "x" * shift + ","
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.tables.text.delimiter._QUOTE_CHARACTERS", 200)
        for text in (f"{row}\n", f"{row},"):
            assert detect_quote(start + text * 300) == "'"
        assert detect_quote((start + "don't;" + "y" * 90) * 9) == '"'


def source_of(text: str) -> Source:
    return Source(name="x.csv", content=text.encode())


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("width", [60, 400_000])
def test_a_table_is_read_the_same_however_long_its_lines_are(quote: str, width: int) -> None:
    """Of lines of 400 kB six are looked at, not twenty."""
    columns = max(2, width // 40)
    names = [f"column {index}, of many in one" for index in range(columns)]
    row = [f"{index},5 and more of it" if index else "7" for index in range(columns)]
    lines = [";".join(f"{quote}{cell}{quote}" for cell in cells) for cells in (names, *[row] * 24)]
    dialect = detect_dialect(source_of("\n".join(lines)), ReadOptions())
    assert (dialect.delimiter, dialect.quote, dialect.header.names) == (";", quote, tuple(names))


def test_two_lines_that_are_longer_than_the_sample_are_read_whole() -> None:
    names = [f"{index:05d}{'n' * 60}" for index in range(40_000)]
    text = "\n".join([",".join(names), *[",".join(["1.5"] * 40_000)] * 3])
    tables = list(iter_table(source_of(text), ReadOptions(), format="csv"))
    assert tables[0].names == tuple(names)
    assert sum(map(len, tables)) == 3


HOSTILE = {
    "a quote that is not closed": "a,b\n'" + "''" * 4_000_000 + "x\n",
    "quotes": "a,b\n" + "'" * 8_000_000 + "\n",
    "spaces": "a b\n1" + " " * 8_000_000 + "1\n",
    "a cell in quotes": "a,b\n'" + "x" * 8_000_000 + "',1\n",
    "quotes behind edges": "a,b\n" + ",'x" * 8_000 + "\n",
    "semicolons in quotes": 'a;b\n"' + ";" * 8_000_000 + '"\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_long_lines_of_marks_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(TableError) as error:
        list(iter_table(source_of(HOSTILE[name]), ReadOptions(), format="csv"))
    assert len(str(error.value)) < 300
