"""Detecting the number format of a text file: its decimal mark and its thousands separator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.errors import Set, TableError
from models.schema.cells import SEPARATOR_VARIANTS, THOUSANDS, is_missing_text
from models.tables.read_options import ReadOptions

_MIN_NUMBER_SHARE: Final = 0.8  # of the cells of a column that must look like numbers: text is no evidence
_NUMBER_SHAPES: Final = re.compile(
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
_PLAIN_COLUMN: Final = re.compile(r"(?>(?:[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)?\n)*+")


@dataclass(slots=True)
class _Evidence:
    """An example number for each separator."""

    decimals: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[str, str] = field(default_factory=dict)


def detect_number_format(rows: Iterable[Sequence[str]], options: ReadOptions, *, delimiter: str) -> tuple[str, str]:
    """Detect decimal mark and thousands separator (empty for none); a `TableError` if there are two readings."""
    found = _evidence(rows)
    decimal = options.decimal or _decimal(found, delimiter)
    thousands = _thousands(found, decimal) if options.thousands is None else options.thousands
    if options.thousands is None and not thousands:
        _refuse_ambiguous(found, decimal, given=options.decimal is not None)
    return decimal, thousands


def _decimal(found: _Evidence, delimiter: str) -> str:
    if len(found.decimals) > 1:
        point, comma = found.decimals["."], found.decimals[","]
        problem = f"the decimal mark could be a point ({point!r}) or a comma ({comma!r}); say which: "
        raise TableError(problem, Set("decimal", "."), " or ", Set("decimal", ","))
    if "," in found.decimals and delimiter == ",":
        problem = f"{found.decimals[',']!r} could be a number with a decimal comma or a list"
        raise TableError(problem, "; say which: ", Set("decimal", ","), " or ", Set("decimal", "."))
    if found.decimals:
        return next(iter(found.decimals))
    return "," if "." in found.thousands else "."


def _thousands(found: _Evidence, decimal: str) -> str:
    separators = [separator for separator in found.thousands if separator != decimal]
    if len(found.thousands) > 1 or len(separators) < len(found.thousands):
        examples = " and ".join(map(repr, found.thousands.values()))
        problem = f"the thousands separator is not certain ({examples}, decimal mark {decimal!r})"
        others = f" or {' or '.join(map(_named, THOUSANDS[1:]))} or none."
        raise TableError(problem, "; say it: ", Set("thousands", _named(THOUSANDS[0])), others)
    return separators[0] if separators else ""


def _refuse_ambiguous(found: _Evidence, decimal: str, *, given: bool) -> None:
    """Refuse 1,234 where nothing shows whether it is a thousand; a lone 1.234 is what most programs write."""
    for mark, example in found.ambiguous.items():
        if mark == decimal and (mark == "." or given or mark in found.decimals):
            continue
        plain = example.replace(mark, "")
        problem = f"{example!r} could be {plain} or {example.replace(mark, '.')}; say which: "
        other = Set("decimal", mark) if decimal == "." else "none."
        raise TableError(problem, Set("thousands", mark), " or ", other)


def _evidence(rows: Iterable[Sequence[str]]) -> _Evidence:
    found = _Evidence()
    for column in zip(*rows, strict=False):
        of_column = _Evidence()
        if _is_plain(column):
            _add_points(column, of_column)
        else:
            present = [cell.strip() for cell in column if not is_missing_text(cell)]
            numbers = sum(_add_number(cell.strip("$€£¥% \u00a0"), of_column) for cell in present)
            if numbers < _MIN_NUMBER_SHARE * len(present):
                continue
        for mark in of_column.decimals:
            of_column.ambiguous.pop(mark, None)
        found.decimals = of_column.decimals | found.decimals
        found.thousands = of_column.thousands | found.thousands
        found.ambiguous = of_column.ambiguous | found.ambiguous
    return found


def _is_plain(column: Sequence[str]) -> bool:
    """Return True if all cells are empty, whole numbers, or numbers with a point, as most programs write them."""
    text = "\n".join([*column, ""])
    return text.count("\n") == len(column) and _PLAIN_COLUMN.fullmatch(text) is not None


def _add_points(column: Sequence[str], found: _Evidence) -> None:
    """Add the evidence of a plain column about the point, until it is certain that it is the decimal mark."""
    for cell in column:
        if "." in cell:
            _add_number(cell, found)
        if found.decimals:
            return


def _add_number(cell: str, found: _Evidence) -> bool:
    """Add the evidence of one cell; return whether it is a number."""
    shape = _NUMBER_SHAPES.fullmatch(cell if cell.isascii() else cell.translate(SEPARATOR_VARIANTS))
    if shape is None:
        return False
    if shape["whole"]:
        return True
    if mark := shape["decimal"] or shape["ending"] or shape["fraction"]:
        found.decimals.setdefault(mark, cell)
    if mark := shape["group"] or shape["spaced"] or shape["repeated"]:
        found.thousands.setdefault(mark, cell)
    if mark := shape["either"]:
        found.ambiguous.setdefault(mark, cell)
    return True


def _named(separator: str) -> str:
    return {" ": "space"}.get(separator, separator)
