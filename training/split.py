"""Which rows are fitted, stopped, calibrated and judged on: disjoint parts, by a seeded hash of the row's number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

SHARES: Final = {"fitting": 0.60, "validation": 0.10, "calibration": 0.15, "test": 0.15}
"""Share of the rows in each part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Four disjoint masks over the n rows.

    Args:
        fitting: Rows that encoders and weights are learned from.
        validation: Rows that early stopping looks at.
        calibration: Rows that threshold and p-values come from.
        test: Rows that nothing has seen; what is said about the detector is measured on them.
    """

    fitting: Mask
    validation: Mask
    calibration: Mask
    test: Mask


def split_rows(n: int, *, seed: int, only_test: Mask | None = None) -> Split:
    """Split n rows; a row's part depends on its number and the seed alone, not on how many rows there are.

    Args:
        n: Number of rows.
        seed: Another seed is another split.
        only_test: Rows that nothing may be learned from `(n,)`, such as known anomalies; they are test rows.
    """
    place = _unit_hash(np.arange(n, dtype=np.uint64), seed)
    bounds = np.cumsum(list(SHARES.values()))[:-1]
    part = np.searchsorted(bounds, place, side="right")
    if only_test is not None:
        part[only_test] = len(SHARES) - 1
    return Split(**{name: part == number for number, name in enumerate(SHARES)})


def spread_anomalies(split: Split, anomalies: Mask, *, seed: int) -> Split:
    """Give half of the anomalies to the calibration rows and the other half to the test rows.

    Args:
        split: Made with these rows as `only_test`.
        anomalies: Known anomalies `(n,)`.
        seed: That of the split.
    """
    calibrated = anomalies & (_unit_hash(np.arange(len(anomalies), dtype=np.uint64), seed) < 0.5)
    return replace(split, calibration=split.calibration | calibrated, test=split.test & ~calibrated)


def _unit_hash(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each row number (SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    start = np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    with np.errstate(over="ignore"):
        x = numbers * np.uint64(0x9E3779B97F4A7C15) + start
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53
