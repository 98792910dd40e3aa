"""Which decimal mark the numbers of a text file have, and which mark between thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.errors import Set, TableError
from models.schema.cells import SEPARATOR_VARIANTS, THOUSANDS, is_missing_text
from models.tables.read_options import ReadOptions
from models.tables.source import Source

_NUMBERS_OF_A_COLUMN: Final = 0.8  # the share of cells that must look like numbers: text is no evidence
_FORMS: Final = re.compile(
    r"""[+-]?(?:
        (?P<whole>\d+(?:[eE][+-]?\d+)?)
      | (?P<ambiguous>[1-9]\d{0,2}(?P<either>[.,])\d{3})
      | \d*(?P<decimal>[.,])\d+(?:[eE][+-]?\d+)?
      | \d+(?P<ending>\.)(?:[eE][+-]?\d+)?
      | \d{1,3}(?P<group>[., '])\d{3}(?:(?P=group)\d{3})*(?P<fraction>(?!(?P=group))[.,])\d*
      | [1-9]\d{0,2}(?P<spaced>[ '])\d{3}(?:(?P=spaced)\d{3})*
      | [1-9]\d{0,2}(?P<repeated>[.,])\d{3}(?:(?P=repeated)\d{3})+
    )""",
    re.VERBOSE,
)
_POINTS: Final = re.compile(r"(?>(?:[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)?\n)*+")


@dataclass(slots=True)
class _Evidence:
    """For each mark a number that shows it."""

    decimals: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    either: dict[str, str] = field(default_factory=dict)


def detect_marks(
    source: Source, rows: Iterable[Sequence[str]], options: ReadOptions, *, delimiter: str
) -> tuple[str, str]:
    """Tell the decimal mark and the mark between thousands (empty where there is none).

    Args:
        source: The file, for errors.
        rows: Its first rows, without the header line.
        options: What is said is taken.
        delimiter: The character between cells.

    Raises:
        TableError: The numbers can be read in two ways.
    """
    found = _evidence(rows)
    decimal = options.decimal or _decimal(source, found, delimiter)
    thousands = _thousands(source, found, decimal) if options.thousands is None else options.thousands
    if options.thousands is None and not thousands:
        _refuse_either(source, found, decimal, said=options.decimal is not None)
    return decimal, thousands


def _decimal(source: Source, found: _Evidence, delimiter: str) -> str:
    if len(found.decimals) > 1:
        point, comma = found.decimals["."], found.decimals[","]
        problem = f"{source.name}: the decimal mark could be a point ({point!r}) or a comma ({comma!r}); say which: "
        raise TableError(problem, Set("decimal", "."), " or ", Set("decimal", ","))
    if "," in found.decimals and delimiter == ",":
        problem = f"{source.name}: {found.decimals[',']!r} could be a number with a decimal comma or a list"
        raise TableError(problem, "; say which: ", Set("decimal", ","), " or ", Set("decimal", "."))
    if found.decimals:
        return next(iter(found.decimals))
    return "," if "." in found.thousands else "."


def _thousands(source: Source, found: _Evidence, decimal: str) -> str:
    marks = [mark for mark in found.thousands if mark != decimal]
    if len(found.thousands) > 1 or len(marks) < len(found.thousands):
        examples = " and ".join(map(repr, found.thousands.values()))
        problem = f"{source.name}: the mark between thousands cannot be told ({examples}, decimal mark {decimal!r})"
        others = f" or {' or '.join(map(_named, THOUSANDS[1:]))} or none."
        raise TableError(problem, "; say it: ", Set("thousands", _named(THOUSANDS[0])), others)
    return marks[0] if marks else ""


def _refuse_either(source: Source, found: _Evidence, decimal: str, *, said: bool) -> None:
    """Stop at 1,234 where nothing says whether it is a thousand; a lone 1.234 is what most programs write."""
    for mark, example in found.either.items():
        if mark == decimal and (mark == "." or said or mark in found.decimals):
            continue
        plain = example.replace(mark, "")
        problem = f"{source.name}: {example!r} could be {plain} or {example.replace(mark, '.')}; say which: "
        other = Set("decimal", mark) if decimal == "." else "none."
        raise TableError(problem, Set("thousands", mark), " or ", other)


def _evidence(rows: Iterable[Sequence[str]]) -> _Evidence:
    found = _Evidence()
    for column in zip(*rows, strict=False):
        of_column = _Evidence()
        if _is_plain(column):
            _look_at_points(column, of_column)
        else:
            present = [cell.strip() for cell in column if not is_missing_text(cell)]
            numbers = sum(_look_at(cell.strip("$€£¥% \u00a0"), of_column) for cell in present)
            if numbers < _NUMBERS_OF_A_COLUMN * len(present):
                continue
        for mark in of_column.decimals:
            of_column.either.pop(mark, None)
        found.decimals = of_column.decimals | found.decimals
        found.thousands = of_column.thousands | found.thousands
        found.either = of_column.either | found.either
    return found


def _is_plain(column: Sequence[str]) -> bool:
    """Say whether all cells are empty or what most programs write: whole numbers, or numbers with a point."""
    text = "\n".join([*column, ""])
    return text.count("\n") == len(column) and _POINTS.fullmatch(text) is not None


def _look_at_points(column: Sequence[str], found: _Evidence) -> None:
    """Take what the cells of a plain column say about the point: nothing more, once it is a decimal mark for sure."""
    for cell in column:
        if "." in cell:
            _look_at(cell, found)
        if found.decimals:
            return


def _look_at(cell: str, found: _Evidence) -> bool:
    """Take what one cell says about marks; return whether it is a number."""
    form = _FORMS.fullmatch(cell if cell.isascii() else cell.translate(SEPARATOR_VARIANTS))
    if form is None:
        return False
    if form["whole"]:
        return True
    if mark := form["decimal"] or form["ending"] or form["fraction"]:
        found.decimals.setdefault(mark, cell)
    if mark := form["group"] or form["spaced"] or form["repeated"]:
        found.thousands.setdefault(mark, cell)
    if mark := form["either"]:
        found.either.setdefault(mark, cell)
    return True


def _named(mark: str) -> str:
    return {" ": "space"}.get(mark, mark)
