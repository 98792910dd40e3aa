"""From lines of a text file to rows of cells: detecting quotes, comments and delimiter, and the exact row reader."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import Message, Set, TableError

DELIMITERS: Final = (",", ";", "\t", "|")
"""Characters that are tried as the delimiter; others have to be given."""

_EDGES: Final = re.escape("".join(DELIMITERS))
_QUOTE_CHARACTERS: Final = 1 << 21
_COMMENT: Final = "#"
_FEWEST_AGREE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a text file.

    Args:
        cells: Its cells, as text; none for a blank line.
        above: Number of lines of the file above it.
    """

    cells: tuple[str, ...]
    above: int


class RowReader:
    """The exact, slow reader of rows: with comments, spaces before quotes, and an error for a misplaced quote.

    Args:
        lines: The lines of the file, with their ends.
        delimiter: The character between cells; a space means one or more of them.
        quote: The character around cells, or an empty text.
        comment: Prefix of lines that are comments, or an empty text.
    """

    def __init__(self, lines: Iterable[str], *, delimiter: str, quote: str, comment: str) -> None:
        self._lines = iter(lines)
        self._comment = comment
        self._inside_row = False
        self.above = 0  # lines of the file above the next row
        self._reader = csv.reader(
            self._row_lines(),
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            skipinitialspace=True,
            strict=True,
        )

    def __iter__(self) -> Iterator[Row]:
        """Yield every row; raise `csv.Error` at a misplaced quote."""
        while True:
            self._inside_row = False
            above = self.above
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            yield Row(cells=tuple(cells), above=above)

    def _row_lines(self) -> Iterator[str]:
        for line in self._lines:
            self.above += 1
            if self._comment and not self._inside_row and line.startswith(self._comment):
                continue
            self._inside_row = True
            yield line


def lines_of(text: str) -> list[str]:
    """Split a text into lines, at any of the three line ends, which are kept."""
    return list(io.StringIO(text, newline=""))


def first_rows(lines: Sequence[str], *, delimiter: str, quote: str, comment: str, cut: bool) -> list[Row] | None:
    """Return the rows of a file's first lines, whose last may be cut off, or None where a quote is misplaced."""
    rows: list[Row] = []
    reader = RowReader(lines, delimiter=delimiter, quote=quote, comment=comment)
    try:
        for row in reader:
            rows.append(row)
    except csv.Error as error:
        if not (cut and "unexpected end" in str(error)):
            return None
    return rows


def detect_quote(text: str) -> str:
    """Detect the quote: ``'`` where cells are enclosed in it, each in one line, and none in double quotes.

    Of a long text only the beginning is looked at. No pattern goes back: each takes linear time whatever comes.
    """
    edge = f"[{_EDGES}\r\n]"
    text = _beginning(text)
    if re.search(f'(^|{edge}) *"', text):
        return '"'
    opened = len(re.findall(f"(?:^|{edge}) *'", text))
    closed = len(re.findall(f"'(?= *(?:{edge}|$))", text))
    # A cell that is only ' would open and close a quote: rows between two such cells would be lost in one long cell.
    cell = "'(?:[^'\r\n]++|'')*+'"
    whole = len(re.findall(f"(?:^|(?<={edge})) *{cell} *(?={edge}|$)", text))
    return "'" if opened and opened == closed == whole else '"'


def _beginning(text: str) -> str:
    """Return at most `_QUOTE_CHARACTERS`, up to the end of a line or, of a longer line, of a cell in quotes."""
    if len(text) <= _QUOTE_CHARACTERS:
        return text
    ends = [text.rfind(end, 0, _QUOTE_CHARACTERS) + 1 for end in "\r\n"]
    ends += [text.rfind(f"'{delimiter}", 0, _QUOTE_CHARACTERS) + 1 for delimiter in DELIMITERS] if not any(ends) else []
    return text[: max(ends) or _QUOTE_CHARACTERS]


def likely_comment(lines: Sequence[str]) -> str:
    """Return ``#`` if some lines begin with it, but not all."""
    prefixed = sum(line.startswith(_COMMENT) for line in lines)
    return _COMMENT if 0 < prefixed < len(lines) else ""


def detect_comment(likely: str, rows_of: Callable[[str], list[Row] | None]) -> str:
    """Detect the prefix of comments: lines that begin with it cannot be rows; `rows_of` gives the first rows for one.

    Raises:
        TableError: Such a line could be a row.
    """
    others = rows_of(likely)
    if not likely or not others:
        return ""
    widths = [len(row.cells) for row in others if row.cells]
    usual = max(widths, key=widths.count, default=0)
    prefixed = [row for row in rows_of("") or () if row.cells and row.cells[0].startswith(likely)]
    possible = next((row for row in prefixed if len(row.cells) == usual), None)
    if possible is None:
        return likely
    if possible.above > 0 and len(prefixed) > len(widths):
        return ""  # a column of such texts
    other = "a row" if possible.above else "the names"
    problem = f"line {possible.above + 1} begins with {likely!r} and could be a comment or {other}"
    raise TableError(problem, ". Say which: ", Set("comment", likely), " or ", Set("comment", "none"), ".")


def detect_delimiter(rows_of: Callable[[str], list[Row] | None], *, names: Sequence[str] | None) -> str:
    """Detect the delimiter: the one with which `rows_of` gives all lines the same number of cells, and more than one.

    Raises:
        TableError: More than one is possible.
    """
    shapes: dict[str, tuple[float, int]] = {}
    misplaced: list[str] = []  # with these a quote is
    for delimiter in DELIMITERS:
        rows = rows_of(delimiter)  # not held: they take as much memory as the lines
        shapes[delimiter] = _shape(rows)
        misplaced += [delimiter] * (rows is None)
    best = max(shapes, key=lambda delimiter: shapes[delimiter])
    if shapes[best][0] < _FEWEST_AGREE and misplaced:
        return misplaced[0]  # its quote is reported later
    if shapes[best] == _NO_SHAPE:
        _refuse_spaces(rows_of(" "))
        return ","  # one column
    agreed = shapes[best][0]
    rivals = [d for d in DELIMITERS if d != best and shapes[d][0] == agreed]
    if rivals and names:
        fitting = [d for d in (best, *rivals) if shapes[d][1] == len(names)]
        if len(fitting) == 1:
            return fitting[0]
    if rivals:
        problem = f"cells could be separated by {best!r} or {rivals[0]!r}"
        raise TableError(problem, "; say which: ", Set("delimiter", _word(best)), ".")
    return best


def require_delimiter(given: str, rows_of: Callable[[str], list[Row] | None]) -> None:
    """Check that a delimiter that was given stands in some line; `rows_of` gives the first rows for one.

    Raises:
        TableError: It stands in none, and another gives all lines the same number of cells.
    """
    if _shape(rows_of(given)) != _NO_SHAPE:
        return
    for other in DELIMITERS:
        rows = rows_of(other)
        agreed, cells = _shape(rows)
        if agreed == 1 and len(rows or ()) > 1:
            problem = Message(Set("delimiter", _word(given)), f": no line has {given!r} between cells, but each has ")
            raise TableError(problem, f"{cells} cells by {other!r}. Say ", Set("delimiter", _word(other)), ", or none.")


def _word(delimiter: str) -> str:
    return {"\t": "tab", " ": "space"}.get(delimiter, delimiter)


_NO_SHAPE: Final = (0.0, 0)


def _shape(rows: Sequence[Row] | None) -> tuple[float, int]:
    """Return the share of rows with the usual number of cells, and that number."""
    widths = [len(row.cells) for row in rows or () if row.cells]
    wide = [width for width in widths if width > 1]
    if not wide:
        return _NO_SHAPE
    usual = max(wide, key=lambda width: (wide.count(width), width))
    return wide.count(usual) / len(widths), usual


def _refuse_spaces(rows: Sequence[Row] | None) -> None:
    widths = {len([cell for cell in row.cells if cell]) for row in rows or () if row.cells}
    if len(widths) == 1 and max(widths) > 1 and len(rows or ()) > 1:
        problem = f"is one column of {max(widths)} words a line, or its cells are separated by spaces"
        raise TableError(problem, "; say which: ", Set("delimiter", ","), " or ", Set("delimiter", "space"), ".")
