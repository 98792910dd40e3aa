"""The split of the rows: disjoint parts for fitting, early stopping, calibration and evaluation.

There are three policies: at random, by a seeded hash of the row's index; in time, each part later than the one before;
or by group, rows that belong together in one part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

LEAST_GROUPS: Final = 4
"""Fewest groups of a split by group: one for each part."""

SHARES: Final = {"fitting": 0.60, "validation": 0.10, "calibration": 0.15, "test": 0.15}
"""Share of the rows in each part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Four disjoint masks over the n rows.

    Args:
        fitting: Rows that encoders and weights are learned from.
        validation: Rows for early stopping.
        calibration: Rows for threshold and p-values.
        test: Rows for evaluation alone.
    """

    fitting: Mask
    validation: Mask
    calibration: Mask
    test: Mask

    def without(self, rows: Mask) -> Split:
        """Return the split without some rows `(n,)`; they are in no part then."""
        return Split(**{part: getattr(self, part) & ~rows for part in SHARES})


def split_rows(n: int, *, seed: int, only_test: Mask | None = None) -> Split:
    """Split n rows at random; a row's part depends on its index and the seed alone, not on n.

    Rows of `only_test` `(n,)`, such as known anomalies, are test rows: nothing may be learned from them.
    """
    return _split(np.searchsorted(_BOUNDS, _unit_hash(n, seed), side="right"), only_test)


def split_in_time(timestamps: NDArray[np.float64], *, only_test: Mask | None = None) -> Split:
    """Split rows in time: the oldest for fitting, the newest for evaluation; rows of one timestamp stay together.

    Args:
        timestamps: Of each row `(n,)`, or anything else that grows; none is NaN.
        only_test: Rows `(n,)` that are test rows; the shares are those of the others.
    """
    learned = timestamps if only_test is None else timestamps[~only_test]
    if not len(learned):
        return _split(np.zeros(len(timestamps), np.intp), only_test)
    ordered = np.sort(learned)
    first = np.minimum(np.ceil(_BOUNDS * len(ordered)).astype(np.intp), len(ordered) - 1)  # row that opens a part
    return _split(np.searchsorted(ordered[first], timestamps, side="right"), only_test)


def split_by_group(groups: NDArray[np.intp], *, seed: int, only_test: Mask | None = None) -> Split:
    """Split rows so that all rows of a group are in one part.

    The groups come in a seeded order; each goes to the part that lacks most of its share. So every part has a group if
    there are at least `LEAST_GROUPS`.

    Args:
        groups: Index of the group of each row `(n,)`, from 0.
        seed: Another seed is another split.
        only_test: Rows `(n,)` that are test rows, whatever their group.
    """
    learned = groups if only_test is None else groups[~only_test]
    sizes = np.bincount(learned, minlength=int(groups.max(initial=-1)) + 1)
    wanted = np.array(list(SHARES.values())) * len(learned)
    filled = np.zeros(len(SHARES))
    part_of = np.zeros(len(sizes), np.intp)
    for group in np.argsort(_unit_hash(len(sizes), seed), kind="stable").tolist():
        if sizes[group]:
            part_of[group] = np.argmin(filled / wanted)
            filled[part_of[group]] += sizes[group]
    return _split(part_of[groups], only_test)


_BOUNDS: Final = np.cumsum(list(SHARES.values()))[:-1]


def _split(part: NDArray[np.intp], only_test: Mask | None) -> Split:
    if only_test is not None:
        part = np.where(only_test, len(SHARES) - 1, part)
    return Split(**{name: part == i for i, name in enumerate(SHARES)})


def spread_anomalies(split: Split, anomalies: Mask, *, seed: int) -> Split:
    """Move half of the known anomalies `(n,)` of a split from the test rows to the calibration rows."""
    calibrated = anomalies & (_unit_hash(len(anomalies), seed) < 0.5)
    return replace(split, calibration=split.calibration | calibrated, test=split.test & ~calibrated)


def _unit_hash(n: int, seed: int) -> NDArray[np.float64]:
    """Return a hash in [0, 1) of each index below n (SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    indices = np.arange(n, dtype=np.uint64)
    start = np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    with np.errstate(over="ignore"):
        x = indices * np.uint64(0x9E3779B97F4A7C15) + start
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53
