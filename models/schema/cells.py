"""Parsing one cell to a number, a truth value, a category or a timestamp: the same for records and tables.

Each parser takes a Python value that is not None and returns the cell's value, or None for a text that stands for
a missing value. It raises `ValueError` with a phrase that fits behind "expected".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from itertools import product
from typing import Final

from models.schema import DURATION, Column, Kind
from models.schema.durations import parse_duration
from models.schema.names import one_form
from models.schema.number_parsing import NumberTextError, parse_number_text
from models.schema.numbers import NUMBER, without_unit, without_zero_fraction
from models.schema.timestamps import TIME_LAYOUTS, has_slashes, parse_timestamp_text, pointed_dates

MISSING_WORDS: Final = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?", "-")
"""Words (in any case) that stand for a missing value, in every kind of column."""

MISSING_TEXTS: Final = frozenset(
    "".join(letters) for word in MISSING_WORDS for letters in product(*({c, c.upper()} for c in word))
)
"""The same, each in every case: a text that is one of them is missing."""

BOOLEAN_WORDS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
"""Words (in any case) for the two truth values."""

_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=UTC)
_FIRST_TIMESTAMP: Final = -62_135_596_800.0  # 0001-01-01
_LAST_TIMESTAMP: Final = 253_402_300_800.0  # the end of 9999-12-31

_ISO_START: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Cell = float | bool | str | None


def is_missing_text(text: str) -> bool:
    """Return True if a text stands for a missing value."""
    return text.strip() in MISSING_TEXTS


def parse_number(value: object, *, decimal: str = ".", thousands: str = "") -> float | None:
    """Parse a finite number from a number or a text."""
    return _finite(read_number(value, decimal=decimal, thousands=thousands))


def read_number(value: object, *, decimal: str = ".", thousands: str = "") -> float | None:
    """Parse a number that may be infinite."""
    if isinstance(value, str):
        text = value.strip()
        if text in MISSING_TEXTS:
            return None
        return parse_number_text(text, decimal=decimal, thousands=thousands)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError("a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number below 1.8e308") from error
    return None if math.isnan(number) else number


def parse_boolean(value: object) -> bool | None:
    """Parse a truth value from a truth value, 0 or 1, or one of `BOOLEAN_WORDS`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text in MISSING_TEXTS:
            return None
        if text.lower() in BOOLEAN_WORDS:
            return BOOLEAN_WORDS[text.lower()]
    elif isinstance(value, (int, float, Decimal)):
        if value in (0, 1):
            return bool(value)
        if isinstance(value, float) and math.isnan(value):
            return None
    raise ValueError("true or false")


def parse_category(value: object, *, decimal: str = ".") -> str | None:
    """Return the text of a category; 3, 3.0, "3" and "3.0" are the same, and so are two encodings of é in Unicode."""
    if isinstance(value, str):
        text = value.strip()
        plain = without_zero_fraction(one_form(text), decimal=decimal)
        return None if text in MISSING_TEXTS else plain
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return number_text(value)
    if isinstance(value, Decimal):
        return None if value.is_nan() else _decimal_text(value)
    if isinstance(value, (int, date, time)):
        return str(value)
    raise ValueError("a text, a number or a truth value")


def number_text(value: float) -> str:
    """Return a finite number as a user would write it.

    Example:
        >>> number_text(-200.0), number_text(99.9)
        ('-200', '99.9')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def parse_timestamp(value: object, *, layout: str, zone: bool | None = None) -> float | None:
    """Return seconds since 1970-01-01 UTC; a timestamp without a zone is taken as UTC.

    Where `zone` is True, one without a zone is refused; where it is False, one of another zone than UTC.
    """
    spec = TIME_LAYOUTS[layout]
    dated = isinstance(value, date) or (isinstance(value, str) and _ISO_START.match(value.strip()))
    if spec.per_second is not None and not dated:
        number = parse_number(value)
        return None if number is None else _within_calendar(spec.seconds_of(number))
    if layout in ("compact", "period") and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isnan(value):
            return None
        value = f"{value:.0f}" if value == value // 1 else repr(value)
    if isinstance(value, str):
        text = value.strip()
        if text in MISSING_TEXTS:
            return None
        moment = parse_timestamp_text(text, layout=layout)
    elif layout == "time" and isinstance(value, time):
        moment = datetime.combine(_EPOCH, value)
    elif layout == "time" or not isinstance(value, date):
        what = "a date and time" if layout != "time" else "a time of day"
        raise ValueError(f"{what} as text, such as {spec.example}")
    else:
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    _require_zone(moment, zone)
    since = moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)
    return _within_calendar(since.total_seconds())


@lru_cache(maxsize=4096)
def parser_of(column: Column, *, decimal: str = ".", thousands: str = "") -> Callable[[object], Cell]:
    """Return the parser for the cells of a column; its own number format goes before that of the file."""
    if column.kind is Kind.NUMERIC:
        return _number_parser(column, decimal=column.decimal or decimal, thousands=column.thousands or thousands)
    parse = _plain_parser(column, decimal=decimal)
    if column.keep_words:
        parse = _keeping(frozenset(column.keep_words), parse)
    if not column.missing:
        return parse
    texts, gone = _missing_texts(column), missing_cells(column)

    def parse_or_missing(value: object) -> Cell:
        if isinstance(value, str) and value.strip() in texts:
            return None
        cell = parse(value)
        return None if cell in gone else cell

    return parse_or_missing


def missing_cells(column: Column) -> frozenset[Cell]:
    """Return the parsed values of a column that stand for a missing one."""
    parse: Callable[[object], Cell] = (
        read_number if column.kind is Kind.NUMERIC else _plain_parser(replace(column, zone=None))
    )
    cells = set()
    for text in column.missing:
        with suppress(ValueError):  # a word among numbers: compared as text
            cells.add(parse(text))
    return frozenset(cells - {None})


def _keeping(words: frozenset[str], parse: Callable[[object], Cell]) -> Callable[[object], Cell]:
    """Return the parser of categories to which words belong that stand for a missing value elsewhere."""

    def parse_kept(value: object) -> Cell:
        return value.strip() if isinstance(value, str) and value.strip() in words else parse(value)

    return parse_kept


def _plain_parser(column: Column, *, decimal: str = ".") -> Callable[[object], Cell]:
    if column.kind is Kind.BOOLEAN:
        return parse_boolean
    if column.kind is Kind.CATEGORICAL:
        return partial(parse_category, decimal=decimal)
    return _timestamp_parser(column)


def _timestamp_parser(column: Column) -> Callable[[object], Cell]:
    """Return the parser of timestamps: of the column's layout, of ISO 8601, or with points and the day first."""
    layout, zone = column.layout or "iso", column.zone
    pointed = pointed_dates(layout)

    def parse(value: object) -> Cell:
        if pointed is None or not isinstance(value, str):
            return parse_timestamp(value, layout=layout, zone=zone)
        try:
            return parse_timestamp(value, layout="day_first" if pointed.match(value) else layout, zone=zone)
        except ValueError as error:
            if not has_slashes(value):
                raise
            raise ValueError(f"{error}, or 26.02.2024 (with slashes the first number may be day or month)") from error

    return parse


def _number_parser(column: Column, *, decimal: str, thousands: str) -> Callable[[object], Cell]:
    texts, gone, unit = _missing_texts(column), missing_cells(column), column.unit

    def parse(given: object) -> Cell:
        value = given
        if type(value) is float and math.isfinite(value):  # as nearly always
            return None if value in gone else value
        if isinstance(value, str):
            if value.strip() in texts:
                return None
            if column.layout == DURATION and not is_missing_text(value) and not NUMBER.fullmatch(value.strip()):
                value = parse_duration(value)
            elif unit is not None and not is_missing_text(value):
                value = without_unit(value, unit) or value  # a unit alone is no number
        elif isinstance(value, timedelta):
            value = value.total_seconds()
        try:
            number = read_number(value, decimal=decimal, thousands=thousands)
        except NumberTextError as error:
            raise error.in_unit(str(given), unit) from error
        except ValueError as error:
            raise ValueError(f"{error} in {unit}" if unit else str(error)) from error
        return None if number in gone else _finite(number)

    return parse


def _missing_texts(column: Column) -> frozenset[str]:
    return frozenset(text.strip() for text in column.missing)


def _finite(number: float | None) -> float | None:
    if number is not None and math.isinf(number):
        raise ValueError("a finite number")
    return number


def _decimal_text(value: Decimal) -> str:
    """Return 3 for 3.00 and 2.5 for 2.50, as a float would read."""
    return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")


def _require_zone(moment: datetime, zone: bool | None) -> None:
    if zone is True and moment.tzinfo is None:
        raise ValueError("a time with its zone, as in training (behind it +05:30, or Z for UTC)")
    if zone is False and moment.utcoffset():
        raise ValueError("a time without a zone, as in training, or in UTC")


def _within_calendar(seconds: float) -> float:
    """Return seconds since 1970 if they can be written as a date."""
    if not _FIRST_TIMESTAMP <= seconds < _LAST_TIMESTAMP:
        raise ValueError("a timestamp in the years 1 to 9999")
    return seconds
