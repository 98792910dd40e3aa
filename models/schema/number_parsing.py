"""Parsing the texts of numbers; the error for another text says how the number in it is to be written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from models.schema.coordinates import direction_of, remedy_for_direction
from models.schema.numbers import AMBIGUOUS_POINT, NUMBER, SEPARATOR_VARIANTS, grouped_number, with_sign_in_front

_D_EXPONENT: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)[dD][+-]\d+")  # as Fortran writes 1.5E+03
_INFINITE: Final = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)
_FORMATS: Final = ((".", ","), (".", "'"), (".", " "), (",", "."), (",", " "))
_LONGEST: Final = 40  # characters of a text in which a number is looked for
_LONGEST_UNIT: Final = 4
_DIGITS: Final = re.compile(r"[.,]?\d(?:[\d.,' ]*\d)?", re.ASCII)
_DIGITS_AND_MARKS: Final = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*", re.ASCII)
_DECIMAL_NAMES: Final = {".": "point", ",": "comma"}
_THOUSANDS_NAMES: Final = {".": "points", ",": "commas", " ": "spaces", "'": "apostrophes"}
_MOST_EXAMPLES: Final = 2


class NumberTextError(ValueError):
    """A text is no number as numbers are written here; as text, a phrase that fits behind "expected".

    Args:
        text: What was met.
        decimal: The decimal mark of numbers here.
        thousands: Their thousands separator, empty for none.
        unit: The unit or currency that may stand beside them.
    """

    def __init__(self, text: str, *, decimal: str, thousands: str, unit: str | None = None) -> None:
        super().__init__(text)
        self._text, self._decimal, self._thousands, self._unit = text, decimal, thousands, unit

    def in_unit(self, text: str, unit: str | None) -> NumberTextError:
        """Return the error for the whole text of a cell of which this one is about the number alone."""
        return NumberTextError(text, decimal=self._decimal, thousands=self._thousands, unit=unit)

    def __str__(self) -> str:
        """Return what is expected; it is made when it is read, as most errors are only caught."""
        return expected_number(self._text, decimal=self._decimal, thousands=self._thousands, unit=self._unit)


def parse_number_text(text: str, *, decimal: str = ".", thousands: str = "") -> float:
    """Parse the text of a number, which may be infinite.

    Raises:
        NumberTextError: It is none.
    """
    number = _number(text, decimal, thousands)
    if number is None:
        raise NumberTextError(text, decimal=decimal, thousands=thousands)
    return number


def expected_number(text: str, *, decimal: str = ".", thousands: str = "", unit: str | None = None) -> str:
    """Return how the number in a text is to be written, in words that fit behind "expected".

    Example:
        >>> expected_number("$1,234.50", decimal=",", thousands=".")
        "a number with a decimal comma and points between thousands, without '$', such as 1.234,50"
        >>> expected_number("1,234.50 kg", unit="kg"), expected_number("hot")
        ('a number in kg with a decimal point and no other mark, such as 1234.50 kg', 'a number')
    """
    what = f"a number in {unit}" if unit else "a number"
    style = f" with a decimal {_DECIMAL_NAMES[decimal]}"
    if thousands:
        style += f" and {_THOUSANDS_NAMES[thousands]} between thousands"
    elif decimal == ".":
        style += " and no other mark"
    found = _number_in(text)
    readings = list(dict.fromkeys(_readings(found.digits))) if found else []
    if found is None and unit is None and (letter := direction_of(text[:_LONGEST])):
        return f"{what}{remedy_for_direction(letter, None)}"
    if found is None or not readings:
        plain = decimal == "." and not thousands
        marks = _DIGITS_AND_MARKS.fullmatch(text.strip().translate(SEPARATOR_VARIANTS)) if not plain else None
        example = f"1{thousands}234{decimal}5" if thousands else f"1234{decimal}5"
        return what if marks is None else f"{what}{style}, such as {example}"
    if unit and found.unit not in ("", unit):
        return f"{what}, not in {found.unit!r}"
    if _number(found.sign + found.digits, decimal, thousands) is None:
        what += style + ("" if unit or not found.unit else ",")
    elif unit or not found.unit:
        return what
    what += "" if unit or not found.unit else f" without {found.unit!r}"
    shown = [found.written(reading.written(decimal, thousands), unit) for reading in readings[:_MOST_EXAMPLES]]
    what += f", such as {' or '.join(shown)}"
    return what if unit else what + remedy_for_direction(found.unit.strip("°º "), shown[0])


def _number(text: str, decimal: str, thousands: str) -> float | None:
    """Return the number of a text; None where it has none as it is written."""
    plain = with_sign_in_front(text.replace("−", "-"))
    if thousands:
        plain = plain.translate(SEPARATOR_VARIANTS)
        if re.fullmatch(grouped_number(decimal, thousands), plain, re.ASCII):
            plain = plain.replace(thousands, "")
        elif thousands in plain:
            return None
    if decimal == ",":
        if not thousands and AMBIGUOUS_POINT.fullmatch(plain):
            return None
        plain = plain.replace(",", ".", 1)
    if NUMBER.fullmatch(plain) is not None:
        return float(plain)
    if _D_EXPONENT.fullmatch(plain) is not None:
        return float(plain.upper().replace("D", "E"))
    if _INFINITE.fullmatch(plain):
        return -math.inf if plain[0] == "-" else math.inf
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The digits and marks of the one number in a text, its sign, and the unit before or behind it."""

    sign: str
    digits: str
    unit: str
    before: bool

    def written(self, digits: str, unit: str | None) -> str:
        """Return other digits in the place of these, with the unit if it belongs there."""
        if unit is None or not self.unit:
            return self.sign + digits
        return f"{self.sign}{unit}{digits}" if self.before else f"{self.sign}{digits} {unit}"


def _number_in(text: str) -> _Found | None:
    """Return the one number in a short text that has at most a unit beside it."""
    if len(text) > _LONGEST:
        return None
    plain = with_sign_in_front(text.strip().replace("−", "-")).translate(SEPARATOR_VARIANTS)
    digits = _DIGITS.search(plain)
    if digits is None:
        return None
    before, after = plain[: digits.start()].strip(), plain[digits.end() :].strip()
    sign = "-" if "-" in before else ""
    before = before.strip("+- ")
    unit = before or after
    if (before and after) or len(unit) > _LONGEST_UNIT or any(char.isdigit() or char in ".,'+-" for char in unit):
        return None
    return _Found(sign=sign, digits=digits[0], unit=unit, before=bool(before))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One of the numbers that digits with marks may be."""

    whole: str
    fraction: str
    grouped: bool

    def written(self, decimal: str, thousands: str) -> str:
        whole = self.whole
        if self.grouped and thousands:
            head = len(whole) % 3 or 3
            whole = thousands.join([whole[:head], *(whole[i : i + 3] for i in range(head, len(whole), 3))])
        return whole + (decimal + self.fraction if self.fraction else "")


def _readings(digits: str) -> Iterator[_Reading]:
    """Yield the numbers that digits may be, by each way of writing marks that fits."""
    for decimal, thousands in _FORMATS:
        if re.fullmatch(grouped_number(decimal, thousands), digits, re.ASCII):
            whole, _, fraction = digits.replace(thousands, "").partition(decimal)
            yield _Reading(whole, fraction, True)
    for decimal in _DECIMAL_NAMES:
        whole, _, fraction = digits.partition(decimal)
        if (whole + fraction).isdecimal():
            yield _Reading(whole or "0", fraction, False)
