"""Dates and times in one form, and which part of one is odd: its hour, its weekday, or that it is too early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from models.encoders import TimestampEncoding
from models.reasons.texts import Texts
from models.schema.timestamps import timestamp_text

_USUAL: Final = 0.95  # of the rows are in the usual hours
_MOST_HOURS: Final = 18  # more are most of the day, outside of which no hour is odd
_ODD_WEEKDAY: Final = 0.03  # of the rows; an even share is 14 %
_CLOCK_LENGTH: Final = len("HH:MM:SS")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeHabits:
    """When the fitting rows were.

    Args:
        start: The first of them, in seconds since 1970-01-01 UTC; None for times of day.
        hours: The first of their usual hours and the one behind the last; None where no hour is odd.
        weekdays: Share of them on each weekday, from Monday on; None where nothing is known.
        dates_alone: They have no time of day.
        zoned: They were written with their zones, or may have been; they are said in UTC, and that it is UTC.
        texts: The words.
    """

    texts: Texts
    start: float | None
    hours: tuple[int, int] | None = None
    weekdays: tuple[float, ...] | None = None
    dates_alone: bool = False
    zoned: bool = False

    @classmethod
    def of(
        cls, encoding: TimestampEncoding, summary: Mapping[str, Any], texts: Texts, *, zoned: bool = False
    ) -> TimeHabits:
        """Return the habits of a column from the reference; a bundle of an early program knows only the first time."""
        hours, weekdays = summary.get("hours") or (), summary.get("weekdays") or ()
        days = sum(weekdays)
        return cls(
            texts=texts,
            start=None if encoding.clock else encoding.start,
            hours=usual_hours(hours) if hours else None,
            weekdays=tuple(count / days for count in weekdays) if days else None,
            dates_alone=bool(weekdays) and not hours,
            zoned=zoned and not encoding.clock,
        )

    def odd_part(self, moment: datetime) -> tuple[str, tuple[str, ...]] | None:
        """Return the odd part of a time as text, and what is usual; None where no part is odd."""
        if self.start is not None and moment.replace(tzinfo=UTC).timestamp() < self.start:
            first = self.text(datetime.fromisoformat(timestamp_text(self.start)))
            return self.text(moment), (self.texts.too_early.format(start=first),)
        parts, notes = [], []
        if self.weekdays is not None and (share := self.weekdays[moment.weekday()]) <= _ODD_WEEKDAY:
            parts.append(self.texts.weekdays[moment.weekday()])
            notes.append(self.texts.of_rows(share) if share else self.texts.never)
        if self.hours is not None and (moment.hour - self.hours[0]) % 24 >= (self.hours[1] - self.hours[0]) % 24:
            parts.append(f"{moment:%H:%M}")
            start, end = (f"{hour:02d}:00" for hour in self.hours)
            notes.append(self.texts.usually.format(start=start, end=end))
        return (self._in_zone(" ".join(parts)), tuple(notes)) if parts else None

    def text(self, moment: datetime) -> str:
        """Return a time in the one form in which reasons have it, such as 2024-03-01 18:30 or 2024-03-01 18:30 UTC."""
        if self.start is None:
            return _clock(moment)
        date = self.texts.language.formatted(moment.date(), "")
        at_midnight = not (self.zoned or moment.hour or moment.minute or moment.second)
        return self._in_zone(date if self.dates_alone or at_midnight else f"{date} {_clock(moment)}")

    def _in_zone(self, text: str) -> str:
        return f"{text} UTC" if self.zoned else text


def time_of(text: str) -> datetime:
    """Return the time that a text in ISO 8601 stands for; a time of day is on some day."""
    return datetime.fromisoformat(text if len(text) > _CLOCK_LENGTH and text[4] == "-" else f"1970-01-01T{text}")


def usual_hours(counts: Sequence[int]) -> tuple[int, int] | None:
    """Return the shortest run of hours that has nearly all rows, from the counts of 24 hours; None for no such.

    Returns:
        The first hour and the one behind the last, in [0, 24]; the run may go over midnight.

    Example:
        >>> usual_hours([0] * 8 + [30] * 10 + [1] + [0] * 5)
        (8, 18)
        >>> usual_hours([10] * 24) is None
        True
    """
    wanted = _USUAL * sum(counts)
    twice = [*counts, *counts]
    for length in range(1, _MOST_HOURS + 1):
        runs = [sum(twice[start : start + length]) for start in range(24)]
        if wanted and max(runs) >= wanted:
            start = runs.index(max(runs))
            end = start + length
            return start, end if end <= 24 else end - 24
    return None


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
