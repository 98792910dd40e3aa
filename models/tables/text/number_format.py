"""Detecting the number format of texts, in files and in tables: decimal mark and thousands separator."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final

from models.errors import Message, Set, TableError, joined, quoted
from models.messages import phrase
from models.schema.cells import is_missing_text
from models.schema.numbers import SEPARATOR_VARIANTS, code_reason, is_address, with_sign_in_front
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
_IN_ONE_WAY: Final = "write them in one way, or say which: "
_PLAIN_COLUMN: Final = re.compile(r"(?>(?:[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)?\n)*+")


@dataclass(slots=True)
class _Evidence:
    """An example number for each separator."""

    decimals: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[str, str] = field(default_factory=dict)
    in_whole: dict[str, str] = field(default_factory=dict)  # ambiguous ones of columns that held whole numbers
    places: dict[str, str] = field(default_factory=dict)  # the column of an example

    def shown(self, example: str) -> str:
        """Return an example and its column, as a message shows them."""
        return quoted(example) + (f" in column {self.places[example]!r}" if example in self.places else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How the numbers of a table are written as text.

    Args:
        decimal: The decimal mark.
        thousands: The thousands separator, empty for none.
        doubtful: A number that is read with a decimal mark and could be one with a thousands separator, or None.
    """

    decimal: str
    thousands: str
    doubtful: str | None = None

    @property
    def reports(self) -> list[str]:
        """One line for each thing that was detected."""
        found: list[str] = []
        if self.decimal == ",":
            found.append(phrase("decimal comma"))
        if self.thousands:
            found.append(phrase("thousands separator {separator!r}", separator=self.thousands))
        if self.doubtful is not None:
            found.append(
                phrase(
                    "{text!r} read as {number}; if the mark stands between thousands: {setting}",
                    text=self.doubtful,
                    number=self.doubtful.replace(self.decimal, "."),
                    setting=Set("thousands", self.decimal),
                )
            )
        return found


def detect_number_format(
    columns: Iterable[Sequence[str]], options: ReadOptions, *, names: Sequence[str] = (), delimiter: str = ""
) -> NumberFormat:
    """Detect decimal mark and thousands separator of columns of texts, in the cells of which both may be.

    What could be read in two ways is read as `ReadOptions.learned` says, where nothing in the columns contradicts.

    Raises:
        TableError: There are two readings.
    """
    found = _evidence(columns, names, whole=options.whole)
    detected = _detected(found, options, delimiter)
    example = found.in_whole.get(detected.decimal)
    if example is not None and options.decimal is None and options.thousands is None:
        why = ", and the detector learned whole numbers there"
        raise _two_readings(found, example, detected.decimal, "none", why=why)
    return detected


def _detected(found: _Evidence, options: ReadOptions, delimiter: str) -> NumberFormat:
    decimal, thousands = options.learned
    if options.thousands is None and options.decimal in (None, decimal) and _fits(found, decimal, thousands):
        doubtful = None if thousands or "." in found.decimals else found.ambiguous.get(".")
        return NumberFormat(decimal=decimal, thousands=thousands, doubtful=doubtful if decimal == "." else None)
    decimal = options.decimal or ("," if options.thousands == "." else _decimal(found, delimiter))
    if options.thousands is not None:
        return NumberFormat(decimal=decimal, thousands=options.thousands)
    thousands = _thousands(found, decimal)
    if not thousands:
        _refuse_ambiguous(found, decimal, options)
    return NumberFormat(decimal=decimal, thousands=thousands)


def _fits(found: _Evidence, decimal: str, thousands: str) -> bool:
    """Return True if all numbers can be written with these marks."""
    clear = found.decimals.keys() <= {decimal} and found.thousands.keys() <= {thousands}
    return clear and found.ambiguous.keys() <= {decimal, thousands}


def _decimal(found: _Evidence, delimiter: str) -> str:
    if len(found.decimals) > 1:
        point, comma = (found.shown(found.decimals[mark]) for mark in ".,")
        problem = f"the decimal mark could be a point ({point}) or a comma ({comma}); {_IN_ONE_WAY}"
        raise TableError(problem, Set("decimal", "."), " or ", Set("decimal", ","))
    if "," in found.decimals and delimiter == ",":
        problem = f"{found.shown(found.decimals[','])} could be a number with a decimal comma or a list"
        raise TableError(problem, "; say which: ", Set("decimal", ","), " or ", Set("decimal", "."))
    if found.decimals:
        return next(iter(found.decimals))
    return "," if "." in found.thousands else "."


def _thousands(found: _Evidence, decimal: str) -> str:
    separators = [separator for separator in found.thousands if separator != decimal]
    if len(found.thousands) > 1 or len(separators) < len(found.thousands):
        examples = " and ".join(map(found.shown, found.thousands.values()))
        problem = f"the thousands separator is not certain ({examples}, decimal mark {decimal!r}); {_IN_ONE_WAY}"
        ways = [Message(Set("thousands", _named(mark))) for mark in (*separators, "none")]
        raise TableError(problem, joined(ways, by=" or "))
    return separators[0] if separators else ""


def _refuse_ambiguous(found: _Evidence, decimal: str, options: ReadOptions) -> None:
    """Refuse 1,234 where nothing shows whether it is a thousand; a lone 1.234 is what most programs write.

    A mark that stood between thousands in learning is a decimal mark only where its own column shows it.
    """
    learned_decimal, learned_thousands = options.learned
    for mark, example in found.ambiguous.items():
        shown = mark == learned_decimal or mark in found.decimals
        if mark == decimal and (options.decimal is not None or (shown and mark != learned_thousands)):
            continue
        raise _two_readings(found, example, mark, Set("decimal", mark) if decimal == "." else "none")


def _two_readings(found: _Evidence, example: str, mark: str, other: str | Set, *, why: str = "") -> TableError:
    """Return the error for a number in which a mark may stand before decimals or between thousands."""
    where = f"column {found.places[example]!r}: " if example in found.places else ""
    readings = f"{quoted(example)} could be {example.replace(mark, '')} or {example.replace(mark, '.')}"
    return TableError(f"{where}{readings}{why}; say which: ", Set("thousands", mark), " or ", other)


def _evidence(columns: Iterable[Sequence[str]], names: Sequence[str] = (), *, whole: Collection[str] = ()) -> _Evidence:
    found = _Evidence()
    for name, column in zip(chain(names, repeat(None)), columns, strict=False):
        of_column = _Evidence()
        if _is_plain(column):
            _add_points(column, of_column)
        else:
            present = [cell.strip() for cell in column if not is_missing_text(cell)]
            numbers = sum(_add_number(_bare(cell), of_column) for cell in present)
            if numbers < _MIN_NUMBER_SHARE * len(present) or code_reason(present):
                continue
        for mark in of_column.decimals:
            of_column.ambiguous.pop(mark, None)
        if name in whole:
            found.in_whole |= of_column.ambiguous
        if name is not None:
            examples = (*of_column.decimals.values(), *of_column.thousands.values(), *of_column.ambiguous.values())
            found.places = dict.fromkeys(examples, name) | found.places
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


def _bare(cell: str) -> str:
    """Return a cell without the currency at its ends, and with its sign in front."""
    text = with_sign_in_front(cell.strip().replace("−", "-"))
    sign = text[:1] if text[:1] in ("+", "-") else ""
    return sign + text[len(sign) :].strip("$€£¥% \u00a0")


def _add_number(cell: str, found: _Evidence) -> bool:
    """Add the evidence of one cell; return whether it is a number."""
    shape = _NUMBER_SHAPES.fullmatch(cell if cell.isascii() else cell.translate(SEPARATOR_VARIANTS))
    if shape is None or (shape["repeated"] == "." and is_address(cell)):
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
