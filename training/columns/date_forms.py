"""Dates and times of several forms in one column, or of no known one: why it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from itertools import islice
from typing import Final

from models.messages import listed, phrase, quoted
from models.schema.cells import parse_timestamp
from models.schema.timestamps import has_two_digit_year, looks_like_date

TEXT_LAYOUTS: Final = (
    "iso",
    "year_first",
    "day_first",
    "month_first",
    "day_month_name",
    "month_name_day",
    "period",
    "time",
)
"""Layouts of dates and times that are texts, in the order in which they are tried."""

_SINCE_1970: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?")
_SAMPLE: Final = 1000  # texts
_OPEN: Final = "day or month first"
_NO_LAYOUT: Final = frozenset(["unknown", "since 1970"])  # numbers and odd dates alone are other things, too


def date_reason(texts: Collection[str]) -> str | None:
    """Return the reason to drop dates or times that are of several forms, or of no known one; None for other texts.

    Args:
        texts: At least one; not all of them are of one layout.

    Example:
        >>> date_reason(["08/20/2024", "20/08/2024"])[:77]
        "dates in which the month comes first ('08/20/2024') and others in which the d"
        >>> date_reason(["08/20/2024", "hot"]) is None
        True
    """
    found: dict[str, str] = {}
    for text in islice(texts, _SAMPLE):
        form = _form_of(text)
        if form is None:
            return None
        found.setdefault(form, text)
    if found.keys() & {"day_first", "month_first"}:
        found.pop(_OPEN, None)
    examples = {form: quoted(text) for form, text in found.items()}
    if {"month_first", "day_first"} <= found.keys():
        month, day = examples["month_first"], examples["day_first"]
        what = phrase(
            "dates in which the month comes first ({month}) and others in which the day does ({day})",
            month=month,
            day=day,
        )
    elif found.keys() == {"unknown"}:
        what = phrase("dates of no known form, such as {date}", date=examples["unknown"])
    elif len(found) > 1 and not found.keys() <= _NO_LAYOUT:
        some = listed(list(examples.values())[:2])
        what = phrase("dates or times of several forms, such as {dates}", dates=some)
    else:
        return None
    return phrase("{what}: write them as ISO 8601 has it (2024-02-26T01:50:07)", what=what)


def _form_of(text: str) -> str | None:
    """Return the layout of a date or a time, or what else it may be; None for another text."""
    layouts = [layout for layout in TEXT_LAYOUTS if _is_of(text, layout)]
    if {"day_first", "month_first"} <= {*layouts} and "iso" not in layouts:
        return _OPEN
    if layouts:
        return layouts[0]
    if _SINCE_1970.fullmatch(text.strip()):
        return "since 1970"
    if has_two_digit_year(text):
        return "two-digit year"
    return "unknown" if looks_like_date(text) else None


def _is_of(text: str, layout: str) -> bool:
    with suppress(ValueError):
        return parse_timestamp(text, layout=layout) is not None
    return False
