"""Sentinels: numbers that stand for a missing value, repeated and far outside the others, such as −200 or 999."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MIN_REPEATS: Final = 5
_MIN_SHARE: Final = 0.001  # of the rows that have a number
_MIN_OTHERS: Final = 10  # rows
_MIN_DISTINCT_OTHERS: Final = 10  # below, the numbers are codes or counts, and an extreme one is a level
_MOST_AT_AN_END: Final = 3  # such as 997, 998 and 999
_FAR: Final = 5.0  # times the extent of the others on that side
_FAR_FOR_A_CODE: Final = 1.0  # where the number is one that people choose for this, or is so in another column
_FAR_FOR_A_COMPANION: Final = 0.3  # where it is far in several other columns
_COMPANIONS: Final = 2
_LIMITS: Final = frozenset(
    float(sign * (2**bits) - less) for bits in (15, 16, 31, 32) for sign in (-1, 1) for less in (0, 1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A number that may stand for a missing value.

    Args:
        value: The number.
        rows: How many rows have it.
        nearest: The nearest other number of the column.
        others: How many other numbers the column has.
        gap: Distance to the nearest one, in extents of the others on that side of their median.
    """

    value: float
    rows: int
    nearest: float
    others: int
    gap: float


def find_sentinels(columns: Mapping[str, NDArray[Any]]) -> dict[str, tuple[Sentinel, ...]]:
    """Find the numbers that may stand for a missing value, by column.

    A candidate is repeated, is the smallest or largest value of its column, and the gap to the next one is
    large against the extent of the others on that side of their median. How large it has to be depends on
    other evidence: a number that people choose for this (all nines, a limit of a type), or the same
    number in several columns.

    Args:
        columns: Numbers, or timestamps in seconds; n values each, NaN where missing.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest there is
        candidates = {name: _candidates(values) for name, values in columns.items()}
    far: dict[float, set[str]] = defaultdict(set)
    for name, found in candidates.items():
        for one in found:
            code = _is_code(one.value)
            if one.gap >= (_FAR_FOR_A_CODE if code else _FAR) and (code or one.others >= _MIN_DISTINCT_OTHERS):
                far[one.value].add(name)
    kept = {
        name: tuple(s for s in found if name in far[s.value] or len(far[s.value]) >= _COMPANIONS)
        for name, found in candidates.items()
    }
    return {name: sentinels for name, sentinels in kept.items() if sentinels}


def _candidates(values: NDArray[Any]) -> list[Sentinel]:
    """Return repeated numbers at the ends, with a gap that is large enough for a companion."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return [*_at_the_low_end(distinct, counts, sign=1.0), *_at_the_low_end(-distinct[::-1], counts[::-1], sign=-1.0)]


def _at_the_low_end(distinct: NDArray[Any], counts: NDArray[Any], *, sign: float) -> list[Sentinel]:
    least = max(_MIN_REPEATS, _MIN_SHARE * counts.sum())
    for length in range(1, min(_MOST_AT_AN_END, len(distinct) - 1) + 1):
        others, other_counts = distinct[length:], counts[length:]
        if counts[length - 1] < least or other_counts.sum() < _MIN_OTHERS or len(others) < 2:
            return []
        median = others[np.searchsorted(np.cumsum(other_counts), other_counts.sum() / 2)]
        extent = max(median - others[0], 0.1 * (others[-1] - others[0]))
        if others[0] - distinct[length - 1] >= _FAR_FOR_A_COMPANION * extent:
            return [
                Sentinel(
                    value=float(sign * distinct[i]),
                    rows=int(counts[i]),
                    nearest=float(sign * others[0]),
                    others=len(others),
                    gap=float((others[0] - distinct[i]) / extent),
                )
                for i in range(length)
            ]
    return []


def _is_code(value: float) -> bool:
    """Return True if people choose a number for this: all nines (-999, 99.9), or a limit of a type."""
    digits = f"{abs(value):g}".replace(".", "")
    return (len(digits) >= 2 and set(digits) == {"9"}) or value in _LIMITS or abs(value) >= 1e30
