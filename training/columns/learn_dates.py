"""What the fitting rows teach of columns of dates: period, cycles, rare hours and weekdays, regular gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.encoders import (
    CYCLES,
    HOURS,
    WEEKDAYS,
    Encoding,
    Mask,
    NumericEncoding,
    TimestampEncoding,
    cycle_phase,
    gap_between,
    gap_limits,
    hours_of,
    odd_gaps,
    weekdays_of,
)
from models.schema import Column, Kind
from training.columns.learn_numbers import (
    SCALE_OF_CONSTANTS,
    center_and_scale,
    learn_numeric,
    penalty_of,
    present_values,
)

MOST_PAIRS: Final = 6
"""Pairs of columns of one table whose gap is learned: the most regular ones."""

_RARE_SHARE: Final = 0.005  # of the rows: hours, weekdays and odd gaps that have no more between them are rare
_FEW_ROWS: Final = 0.001  # that may lie before the training period
_FAR: Final = 1.5  # interquartile ranges from the middle half, as in box plots
_MIN_PHASE_SPREAD: Final = 1e-3
_LEAST_ROWS: Final = 50  # fewer leave out many hours by chance, and show no regular gap
_SAMPLED_ROWS: Final = 5_000  # that say which gaps are regular
_PARTS: Final = 100  # of the usual range of the dates: two gaps in one part are about the same
_REGULAR: Final = 0.25  # of the parts that the dates fill: a regular gap fills no more
_USUAL: Final = (0.01, 0.99)  # quantiles


class _Pair(NamedTuple):
    """Two columns of dates, and what share of the parts of their range the gap fills."""

    first: str
    second: str
    share: float


def learn_datetime(column: Column, values: NDArray[Any]) -> Encoding:
    """Learn the encoding of a column of timestamps `(n,)`, NaN for missing ones."""
    present, gaps = present_values(values)
    _, scale = center_and_scale(present)
    clock = column.layout == "time"
    length = float(np.ptp(present))
    cycles = tuple(
        cycle
        for cycle, cycle_length in CYCLES.items()
        if (cycle == "year" or column.layout != "period")
        and length >= 2 * cycle_length
        and np.ptp(cycle_phase(present, cycle)) > _MIN_PHASE_SPREAD
    )
    cycles = ("day",) if clock else cycles
    return TimestampEncoding(
        name=column.name,
        start=_start(present),
        scale=scale or SCALE_OF_CONSTANTS,
        cycles=cycles,
        clock=clock,
        hours=_rare_parts(np.bincount(hours_of(present), minlength=HOURS), near=0.5) if "day" in cycles else (),
        weekdays=_rare_parts(np.bincount(weekdays_of(present), minlength=WEEKDAYS)) if "week" in cycles else (),
        **gaps,
    )


def regular_pairs(dates: Mapping[str, NDArray[Any]]) -> list[tuple[str, str]]:
    """Return the pairs of columns whose gap is much more regular than the dates are, the most regular ones.

    Args:
        dates: The timestamps of n fitting rows by column `(n,)`, NaN for missing ones.
    """
    sampled = {name: values[:: len(values) // _SAMPLED_ROWS + 1] for name, values in dates.items()}
    pairs = [
        _Pair(first, second, _share_of(sampled[first], sampled[second])) for first, second in combinations(sampled, 2)
    ]
    regular = sorted((pair for pair in pairs if pair.share <= _REGULAR), key=lambda pair: pair.share)
    return [(pair.first, pair.second) for pair in regular[:MOST_PAIRS]]


def with_gaps(encodings: Sequence[Encoding], columns: Columns, rows: Mask | slice) -> tuple[Encoding, ...]:
    """Return encodings to which each column of dates has the regular gaps to others, as learned from some rows.

    Both dates of a pair have the gap between them, so that of three dates the one that is wrong is blamed.

    Args:
        encodings: One a column.
        columns: The values by column.
        rows: The fitting rows.
    """
    dates = {e.name: columns[e.name][rows] for e in encodings if isinstance(e, TimestampEncoding) and not e.clock}
    if len(dates) <= 1:
        return tuple(encodings)
    gaps: dict[str, list[NumericEncoding]] = {name: [] for name in dates}
    for pair in regular_pairs(dates):
        for name, other in (pair, pair[::-1]):
            days = gap_between(dates[name], dates[other])
            gaps[name].append(_learn_gap(other, days[~np.isnan(days)]))
    return tuple(
        replace(e, gaps=tuple(gaps[e.name])) if isinstance(e, TimestampEncoding) and gaps.get(e.name) else e
        for e in encodings
    )


def _start(present: NDArray[Any]) -> float:
    """Return the first timestamp; of all but a few that lie far before the others, by half of the usual range or so."""
    quarter, three_quarters = np.quantile(present, [0.25, 0.75])
    usual = present >= quarter - _FAR * (three_quarters - quarter)
    few = np.count_nonzero(~usual) <= _FEW_ROWS * len(present)
    return float(present[usual].min() if few else present.min())


def _rare_parts(counts: NDArray[np.intp], *, near: float = 0.0) -> tuple[float, ...]:
    """Return the novelty penalty of each part of a cycle, from the number of rows in each; empty where none is rare.

    A part is rare if few rows are in it and in all that are no more usual. The rows of its neighbours count by `near`:
    minutes before the first usual hour are not odd.
    """
    n = int(counts.sum())
    usual = counts + near * (np.roll(counts, 1) + np.roll(counts, -1))
    limit = max(_RARE_SHARE, 1 / (n + 1)) if n >= _LEAST_ROWS else 0.0
    least = max(1, int((counts == 1).sum())) / (n + 1)
    shares = [max(float(usual[usual <= part].sum() / usual.sum()), least) for part in usual]
    penalties = tuple(penalty_of(share) if share <= limit else 0.0 for share in shares)
    return penalties if any(penalties) else ()


def _learn_gap(name: str, days: NDArray[Any]) -> NumericEncoding:
    low, high = np.quantile(days, _USUAL, method="nearest").tolist()
    gap = replace(learn_numeric(Column(name=name, kind=Kind.NUMERIC), days), low=low, high=high)
    n, odd = len(days), int(odd_gaps(days, *gap_limits(gap)).sum())
    return replace(gap, novelty_penalty=penalty_of(max(1 / (n + 1), odd / n)) if odd <= _RARE_SHARE * n else 0.0)


def _share_of(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return how many parts the gap of two columns fills, as a share of those that the dates fill; 1 for few rows."""
    both = ~(np.isnan(first) | np.isnan(second))
    if np.count_nonzero(both) < _LEAST_ROWS:
        return 1.0
    first, second = first[both], second[both]
    part = min(float(np.diff(np.quantile(dates, _USUAL))[0]) for dates in (first, second)) / _PARTS
    if part <= 0:
        return 1.0
    dates = min(_filled(first, part), _filled(second, part))
    return _filled(second - first, part) / dates


def _filled(values: NDArray[Any], part: float) -> float:
    """Return the number of parts that values fill, as e to their entropy: of parts filled alike it is their number."""
    _, counts = np.unique(np.floor(values / part), return_counts=True)
    shares = counts / len(values)
    return float(np.exp(-(shares * np.log(shares)).sum()))
