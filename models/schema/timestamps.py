"""Layouts of dates and times: parsing texts to timestamps, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

from models.messages import iso_text
from models.schema.calendar_words import MONTHS, ZONES, month_number, without_weekday
from models.schema.names import one_form
from models.schema.periods import parse_period

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = MONTHS["English"].split()
_CLOCK: Final = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[:.])(?P<minute>\d{2})(?:(?P=mark)(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?",
    re.ASCII,
)
_ZONE: Final = re.compile(
    rf"\s*(?:(?P<named>{'|'.join(ZONES)})|(?P<sign>[+-])(?P<hours>\d{{2}}):?(?P<minutes>\d{{2}}))$", re.ASCII
)
_REGION: Final = re.compile(r"(?<=[\dZ])\[[\w/+-]+\]$")  # behind the zone that it explains
_YEAR_LAST: Final = re.compile(
    r"(?P<day>[^\W\d_]{3,10}\.? +\d{1,2}) +(?P<clock>\d{1,2}:[\d:.]+)(?P<zone> [A-Z]{3,4}| [+-]\d{4})? (?P<year>\d{4})"
)  # as C's ctime and Java's Date write it
_END_OF_DAY: Final = re.compile(
    r"(?P<day>\d{4}-?\d{2}-?\d{2})[T ]24(?P<rest>(?::?00){0,2}(?:[.,]0+)?)(?P<zone>Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_TWO_DIGIT_YEAR: Final = re.compile(
    r"[0-9]{1,2}(?:([/.-])[0-9]{1,2}\1|[-/. ]?(?P<name>[^\W\d_]{3,10})\.?[-/. ]?)[0-9]{2}(?:\s.*)?"
)
_DATE_LIKE: Final = re.compile(
    r"(?:[^\W\d_]+\.?,? )?\d{1,4}(?:([-/. ])\d{1,2}\1|[-/. ]*(?:de )?[^\W\d_]{2,12}\.?[-/., ]*(?:de )?)\d{2,4}(?:\W.*)?"
)
_POINTED: Final = re.compile(r"\s*[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}(?:[^0-9]|$)")
_SLASHED: Final = re.compile(r"\s*[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}(?:[^0-9]|$)")
_YEAR_OR_CLOCK: Final = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)|\d:\d{2}")


_EAST_ASIAN: Final = str.maketrans({"年": "/", "月": "/", "日": ""})
_EPOCH: Final = datetime(1970, 1, 1)
_DAY: Final = timedelta(days=1)
_END_HOUR: Final = 24
_LAST: Final = 253_402_300_799.999  # of 9999-12-31


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLayout:
    """One way to write a timestamp.

    Args:
        example: A text of this layout.
        date: Of layouts with a date in text: what it looks like; None for ISO 8601, which Python reads.
        form: What `strftime` writes.
        per_second: Of layouts that are numbers: units per second.
        zero: Of layouts that are numbers: what 0 stands for, in seconds since 1970-01-01 UTC.
    """

    example: str
    date: re.Pattern[str] | None = None
    form: str | None = None
    per_second: float | None = None
    zero: float = 0.0

    def seconds_of(self, number: float) -> float:
        """Return seconds since 1970-01-01 UTC for a number of a layout of numbers; for days, to the millisecond."""
        seconds = float(number) / (self.per_second or 1.0)
        return round(seconds, 3) + self.zero if self.zero else seconds


def _numeric(example: str, form: str, *parts: str) -> TimeLayout:
    """Return the layout of a date of numbers, such as 26/02/2024; its parts are year, month and day in some order."""
    digits = {"year": r"\d{4}", "month": r"\d{1,2}", "day": r"\d{1,2}"}
    first, second, third = (f"(?P<{part}>{digits[part]})" for part in parts)
    date = re.compile(rf"{first}(?P<mark>[/.-]){second}(?P=mark){third}", re.ASCII)
    return TimeLayout(example=f"{example} 01:50:07", date=date, form=f"{form} %H:%M:%S")


TIME_LAYOUTS: Final = {
    "iso": TimeLayout(example="2024-02-26T01:50:07"),
    "year_first": _numeric("2024/02/26", "%Y/%m/%d", "year", "month", "day"),
    "day_first": _numeric("26/02/2024", "%d/%m/%Y", "day", "month", "year"),
    "month_first": _numeric("02/26/2024", "%m/%d/%Y", "month", "day", "year"),
    "day_month_name": TimeLayout(
        example="26-Feb-2024 01:50:07",
        date=re.compile(
            r"(?P<day>[0-9]{1,2})(?:º|°|er(?= ))?[ ./-]*(?:de )?(?P<name>[^\W\d_]{3,10})\.?,?[ /-]*(?:de )?"
            r"(?P<year>[0-9]{4})"
        ),
        form="%d %B %Y %H:%M:%S",
    ),
    "month_name_day": TimeLayout(
        example="Feb 26, 2024 01:50:07",
        date=re.compile(r"(?P<name>[^\W\d_]{3,10})\.? *(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,? +(?P<year>[0-9]{4})"),
        form="%B %d, %Y %H:%M:%S",
    ),
    "compact": TimeLayout(
        example="20240226",
        date=re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII),
        form="%Y%m%d %H:%M:%S",
    ),
    "period": TimeLayout(example="2024-02", form="%Y-%m"),
    "time": TimeLayout(example="01:50:07", form="%H:%M:%S"),
    "epoch_s": TimeLayout(example="1708912207", per_second=1.0),
    "epoch_ms": TimeLayout(example="1708912207000", per_second=1e3),
    "epoch_us": TimeLayout(example="1708912207000000", per_second=1e6),
    "epoch_ns": TimeLayout(example="1708912207000000000", per_second=1e9),
    "spreadsheet_days": TimeLayout(example="45348.0764699074", per_second=1 / 86_400, zero=-25_569 * 86_400.0),
    "julian_days": TimeLayout(example="2460366.5764699074", per_second=1 / 86_400, zero=-2_440_587.5 * 86_400.0),
}
"""Layouts of timestamps. Behind a date there may be a time of day (with colons or dots, to the minute or finer, with
am or pm) and a zone; a time of day alone is the layout ``time``; epochs and days are numbers. A text of ISO 8601 is
read beside every layout but ``time``."""


def parse_timestamp_text(text: str, *, layout: str) -> datetime:
    """Parse a text of a layout, or of ISO 8601 in its place; a time of day is that of 1970-01-01.

    Raises:
        ValueError: It is of neither; the message fits behind "expected".
    """
    spec = TIME_LAYOUTS[layout]
    try:
        if layout == "time":
            return datetime.combine(_EPOCH, _parse_clock(text)[0])
        if not text.isascii():
            text = one_form(text).translate(_EAST_ASIAN)
        text = _REGION.sub("", text.removesuffix(" Uhr"))
        with suppress(ValueError):
            if layout == "period":
                return parse_period(text)
            if spec.date is not None:
                return _parse_dated(text, spec.date)
        return _parse_iso(text)
    except (ValueError, OverflowError) as error:
        wanted = _WANTED.get(layout, "a date")
        raise ValueError(f"{wanted} such as {spec.example}") from error


def pointed_dates(layout: str) -> re.Pattern[str] | None:
    """Return the pattern of texts that begin with a date such as 26.02.2024, whose day is first beside this layout.

    Returns:
        None for layouts that say themselves how such a text is read.
    """
    return None if layout in ("time", "day_first", "month_first") else _POINTED


def has_slashes(text: str) -> bool:
    """Return True if a text begins with a date such as 03/02/2024, whose first number may be the day or the month."""
    return _SLASHED.match(text) is not None


def has_two_digit_year(text: str) -> bool:
    """Return True if a text looks like a date whose year has two digits, such as ``26.02.24``."""
    found = _TWO_DIGIT_YEAR.fullmatch(text.strip())
    return found is not None and (found["name"] is None or month_number(found["name"]) > 0)


def looks_like_date(text: str) -> bool:
    """Return True if a text may be a date of some form, such as ``20-kwi-2016 03:00``."""
    return _DATE_LIKE.fullmatch(text.strip()) is not None and _YEAR_OR_CLOCK.search(text) is not None


def moment_of(seconds: float) -> datetime:
    """Return a timestamp in UTC, without a zone, to the millisecond."""
    return datetime.fromtimestamp(min(round(seconds, 3), _LAST), tz=UTC).replace(tzinfo=None)


def timestamp_text(seconds: float) -> str:
    """Return a timestamp as ISO 8601 in UTC without a zone, to the second where it is whole.

    Example:
        >>> timestamp_text(1_700_000_000.0)
        '2023-11-14T22:13:20'
    """
    return iso_text(moment_of(seconds))


def clock_text(seconds: float) -> str:
    """Return seconds since midnight as a time of day.

    Example:
        >>> clock_text(66_600.0)
        '18:30:00'
    """
    return timestamp_text(seconds % 86_400)[11:]


def phase_text(phases: Mapping[str, float]) -> str:
    """Return phases on calendar cycles, each in [0, 1), in words.

    Example:
        >>> phase_text({"day": 0.75, "week": 1.5 / 7})
        'Tue, 18:00'
    """
    words = []
    if "week" in phases:
        words.append(_WEEKDAYS[round(phases["week"] * 7 * 1440) // 1440 % 7])
    if "year" in phases:
        words.append(_MONTHS[int(phases["year"] * 12) % 12][:3])
    if "day" in phases:
        minutes = round(phases["day"] * 1440) % 1440
        words.append(f"{minutes // 60:02d}:{minutes % 60:02d}")
    return ", ".join(words)


def write_timestamp(seconds: float, *, layout: str, zone: bool | None = None) -> str | float:
    """Return a timestamp, to the second, as text or number of a layout; where it needs a zone, in UTC."""
    spec = TIME_LAYOUTS[layout]
    if spec.per_second is not None:
        if spec.zero:
            return round((round(seconds) - spec.zero) * spec.per_second, 9)
        return round(seconds) * round(spec.per_second)
    mark = "Z" if zone else ""
    if spec.form is None:
        return timestamp_text(round(seconds)) + mark
    moment = datetime.fromtimestamp(min(round(seconds), int(_LAST)), tz=UTC)
    if layout == "period" and (moment.day != 1 or round(seconds) % 86_400):  # of a week, or more exact
        return timestamp_text(round(seconds))
    if layout == "compact" and round(seconds) % 86_400 == 0 and not zone:
        return int(moment.strftime("%Y%m%d"))
    year = f"{moment.year:04d}"  # strftime does not pad it everywhere
    return moment.strftime(spec.form.replace("%Y", year).replace("%B", _MONTHS[moment.month - 1])) + mark


_WANTED: Final = {
    "iso": "an ISO 8601 date and time",
    "time": "a time of day",
    "period": "a month, quarter or week",
}


def _parse_iso(text: str) -> datetime:
    if not text[:4].isdigit() or len(text) < 8:
        raise ValueError(text)
    if end := _END_OF_DAY.fullmatch(text):
        return datetime.fromisoformat(f"{end['day']}T00{end['rest']}{end['zone'] or ''}") + _DAY
    return datetime.fromisoformat(text)


def _parse_dated(text: str, pattern: re.Pattern[str]) -> datetime:
    found = pattern.match(text)
    if found is None and text[:1].isalpha():
        text = _YEAR_LAST.sub(r"\g<day>, \g<year> \g<clock>\g<zone>", without_weekday(text))
        found = pattern.match(text)
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    month = month_number(parts["name"]) if "name" in parts else int(parts["month"])
    rest = text[found.end() :]
    clock, days, zone = time(), 0, None
    if rest:
        if rest[0] not in "T, :":
            raise ValueError(text)
        rest = rest[1:].strip().removeprefix("T")
        if suffix := _ZONE.search(rest):
            zone = _zone(suffix)
            rest = rest[: suffix.start()]
        clock, days = _parse_clock(rest)
    return datetime.combine(date(int(parts["year"]), month, int(parts["day"])), clock, zone) + days * _DAY


def _parse_clock(text: str) -> tuple[time, int]:
    """Return a time of day, and how many days later it is: 24:00 is 00:00 of the next one."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    parts = int(found["minute"]), int(found["second"] or 0), int((found["fraction"] or "")[:6].ljust(6, "0"))
    return (time(), 1) if hour == _END_HOUR and not any(parts) else (time(hour, *parts), 0)


def _zone(found: re.Match[str]) -> timezone:
    if found["named"]:
        return timezone(timedelta(hours=ZONES[found["named"]]))
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return timezone(-offset if found["sign"] == "-" else offset)
