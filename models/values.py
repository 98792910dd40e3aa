"""How one cell becomes a number, a truth value, a category or an instant: the same for records and tables.

Each parser takes a Python value that is not None and returns the cell's value, or None for a text that
says "missing". It raises `ValueError` with a phrase that fits behind "expected".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from models.schema import Column, Kind

MISSING_TEXTS: Final = frozenset(
    ["", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "none", "?", "-"]
)
"""Texts that say that there is no value, in every kind of column."""

BOOLEAN_WORDS: Final = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
"""Words (in any case) for the two truth values."""

THOUSANDS: Final = (",", ".", " ", "'")
"""Marks that may stand between the thousands of a number that is written as text."""

MARK_VARIANTS: Final = {0xA0: " ", 0x2009: " ", 0x202F: " ", 0x2019: "'"}
"""Characters that are written in the place of a mark of `THOUSANDS`: narrow and unbreakable spaces, ’."""

TIME_LAYOUTS: Final = {
    "iso": None,
    "day_first": "%d/%m/%Y %H:%M:%S",
    "month_first": "%m/%d/%Y %H:%M:%S",
    "epoch_s": 1.0,
    "epoch_ms": 1e3,
}
"""Layouts of instants: ISO 8601; a `strptime` layout (dots or dashes may separate the date, seconds or the
whole time of day be left out); or units per second."""

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIRST_INSTANT: Final = -62_135_510_400.0  # 0001-01-02
_LAST_INSTANT: Final = 253_402_214_399.0  # 9999-12-30
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")

Cell = float | bool | str | None


def is_missing_text(text: str) -> bool:
    """Say whether a text stands for "no value"."""
    return text.strip() in MISSING_TEXTS


def is_decimal_comma(text: str) -> bool:
    """Say whether a text is a number with a decimal comma, such as ``-0,75``."""
    return _DECIMAL_COMMA.fullmatch(text.strip()) is not None


def grouped_number(decimal: str, thousands: str) -> str:
    """Return the pattern of a number whose thousands are set apart, such as ``1,234.5``."""
    return rf"[+-]?\d{{1,3}}([{thousands}]\d{{3}})+([{decimal}]\d*)?"


def parse_number(value: object, *, decimal: str = ".", thousands: str = "") -> float | None:
    """Read a finite number from a number or from a text that is one.

    Args:
        value: The number or text.
        decimal: The decimal mark, ``.`` or ``,``.
        thousands: The mark between thousands, one of `THOUSANDS`; empty where there is none.
    """
    if isinstance(value, str):
        text = value.strip()
        if text in MISSING_TEXTS:
            return None
        if thousands:
            text = text.translate(MARK_VARIANTS)
            if re.fullmatch(grouped_number(decimal, thousands), text):
                text = text.replace(thousands, "")
            elif thousands in text:
                raise ValueError(f"a number with {thousands!r} between thousands")
        plain = text.replace(",", ".") if decimal == "," and is_decimal_comma(text) else text
        if _NUMBER.fullmatch(plain) is None:
            raise ValueError("a number")
        number = float(plain)
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError("a number")
    else:
        try:
            number = float(value)
        except OverflowError as error:
            raise ValueError("a number below 1.8e308") from error
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise ValueError("a finite number")
    return number


def parse_boolean(value: object) -> bool | None:
    """Read a truth value from a truth value, 0 or 1, or one of `BOOLEAN_WORDS`."""
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


def parse_category(value: object) -> str | None:
    """Return the text of a category; 3, 3.0 and "3" are the same one."""
    if isinstance(value, str):
        text = value.strip()
        return None if text in MISSING_TEXTS else text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (int, Decimal, date)):
        return str(value)
    raise ValueError("a text, a number or a truth value")


def parse_instant(value: object, *, layout: str) -> float | None:
    """Return seconds since 1970-01-01 UTC; an instant without a zone is taken as UTC."""
    form = TIME_LAYOUTS[layout]
    if isinstance(form, float):
        number = parse_number(value)
        return None if number is None else _within_calendar(number / form)
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    elif isinstance(value, str):
        text = value.strip()
        if text in MISSING_TEXTS:
            return None
        moment = _parse_moment(text, form)
    else:
        raise ValueError("a date and time as text")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _within_calendar(moment.timestamp())


def parser_of(column: Column, *, decimal: str = ".", thousands: str = "") -> Callable[[object], Cell]:
    """Return the parser for the cells of a column."""
    if column.kind is Kind.NUMERIC:
        return lambda value: parse_number(value, decimal=decimal, thousands=thousands)
    if column.kind is Kind.BOOLEAN:
        return parse_boolean
    if column.kind is Kind.CATEGORICAL:
        return parse_category
    layout = column.layout or "iso"
    return lambda value: parse_instant(value, layout=layout)


def instant_text(seconds: float) -> str:
    """Return an instant as ISO 8601 in UTC without a zone, to the second where it is whole.

    Example:
        >>> instant_text(1_700_000_000.0)
        '2023-11-14T22:13:20'
    """
    moment = datetime.fromtimestamp(round(seconds, 3), tz=UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if moment.microsecond == 0 else "milliseconds")


def phase_text(places: Mapping[str, float]) -> str:
    """Return places on calendar cycles, each in [0, 1), in words.

    Example:
        >>> phase_text({"day": 0.75, "week": 1.5 / 7})
        'Tue, 18:00'
    """
    words = []
    if "week" in places:
        words.append(_WEEKDAYS[round(places["week"] * 7 * 1440) // 1440 % 7])
    if "year" in places:
        words.append(_MONTHS[int(places["year"] * 12) % 12])
    if "day" in places:
        minutes = round(places["day"] * 1440) % 1440
        words.append(f"{minutes // 60:02d}:{minutes % 60:02d}")
    return ", ".join(words)


def write_instant(seconds: float, *, layout: str) -> str | int:
    """Return an instant, whole to the second, as `parse_instant` reads it in a layout."""
    form = TIME_LAYOUTS[layout]
    if isinstance(form, float):
        return round(seconds * form)
    return instant_text(round(seconds)) if form is None else datetime.fromtimestamp(seconds, tz=UTC).strftime(form)


def _within_calendar(seconds: float) -> float:
    """Return seconds since 1970 that can be written as a date; leave a day for any zone."""
    if not _FIRST_INSTANT <= seconds <= _LAST_INSTANT:
        raise ValueError("an instant in the years 1 to 9999")
    return seconds


def _parse_moment(text: str, form: str | None) -> datetime:
    try:
        if form is None:
            if not text[:4].isdigit() or len(text) < 8:
                raise ValueError(text)
            return datetime.fromisoformat(text)
        day, _, time = text.partition(" ")
        layout = form if time.count(":") == 2 else form.removesuffix(":%S") if time else form.split(" ")[0]
        return datetime.strptime(f"{day.replace('.', '/').replace('-', '/')} {time}".strip(), layout)
    except ValueError as error:
        wanted = "an ISO 8601 date and time such as 2024-02-26T01:50:07" if form is None else f"a date like {form}"
        raise ValueError(wanted) from error
