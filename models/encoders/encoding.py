"""The protocols of encodings, learned for one column, and encoders of many columns; the encoding of missing values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Encoding(Protocol):
    """What was learned of one column: its features, their weights, and the way back to the user's values."""

    kind: ClassVar[Kind]

    @property
    def name(self) -> str:
        """Name of the column."""
        ...

    @property
    def novelty_penalty(self) -> float:
        """What a value adds that no fitting row had, in squared deviations."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        ...

    @property
    def value_features(self) -> int:
        """Number of leading features that hold the value itself; where it is missing they do not count."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """Weight of each feature's squared error."""
        ...

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        """Return the value, in the user's own units, that features `(len(features),)` stand for."""
        ...

    def actual(self, value: Any) -> Cell:
        """Return a raw value as it is reported to the user; None where it is missing."""
        ...

    def describe(self) -> str:
        """Describe the encoding in one phrase."""
        ...


class ValueMasks(NamedTuple):
    """Which values of K columns, n rows each, need special treatment.

    Args:
        missing: Missing values `(K, n)`, or None where there is none.
        unseen: Values that no fitting row had `(K, n)`, or None where there is none.
    """

    missing: Mask | None = None
    unseen: Mask | None = None


class Encoder(Protocol):
    """Encodes K columns of one kind at once: for a single record, an array a column would be most of the time."""

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        """Encode n values of each column.

        Args:
            columns: Values by name.
            out: All features `(n, d)`; those of the K columns are written.
        """
        ...


def clip_in_place(z: NDArray[Any], missing: Mask | None) -> NDArray[Any]:
    """Clip z to `Z_LIMIT`, and set it to 0, the mean, where it is missing; return the same array.

    In place, and by two calls: large arrays are slow to allocate, and `clip` takes longer for a single row.
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
    """Add the weight of the feature for missing values; the column's variance stays one in all."""
    if not share:
        return weights
    variance = (1.0 - share) + share * (1.0 - share) / level_deviation(share) ** 2
    return tuple(float(weight / variance) for weight in (*weights, 1.0))


def missing_feature(name: str, missing_share: float) -> tuple[str, ...]:
    """Return the name of the feature for missing values, where there is one."""
    return (f"{name} is missing",) if missing_share else ()


def missing_phrase(missing_share: float) -> str:
    """Describe the encoding of missing values."""
    return f"; missing in {missing_share:.1%}, which is a feature" if missing_share else ""


def index_of(positions: Sequence[int]) -> NDArray[np.intp] | slice:
    """Return positions as an index: a slice, which is quicker to write to, where they are consecutive.

    Example:
        >>> index_of([3, 4, 5]), index_of([3, 5])
        (slice(3, 6, None), array([3, 5]))
    """
    if positions and list(positions) == list(range(positions[0], positions[0] + len(positions))):
        return slice(positions[0], positions[0] + len(positions))
    return np.array(positions, np.intp)
