"""Numbers, shares and texts as people read them: few digits, the marks of the user's own files, one line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

from models.printable import collapsed, printable
from models.schema import DURATION, Column, FeatureSchema
from models.schema.durations import duration_text

DIGITS: Final = 4
"""Significant digits of a number that people read."""

_LONGEST: Final = 48  # characters of a text in a reason
_LEAST_GROUPED: Final = 999.0  # numbers that are shorter have no separators of thousands
_LEAST_PLAIN, _MOST_PLAIN = -5, 15  # powers of ten: numbers between them are written without an exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """How the numbers of a column are written for people.

    Args:
        unit: Stands behind the number; None for none.
        duration: The number is seconds, and is written as a duration.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str | None = None
    duration: bool = False

    @classmethod
    def of(cls, column: Column, schema: FeatureSchema) -> NumberForm:
        """Return the form of a column, with the marks of the texts that it was learned from."""
        decimal = column.decimal or schema.decimal
        thousands = column.thousands if column.thousands is not None else schema.thousands
        return cls(
            decimal=decimal,
            thousands="" if thousands == decimal else thousands,
            unit=column.unit,
            duration=column.layout == DURATION,
        )

    def text(self, value: float, *, digits: int = DIGITS) -> str:
        """Return a number in so many significant digits; those before the decimal mark are all kept.

        Example:
            >>> NumberForm(unit="kg").text(12.3456), NumberForm(decimal=",", thousands=".").text(1234.5)
            ('12.35 kg', '1.234')
        """
        if self.duration:
            return duration_text(value)
        marked = rounded_text(value, digits=digits, decimal=self.decimal, thousands=self.thousands)
        return f"{marked} {self.unit}" if self.unit else marked


def rounded_text(value: float, *, digits: int = DIGITS, decimal: str = ".", thousands: str = "") -> str:
    """Return a number in so many significant digits; those before the decimal mark are all kept.

    Example:
        >>> rounded_text(0.0123456), rounded_text(12345.678), rounded_text(2.0), rounded_text(1.5e20)
        ('0.01235', '12346', '2', '1.5e+20')
    """
    text = f"{value:.{digits}g}"
    if "e" in text or (thousands and not -_LEAST_GROUPED < value < _LEAST_GROUPED and math.isfinite(value)):
        size = math.floor(math.log10(abs(value)))
        if not _LEAST_PLAIN < size < _MOST_PLAIN:
            return text
        decimals = max(0, digits - 1 - size)
        text = f"{value:,.{decimals}f}" if thousands else f"{value:.{decimals}f}"
        if decimals:
            text = text.rstrip("0").rstrip(".")
    return text if decimal == "." and not thousands else text.translate(_marks(decimal, thousands))


def percent(probability: float) -> str:
    """Return a probability in whole percent.

    Example:
        >>> percent(0.554)
        '55 %'
    """
    return f"{100 * probability:.0f} %"


def brief(text: str) -> str:
    """Return a text on one line, with an ellipsis in the middle where it is long.

    Example:
        >>> brief("two" + chr(10) + "lines"), len(brief("x" * 100))
        ('two lines', 48)
    """
    line = printable(collapsed(text)) or "(blank)"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]}…{line[1 - _LONGEST // 2 :]}"


@cache
def _marks(decimal: str, thousands: str) -> dict[int, str]:
    return {ord(","): thousands, ord("."): decimal}
