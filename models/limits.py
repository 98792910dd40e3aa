"""Limits of settings as data: intervals and choices, and the one sentence that prints them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Interval:
    """The finite numbers between two ends.

    Args:
        low: The lower end.
        high: The upper end; infinity for none.
        ends: A round bracket leaves an end out.

    Example:
        >>> print(Interval(1), Interval(0, ends="(]"), Interval(0, 0.5, ends="(]"), sep="; ")
        at least 1; above 0; in (0, 0.5]
        >>> 0.5 in Interval(0, 0.5, ends="[)")
        False
    """

    low: float
    high: float = math.inf
    ends: str = "[]"

    def __contains__(self, value: float) -> bool:
        """Return whether a number is in the interval."""
        above = value > self.low if self.ends[0] == "(" else value >= self.low
        below = value < self.high if self.ends[1] == ")" else value <= self.high
        return above and below and math.isfinite(value)

    def __str__(self) -> str:
        """Return the interval in words that fit behind "must be"."""
        if math.isinf(self.low):
            return "a finite number"
        if math.isinf(self.high):
            return f"{'above' if self.ends[0] == '(' else 'at least'} {self.low:g}"
        return f"in {self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"


Limit: TypeAlias = Interval | Collection[str]
"""An interval of numbers, or choices."""


def complaint_about(name: str, value: Any, limit: Limit) -> str | None:
    """Return the sentence about a value outside its limit; None where it keeps to it.

    The value may be several, which must keep to it each; None is none at all.

    Example:
        >>> complaint_about("seeds", 0, Interval(1))
        'seeds must be at least 1, got 0.'
        >>> complaint_about("fit_on", "none", ["all", "normal"])
        "fit_on must be one of all, normal, got 'none'."
    """
    several = isinstance(value, (tuple, list))
    if value is None or all(item in limit for item in (value if several else [value])):
        return None
    wanted = limit if isinstance(limit, Interval) else f"one of {', '.join(limit)}"
    return f"{name} must be {wanted}{' each' if several else ''}, got {value!r}."


def complaints_about(settings: object, limits: Mapping[str, Limit]) -> Iterator[str]:
    """Yield a sentence for each attribute of an object that is outside its limit."""
    for name, limit in limits.items():
        if (sentence := complaint_about(name, getattr(settings, name), limit)) is not None:
            yield sentence
