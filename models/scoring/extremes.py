"""Extremes: numbers that lie far beyond nearly all others of their column, learned from the fitting rows.

A network learns single rows, too, where they are few, and a gross error among the fitting rows stretches the range in
which it is asked. The range of a column without its outermost values does not know it: a number beyond that range adds
to the score by its excess in widths of the range. These are fences in the manner of Tukey (Exploratory Data Analysis,
1977), on a range of nearly all values in place of the quartiles, so that skewed and heavy-tailed columns have few
values beyond them. A number on the other side of zero than nearly all others has a fence of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.encoders import FloatMatrix, Mask, NumericEncoding, features_from_plain
from models.encoders.preprocessor import Encoded, Preprocessor
from models.strict_json import from_plain

_OUTERMOST: Final = 0.005  # share of the values at each end that the range leaves out
_LEAST_OUTERMOST: Final = 3  # values at each end: as many gross errors as may be in a small table
_MARGIN: Final = 0.25  # of the range, by which usual values may be beyond it; from there on, it is the unit, too
_LEAST_VALUES: Final = 10  # different ones: with fewer a column is a code, and how rare they are says more
_LEAST_WIDTH: Final = 1e-3  # in standard deviations: a narrower range is that of a column with nearly one value
_NORMAL_WIDTH: Final = 5.0  # in standard deviations, about the range of 99 % of a normal distribution: in its place
_MOST_ROWS: Final = 100_000  # that ranges are learned from
_GROSS: Final = 10.0  # ranges, beyond which a value is a gross error: even of heavy tails, hardly any usual one is
_MOST_GROSS: Final = 0.01  # of the rows
_STRANGEST: Final = 0.999  # quantile of the fitting rows' scores, which a unit of excess adds


class Excesses(NamedTuple):
    """How far m of n rows are beyond the fences, each in the feature that is furthest.

    Args:
        rows: Their indices `(m,)`, ascending.
        features: Position in `Z` of the feature `(m,)`.
        units: Its distance from the fence, in units of its column `(m,)`, above 0.
    """

    rows: NDArray[np.intp]
    features: NDArray[np.intp]
    units: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Extremes:
    """Fences of k of d features: a quarter of the range beyond each of its ends, or where the sign is another one.

    Args:
        positions: The features, as positions in `Z` `(k,)`, ascending.
        fences: The lower and the upper one `(2, k)`.
        units: What counts as one beyond each of them, about a quarter of the range `(2, k)`, above 0.
        scale: What a unit beyond a fence adds to the anomaly score.
        features: d.
    """

    positions: NDArray[np.intp]
    fences: FloatMatrix
    units: FloatMatrix
    scale: float
    features: int

    @classmethod
    def of(cls, encoded: Encoded, preprocessor: Preprocessor, *, scores: NDArray[np.float64]) -> Extremes | None:
        """Learn from n fitting rows and their scores without extremes `(n,)`; None where no feature has a range.

        A value that is beyond the range by half of it adds about what the strangest of 1,000 fitting rows have.

        Args:
            encoded: The rows.
            preprocessor: Encoded them.
            scores: Of the rows.
        """
        step = max(1, -(-len(encoded) // _MOST_ROWS))
        sampled = encoded.Z[::step]
        missing = None if encoded.missing is None else encoded.missing[::step]
        learned = []
        for encoding, position in zip(preprocessor.encodings, preprocessor.starts.tolist(), strict=True):
            if not isinstance(encoding, NumericEncoding):
                continue
            values = sampled[:, position] if missing is None else sampled[~missing[:, position], position]
            if found := _fences_of(np.sort(values), encoding):
                learned.append((position, *found))
        if not learned:
            return None
        positions, fences, units = zip(*learned, strict=True)
        return cls(
            positions=np.array(positions, np.intp),
            fences=np.array(fences, np.float32).T,
            units=np.array(units, np.float32).T,
            scale=float(np.quantile(scores, _STRANGEST)),
            features=encoded.Z.shape[1],
        )

    def excesses(self, encoded: Encoded) -> Excesses | None:
        """Return the rows that are beyond a fence; None where no row is. A missing value never is."""
        low, high = self._ends
        above, below = high < encoded.Z, low > encoded.Z
        if not (np.count_nonzero(above) or np.count_nonzero(below)):  # `any` takes longer for a single row
            return None
        beyond = above | below
        if encoded.missing is not None:
            beyond &= ~encoded.missing
        rows = np.flatnonzero(beyond.any(axis=1))
        if not len(rows):
            return None
        Z, fences = encoded.Z[np.ix_(rows, self.positions)].astype(np.float64), self.fences.astype(np.float64)
        units = np.maximum((fences[0] - Z) / self.units[0], (Z - fences[1]) / self.units[1])
        units[~beyond[np.ix_(rows, self.positions)]] = 0.0
        furthest = units.argmax(axis=1)
        return Excesses(rows, self.positions[furthest], units[np.arange(len(rows)), furthest])

    def gross(self, encoded: Encoded) -> Mask:
        """Return which of n rows have a number beyond everything else by ten times the range of its column `(n,)`.

        None has, where that would be more than one row and one in a hundred: then the rows are like that.
        """
        is_gross = np.zeros(len(encoded), np.bool_)
        if (found := self.excesses(encoded)) is not None:
            is_gross[found.rows] = found.units >= _GROSS / _MARGIN - 1.0
        if is_gross.sum() > max(1.0, _MOST_GROSS * len(encoded)):
            is_gross[:] = False
        return is_gross

    @cached_property
    def _ends(self) -> tuple[FloatMatrix, FloatMatrix]:
        """The lower and the upper fences of all features `(1, d)` each, infinite where a feature has none.

        They have the shape of a single row: NumPy takes a third of the time for equal shapes.
        """
        fences = np.full((2, self.features), [[-np.inf], [np.inf]], np.float32)
        fences[:, self.positions] = self.fences
        return fences[:1], fences[1:]

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes equal extremes."""
        return {
            "positions": self.positions.tolist(),
            "fences": self.fences.astype(float).tolist(),
            "units": self.units.astype(float).tolist(),
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, features: int) -> Extremes:
        """Make extremes from what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: `plain` is not the plain form of extremes of so many features.
        """
        extremes = cls(
            positions=np.array(from_plain(plain["positions"], list[int]), np.intp),
            fences=features_from_plain(plain["fences"]),
            units=features_from_plain(plain["units"]),
            scale=from_plain(plain["scale"], float),
            features=features,
        )
        shapes = (extremes.positions.shape, extremes.fences.shape, extremes.units.shape)
        k = len(extremes.positions)
        if not k or shapes != ((k,), (2, k), (2, k)) or plain.keys() != extremes.to_json().keys():
            raise ValueError(f"extremes of shapes {shapes}")
        first, last = extremes.positions[[0, -1]].tolist()
        if (np.diff(extremes.positions) <= 0).any() or not 0 <= first <= last < features:
            raise ValueError(f"extremes of other features than the {features} there are")
        if not ((extremes.units > 0).all() and (extremes.fences[0] <= extremes.fences[1]).all()):
            raise ValueError("a range of the extremes is empty")
        if not 0 <= extremes.scale < math.inf:
            raise ValueError("the scale of the extremes is below 0")
        return extremes


Pair = tuple[float, float]
"""A number for the lower, and one for the upper fence."""


def _fences_of(values: FloatMatrix, encoding: NumericEncoding) -> tuple[Pair, Pair] | None:
    """Return fences and units of a feature with these fitting values, ascending `(n,)`; None for a code.

    Where all but three have one sign, a number of the other sign has its fence at half of the median, and is a unit
    beyond it at the median: its range is that from zero to twice the median.
    """
    n = len(values)
    if np.count_nonzero(np.diff(values)) < _LEAST_VALUES:
        return None
    outermost = min(max(_LEAST_OUTERMOST, math.ceil(_OUTERMOST * n)), n // 4)
    low, high = float(values[outermost]), float(values[n - 1 - outermost])
    deviation = float(values.std(dtype=np.float64))
    width = high - low if high - low > _LEAST_WIDTH * deviation else _NORMAL_WIDTH * deviation
    below, above, unit = low - _MARGIN * width, high + _MARGIN * width, _MARGIN * width
    units = [unit, unit]
    median = encoding.number([values[n // 2]])
    zero, half, whole = (encoding.encoded(-share * median) for share in (0.0, 0.5, 1.0))
    if abs(whole - half) > _LEAST_WIDTH * deviation:
        if values[_LEAST_OUTERMOST] >= np.float32(zero) and half > below:
            below, units[0] = half, half - whole
        elif values[-1 - _LEAST_OUTERMOST] <= np.float32(zero) and half < above:
            above, units[1] = half, whole - half
    return (below, above), (units[0], units[1])
