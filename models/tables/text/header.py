"""The header of a text file or sheet: the names of its columns, and whether its first row holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import Message, Set, TableError
from models.messages import phrase, plural
from models.schema.cells import is_missing_text
from models.schema.names import in_one_form, one_form
from models.tables.read_options import ReadOptions
from models.tables.text.delimiter import Row

_VALUE: Final = re.compile(r"[+-]?[.,]?\d[\d.,:/+\- TZ'%]*([eE][+-]?\d+)?")
_LISTED: Final = 3
_LISTED_NAMES: Final = 20
_YES, _NO, _NAMES = Set("header", True), Set("header", False), Set("column_names", like="NAME NAME …")
_MIN_ROWS_OF_A_WIDTH: Final = 2  # a single row of another length is an error in that row


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The names of columns.

    Args:
        names: All different, and none empty.
        width: Cells of a row; those beyond the names are always empty.
        first_row_is_names: Whether the first row is the header line.
        given: Whether the names replace a header line that is missing.
    """

    names: tuple[str, ...]
    width: int
    first_row_is_names: bool
    given: bool


def note_of_blank_lines(*, columns: int) -> Message:
    """Say what becomes of blank lines: in a file of one column that is how a missing value is written."""
    if columns > 1:
        return phrase("blank lines skipped")
    return phrase("blank lines are missing values, as there is one column")


def detect_header(rows: Sequence[Row], options: ReadOptions, repairs: list[str]) -> Header:
    """Detect the names of the columns from the first rows, none of them blank, and what the caller gives.

    Raises:
        TableError: The names are not certain.
    """
    first = [one_form(cell.strip()) for cell in rows[0].cells]
    body = [row.cells for row in rows[1:]]
    width = _width(rows, options)
    used = _used(first, body, width)
    cells = [*first, *[""] * used][:used]
    if options.header is None and options.has_header is None:
        _refuse_title(cells, rows)
    names, is_names, given = _names(cells, body, options, repairs)
    if used < width:
        repairs.append(
            plural(
                "{count} empty column at the end without a name dropped",
                "{count} empty columns at the end without a name dropped",
                count=width - used,
            )
        )
    return Header(names=names, width=width, first_row_is_names=is_names, given=given)


def _width(rows: Sequence[Row], options: ReadOptions) -> int:
    """Return the number of cells that rows have."""
    first = len(rows[0].cells)
    widths = [len(row.cells) for row in rows[1:]]
    usual = max(widths, key=lambda width: (widths.count(width), width), default=first)
    if options.has_header is False:
        return max(first, usual)
    if first == usual or widths.count(usual) < _MIN_ROWS_OF_A_WIDTH:
        return first
    filled = max((len(_stripped(row.cells)) for row in rows[1:] if len(row.cells) == usual), default=0)
    if first < usual and filled <= first:
        return usual  # a delimiter at the end of each row
    if first > usual >= len(_stripped(rows[0].cells)):
        return first
    if first > usual:
        problem = f"its first line names {first} columns, most rows have {usual} cells. "
        remedy = Message("; else fix the first line, or say ", Set("delimiter"), " or ", Set("quote"), ".")
        raise TableError(problem, _skip_to(rows, usual), remedy)
    problem = f"its first line has {first} cell{'s' * (first > 1)}, most have {usual}. "
    raise TableError(problem, _skip_to(rows, usual), "; if a name is missing, fix the first line.")


def _skip_to(rows: Sequence[Row], usual: int) -> Message:
    """Return the remedy for lines above the table: it begins with the first row of the usual number of cells."""
    table = next(row for row in rows[1:] if len(row.cells) == usual)
    return Message(f"If the table begins in line {table.above + 1}, say ", Set("skip_lines", table.above))


def _used(first: Sequence[str], body: Sequence[Sequence[str]], width: int) -> int:
    """Return how many columns have a name or a value."""
    return max([len(_stripped(first)), 1, *(len(_stripped(row[:width])) for row in body)])


def _stripped(cells: Sequence[str]) -> Sequence[str]:
    """Return cells without the empty ones at the end."""
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return cells[:count]


def _names(
    cells: Sequence[str],
    body: Sequence[Sequence[str]],
    options: ReadOptions,
    repairs: list[str],
) -> tuple[tuple[str, ...], bool, bool]:
    """Return the names, whether the first row holds them, and whether they replace a missing header line."""
    if options.header is not None:
        return _with_given_names(cells, options, in_one_form(options.header), repairs)
    if options.has_header is False:
        called = {"first": "column_1", "last": f"column_{len(cells)}"}
        repairs.append(phrase("no header line: columns are called {first} to {last}", **called))
        return tuple(f"column_{number}" for number in range(1, len(cells) + 1)), False, True
    if options.has_header is None:
        _refuse_no_header(cells, body)
    return _clean_names(cells, repairs), True, False


def _with_given_names(
    cells: Sequence[str], options: ReadOptions, given: tuple[str, ...], repairs: list[str]
) -> tuple[tuple[str, ...], bool, bool]:
    if options.has_header is None and len(set(cells) & set(given)) > len(cells) / 2:
        return _clean_names(cells, repairs), True, False  # names, maybe in another order: a header line
    if len(given) == len(cells):
        if options.has_header:
            repairs.append(phrase("the names of the header line are replaced by those that were given"))
            return given, True, False
        repairs.append(phrase("no header line: {names} names were given", names=len(cells)))
        return given, False, True
    if options.has_header is None and not any(_is_value(cell) for cell in cells):
        return _clean_names(cells, repairs), True, False
    if len(given) < len(cells):
        problem = f"has {len(cells)} columns, {len(given)} names were given for them. "
        missing = Set("column_names", given[:2], like="… NAME …" if len(given) > 2 else "NAME …")
        raise TableError(problem, "Add the missing names behind the others: ", missing)
    problem = f"has {len(cells)} columns and no header line, but {len(given)} names were given for them"
    raise TableError(problem, ". Give one name for each column: ", _NAMES)


def _refuse_title(cells: Sequence[str], rows: Sequence[Row]) -> None:
    """Refuse a first row that is a title, as in sheets that are made to be printed."""
    blank = sum(not cell for cell in cells)
    title = bool(cells[0]) and blank == len(cells) - 1 > 0
    if len(rows) > 1 and (title or blank > len(cells) / 2) and sum(map(bool, rows[1].cells)) > len(cells) - blank:
        problem = f"{blank} of the {len(cells)} cells of its first line are empty. "
        skip = Message("If it is a title, say ", Set("skip_lines", rows[1].above))
        raise TableError(problem, skip, "; if it is the header line, say ", _YES, "; if there is none, ", _NO, ".")


def _refuse_no_header(cells: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Refuse a first row that may not be a header line."""
    values = [cell for cell in cells if _is_value(cell)]
    if values:
        problem = f"has no header line: its first line holds numbers ({', '.join(values[:_LISTED])}). "
        name = Message(f"Name its {len(cells)} columns: ", _NAMES)
        raise TableError(problem, name, "; or say ", _NO, " to have them numbered, or ", _YES, " if these are names.")
    columns = list(zip(*body, strict=False))[: len(cells)]
    if any(any(_is_value(cell) for cell in column) for column in columns):
        return  # names above numbers: a header line
    again = next((cell for cell, column in zip(cells, columns, strict=False) if cell and cell in column), None)
    if again is not None:
        problem = f"its first line could be names or a row ({again!r} comes again below it)"
        raise TableError(problem, ". Say which: ", _YES, ", or ", _NO, ", or ", _NAMES)


def _clean_names(cells: Sequence[str], repairs: list[str]) -> tuple[str, ...]:
    """Return a name of its own for each column, in a time that grows with their number, whatever they are called."""
    names: list[str] = []
    renamed: list[str] = []
    taken, given = set(cells), set[str]()  # what no new name may be, and the names of the columns so far
    numbers: dict[str, int] = {}  # name -> the number behind it that is tried next
    for index, cell in enumerate(cells, start=1):
        name = cell
        if not cell or cell in given:
            stem = cell or f"column_{index}"
            number = numbers.get(stem, 1)
            while (name := f"{stem}_{number}" if number > 1 else stem) in taken:
                number += 1
            numbers[stem] = number + 1
            found = {"number": index, "cell": cell, "name": name}
            renamed.append(
                phrase("column {number} is called {cell!r:.60} like another: called {name!r:.60}", **found)
                if cell
                else phrase("column {number} has no name: called {name!r:.60}", **found)
            )
        taken.add(name)
        given.add(name)
        names.append(name)
    repairs += renamed[:_LISTED_NAMES]
    if len(renamed) > _LISTED_NAMES:
        more = len(renamed) - _LISTED_NAMES
        repairs.append(phrase("{more:,} more columns without a name of their own got one", more=more))
    return tuple(names)


def _is_value(text: str) -> bool:
    return not is_missing_text(text) and _VALUE.fullmatch(text.strip()) is not None
