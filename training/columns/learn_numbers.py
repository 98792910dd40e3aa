"""What the fitting rows teach of a column of numbers, and the novelty penalty of values that are rare."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders import NumericEncoding
from models.errors import Set, TableError
from models.schema import Column

SCALE_OF_CONSTANTS: Final = 1.0

_HEAVY_TAIL: Final = 20.0  # deviations: a column with rows so far out is put on a logarithm
_FEW_ROWS: Final = 0.001  # if so few of the rows have more than half of its variance, or half of the rows one value
_MIN_TWO_VALUED_SCALE: Final = 0.03  # of the distance of two values: that of a flag of 0.1 % of the rows
_LARGEST: Final = 1e300
_ROUNDING: Final = 8 * math.ulp(1.0)  # of the largest value: a smaller spread is the rounding of float64


def learn_numeric(column: Column, values: NDArray[Any]) -> NumericEncoding:
    """Learn the encoding of a column of numbers `(n,)`, NaN for missing ones.

    Raises:
        TableError: A number is too large.
    """
    present, gaps = present_values(values)
    if np.abs(present).max() > _LARGEST:
        largest = present[np.abs(present).argmax()]
        what = f"Column {column.name!r} has the value {largest:g}, beyond {_LARGEST:g}: nothing can be learned from it."
        raise TableError(what, " Fix it or leave it empty, or say ", Set("exclude", column.name), ".")
    center, scale = center_and_scale(present)
    origin, unit = 0.0, None
    if scale is not None and len(np.unique(present)) <= 2:
        scale = max(scale, _MIN_TWO_VALUED_SCALE * float(np.ptp(present)))
    elif scale is not None and _has_heavy_tail(present, center, scale):
        origin = float(np.median(present))
        distances = np.abs(present - origin)
        unit = float(np.median(distances[distances > 0]))
        center, scale = center_and_scale(np.sign(present - origin) * np.log1p(distances / unit))
    return NumericEncoding(
        name=column.name,
        center=center,
        scale=scale or SCALE_OF_CONSTANTS,
        low=float(present.min()),
        high=float(present.max()),
        whole=bool((present == np.floor(present)).all()),
        origin=origin,
        unit=unit,
        **gaps,
    )


def _has_heavy_tail(values: NDArray[Any], center: float, scale: float) -> bool:
    distances = np.sort(np.abs(values - center) / scale)[::-1]
    if distances[0] <= _HEAVY_TAIL:
        return False
    squares = np.square(distances)
    of_few_rows = squares[: math.ceil(_FEW_ROWS * len(values))].sum() > squares.sum() / 2
    return bool(of_few_rows or (values == np.median(values)).mean() > 0.5)


def present_values(values: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the present values, and what an encoding says of missing ones."""
    missing = np.isnan(values)
    gaps = {"missing_share": float(missing.mean()), "novelty_penalty": novelty_penalty(len(values))}
    return values[~missing], gaps


def center_and_scale(values: NDArray[Any]) -> tuple[float, float | None]:
    """Return mean and standard deviation; None for a constant, which carries no information.

    The unit does not matter: a spread is small only beside the values themselves.
    """
    largest = float(np.abs(values).max()) or 1.0
    shares = values / largest  # squares of 1e160 would overflow
    center = float(shares.mean()) * largest
    spread = float((shares - center / largest).std())  # of the centred values: exact for 1e12 ± 1, too
    return center, max(spread * largest, math.ulp(0.0)) if spread > _ROUNDING else None


def novelty_penalty(n: int, *, singles: int = 1) -> float:
    """Return the novelty penalty: squared deviations that a normal variable exceeds as often as a new value occurs.

    After n rows, that is once in n + 1 times; more often where many rows have a value of their own, since their
    share is about that of new values (I. J. Good, 1953).
    """
    return penalty_of(max(1.0 / (n + 1), singles / (n + 1)))


def penalty_of(share: float) -> float:
    """Return the novelty penalty of what a share of the rows has: what a normal variable exceeds as often, squared."""
    return NormalDist().inv_cdf(1 - 0.5 * share) ** 2
