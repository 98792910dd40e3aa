"""Parsing durations to seconds: ``1h 30m``, ``36:10:02``, ``2 days 03:00:00``, ``-1 days +23:59:50``, ``PT1H30M``."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_SECONDS: Final = {
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
}
_CLOCK: Final = re.compile(r"(?:(\d+)\s*d(?:ays?)?,?\s+[+-]?)?(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", re.ASCII)
_ISO: Final = re.compile(r"P((?:\d+W)?(?:\d+D)?)(?:T([\dHMS.]+))?", re.ASCII)
_DAYS_AND_CLOCK: Final = re.compile(r"([+-]?\d+)\s*d(?:ays?)?(?:,\s+|,?\s+(?=[+-]))([+-]?\d+:.+)", re.ASCII)
_ISO_NEGATIVE_DAYS: Final = re.compile(r"P(-\d+)D(T.+)?", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)[\s,]*", re.ASCII | re.IGNORECASE)


def parse_duration(text: str) -> float:
    """Parse a duration to seconds.

    A minus stands before all of it; but where days and a clock each have a sign of their own, as pandas writes them, or
    a comma between them, as Python does, that of the days is about the days alone.

    Raises:
        ValueError: It is not a duration; the message fits behind "expected".

    Example:
        >>> parse_duration("1h 30m"), parse_duration("-00:10:02"), parse_duration("PT1H30M")
        (5400.0, -602.0, 5400.0)
    """
    stripped = text.strip().replace("−", "-")
    if found := _DAYS_AND_CLOCK.fullmatch(stripped):
        return parse_duration(f"{found[1]}d") + parse_duration(found[2])
    if found := _ISO_NEGATIVE_DAYS.fullmatch(stripped):
        return parse_duration(f"{found[1]}d") + (parse_duration(f"P{found[2]}") if found[2] else 0.0)
    sign = -1.0 if stripped.startswith("-") else 1.0
    parts = duration_parts(stripped.lstrip("+-"))
    if not parts:
        raise ValueError("a duration such as 1h 30m or 36:10:02, or its seconds")
    return sign * sum(amount * _SECONDS[unit] for amount, unit in parts)


def duration_parts(text: str) -> list[tuple[float, str]]:
    """Return the amounts and units of an unsigned duration; none where the text is not one."""
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = clock.groups(default="0")
        return [(float(days), "d"), (float(hours), "h"), (float(minutes), "min"), (float(seconds), "s")]
    if iso := _ISO.fullmatch(text):  # months and years have no fixed length: P1M is not a duration
        text = f"{iso[1]} {iso[2] or ''}".strip()
    parts, end = [], 0
    for part in _PART.finditer(text):
        if part.start() != end or part[2].lower() not in _SECONDS:
            return []
        parts.append((float(part[1]), part[2].lower()))
        end = part.end()
    sizes = [_SECONDS[unit] for _, unit in parts]
    return parts if end == len(text) and sizes == sorted(set(sizes), reverse=True) else []


def duration_text(seconds: float) -> str:
    """Return seconds as a duration of at most two units.

    Example:
        >>> duration_text(5400), duration_text(-602), duration_text(12.5), duration_text(200_000)
        ('1h 30m', '-10m 2s', '12.5s', '2d 8h')
    """
    sign, rest = "-" if seconds < 0 else "", abs(seconds)
    if rest < 60:
        return f"{sign}{rest:.4g}s"
    (large, letter), (small, next_letter) = next(pair for pair in pairwise(_UNITS) if rest >= pair[0][0])
    count, left = divmod(round(rest / small), round(large / small))
    return f"{sign}{count}{letter}" + (f" {left}{next_letter}" if left else "")


_UNITS: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
