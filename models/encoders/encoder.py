"""What every encoder offers, and how missing values and levels enter for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.schema import Kind
from models.schema.cells import Cell

FloatMatrix = NDArray[np.float32]
Mask = NDArray[np.bool_]

Z_LIMIT: Final = 1e15
"""The largest distance, in deviations: it keeps squares finite in float32, and no real value comes near."""

_MIN_LEVEL_DEVIATION: Final = 0.1  # that of a level that 1 % of the rows have: rarer ones do not drown the rest


class Novelty(NamedTuple):
    """What an encoder says of n values beyond their features.

    Args:
        missing: Rows whose value is missing `(n,)`, or None where none is.
        unseen: Rows whose value no fitting row had `(n,)`, or None where there is none.
    """

    missing: Mask | None = None
    unseen: Mask | None = None


class Encoder(Protocol):
    """What every kind of column offers."""

    kind: ClassVar[Kind]

    @property
    def name(self) -> str:
        """Name of the column."""
        ...

    @property
    def surprise(self) -> float:
        """What a value adds that no fitting row had, in squared deviations."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        ...

    @property
    def value_features(self) -> int:
        """How many of the first features hold the value itself; they are not judged where it is missing."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """What an error of one squared unit of each feature counts."""
        ...

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        """Write the features of n values into `out` `(n, len(features))`."""
        ...

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        """Return the value, in the user's own units, that features `(len(features),)` stand for."""
        ...

    def actual(self, value: Any) -> Cell:
        """Return a raw value as it is shown to the user; None where it is missing."""
        ...

    def describe(self) -> str:
        """Say in one phrase how the column enters."""
        ...


def fill(out: FloatMatrix, z: NDArray[Any], missing_share: float) -> Novelty:
    """Write z to the first feature, 0 (the mean) where it is missing, and the feature for missing values."""
    missing = np.isnan(z)
    out[:, 0] = hold(z, missing)
    if missing_share:
        out[:, -1] = missing_indicator(missing, missing_share)
    return Novelty(missing if missing.any() else None)


def hold(z: NDArray[Any], missing: Mask | None) -> NDArray[Any]:
    """Hold z within `Z_LIMIT`, and at 0, the mean, where it is missing; return it, the same array.

    In place, and by two calls: large arrays are slow to come by, and `clip` takes longer for a single row.
    """
    if missing is not None:
        z[missing] = 0.0
    np.maximum(z, -Z_LIMIT, out=z)
    np.minimum(z, Z_LIMIT, out=z)
    return z


def missing_indicator(missing: Mask, share: float) -> NDArray[Any]:
    """Return the feature for missing values."""
    feature: NDArray[Any] = (missing - share) / level_deviation(share)
    return feature


def level_deviation(share: Any) -> Any:
    """Return the standard deviation of an indicator that is 1 in `share` of the rows, not below a floor."""
    return np.maximum(np.sqrt(share * (1.0 - share)), _MIN_LEVEL_DEVIATION)


def with_missing(weights: tuple[float, ...], share: float) -> tuple[float, ...]:
    """Add the weight of the feature for missing values; the column's variance, in all, stays one."""
    if not share:
        return weights
    variance = (1.0 - share) + share * (1.0 - share) / level_deviation(share) ** 2
    return tuple(float(weight / variance) for weight in (*weights, 1.0))


def missing_feature(name: str, missing_share: float) -> tuple[str, ...]:
    """Return the name of the feature for missing values, where there is one."""
    return (f"{name} is missing",) if missing_share else ()


def missing_phrase(missing_share: float) -> str:
    """Say how missing values enter."""
    return f"; missing in {missing_share:.1%}, which is a feature" if missing_share else ""
