"""Months, quarters, half-years and weeks as text, such as 2024-03, 2024Q1, Mar-24 and 2024W05: their first days."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

from models.schema.calendar_words import month_number

_YEAR: Final = r"(?P<year>(?:19|20)[0-9]{2})"
_ANY_YEAR: Final = r"(?P<year>(?:19|20)[0-9]{2}|[0-9]{2})"
_NAME: Final = r"(?P<name>[^\W\d_]{3,10})"
_PART: Final = r"(?P<part>[0-9]{1,2})"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-/.]{_PART}",
        rf"{_YEAR}(?P<part>[0-9]{{2}})",
        rf"{_PART}[-/.]{_YEAR}",
        rf"{_YEAR}[-/. ]?(?P<unit>[MQTHW]|KW|CW){_PART}",
        rf"(?P<unit>[QTH]){_PART}[-/. ]?['’]?{_ANY_YEAR}",
        rf"{_PART}(?P<unit>[QTH])[-/. ]?['’]?{_ANY_YEAR}",
        rf"(?P<unit>W|KW|CW) ?{_PART}[-/. ]{_YEAR}",
        rf"{_NAME}\.?[-/. ]?{_YEAR}",
        rf"{_NAME}\.?(?:[-/]| ?['’])?(?P<year>[0-9]{{2}})",
        rf"{_YEAR}[-/. ]?{_NAME}",
    )
)
_MONTHS_EACH: Final = {"M": 1, "Q": 3, "T": 3, "H": 6}
_FIRST_TWO_DIGITS: Final = 69  # 69 to 99 are 1969 to 1999, as POSIX has it


def parse_period(text: str) -> datetime:
    """Return the first day of a month, quarter, half-year or week.

    Raises:
        ValueError: A text is none of these.

    Example:
        >>> parse_period("2024Q2").isoformat(), parse_period("Mar-24").isoformat()
        ('2024-04-01T00:00:00', '2024-03-01T00:00:00')
    """
    found = next((found for form in _FORMS if (found := form.fullmatch(text))), None)
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == len("24"):
        year += 1900 if year >= _FIRST_TWO_DIGITS else 2000
    return datetime.combine(_first_day(year, parts), time())


def _first_day(year: int, parts: dict[str, str | None]) -> date:
    name, unit, part = parts.get("name"), (parts.get("unit") or "M").upper(), int(parts.get("part") or 0)
    if name is not None:
        return date(year, month_number(name), 1)
    if unit in _MONTHS_EACH:
        return date(year, (part - 1) * _MONTHS_EACH[unit] + 1, 1)
    return date.fromisocalendar(year, part, 1)
