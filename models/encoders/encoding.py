"""Encodings, learned for one column, and encoders of many columns: what all kinds share, missing values among it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.messages import Message, phrase
from models.schema import Kind
from models.schema.cells import Cell

FloatMatrix = NDArray[np.float32]
Mask = NDArray[np.bool_]

Z_LIMIT: Final = 1e15
"""The largest distance, in deviations: it keeps squares finite in float32, and no real value comes near."""

_MIN_LEVEL_DEVIATION: Final = 0.1  # that of a level that 1 % of the rows have: rarer ones do not drown the rest


@dataclass(frozen=True, kw_only=True)
class Encoding(ABC):
    """What was learned of one column: its features, their weights, and the way back to the user's values.

    Args:
        missing_share: Share of the fitting rows without a value; above 0, that is a feature.
        novelty_penalty: What a value adds that no fitting row had, in squared deviations: an unseen category, and a
            missing value where no fitting row lacked one.
    """

    kind: ClassVar[Kind]
    name: str
    missing_share: float = 0.0
    novelty_penalty: float = 0.0

    @cached_property
    def value_names(self) -> tuple[str, ...]:
        """Names of the leading features, which hold the value itself; where it is missing they do not count."""
        return (self.name,)

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the other columns that the last of the leading features, one each, are made with."""
        return ()

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return (*self.value_names, f"{self.name} is missing") if self.missing_share else self.value_names

    @property
    def weights(self) -> tuple[float, ...]:
        """Weight of each feature's squared error; the column's variance is one in all."""
        count, share = len(self.value_names), self.missing_share
        if not share:
            return (1.0 / count,) * count
        variance = (1.0 - share) + share * (1.0 - share) / level_deviation(share) ** 2
        return tuple(float(weight / variance) for weight in (*(1.0 / count,) * count, 1.0))

    @property
    @abstractmethod
    def words(self) -> Message:
        """How a value is encoded, in one phrase."""

    def describe(self) -> Message:
        """Describe the encoding in one phrase."""
        if not self.missing_share:
            return self.words
        return phrase("{words}; missing in {share:.1%}, which is a feature", words=self.words, share=self.missing_share)

    @abstractmethod
    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        """Return the value, in the user's own units, that features `(len(features),)` stand for."""

    @abstractmethod
    def actual(self, value: Any) -> Cell:
        """Return a raw value as it is reported to the user; None where it is missing."""

    def expected_beside(self, actual: Cell, features: Sequence[float] | NDArray[Any]) -> tuple[Cell, float | None]:
        """Return the expected value as a reason shows it beside the actual one, which would often read the same.

        Returns:
            The value that the features stand for. Where that is the actual one: a number as it is, neither rounded nor
            kept in the range of the fitting rows; of other kinds the same value, and its probability.
        """
        expected = self.decode(features)
        return (expected, None) if expected != actual else self._expected_alike(expected, features)

    def _expected_alike(self, value: Cell, features: Sequence[float] | NDArray[Any]) -> tuple[Cell, float | None]:
        return value, None


class ValueMasks(NamedTuple):
    """Which values of K columns, n rows each, need special treatment.

    Args:
        missing: Missing values `(K, n)`, or None where there is none.
        unseen: Values that no fitting row had `(K, n)`, or None where there is none.
        penalties: What values that are rare by themselves add, in squared deviations `(K, n)`; None for nothing.
        features: Single features, by their position in `Z`, whose value is missing in rows of a mask `(n,)`; None where
            there is none.
    """

    missing: Mask | None = None
    unseen: Mask | None = None
    penalties: NDArray[np.float64] | None = None
    features: Sequence[tuple[int, Mask]] | None = None


class Encoder(ABC):
    """Encodes K columns of one kind at once: for a single record, an array a column would be most of the time.

    Args:
        starts: Position in `Z` of the first feature of each.
    """

    def __init__(self, encodings: Sequence[Encoding], starts: Sequence[int]) -> None:
        self._names = [encoding.name for encoding in encodings]
        self._indicators = [
            (i, start + len(encoding.value_names), encoding.missing_share)
            for i, (encoding, start) in enumerate(zip(encodings, starts, strict=True))
            if encoding.missing_share
        ]

    @abstractmethod
    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        """Encode n values of each column, by name, into its features of `out`, which holds those of all `(n, d)`."""

    def _values(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([columns[name] for name in self._names]).reshape(len(self._names), -1)

    def _write_indicators(self, missing: Mask, out: FloatMatrix) -> None:
        for i, position, share in self._indicators:
            out[:, position] = (missing[i] - share) / level_deviation(share)


def clip_in_place(z: NDArray[Any], missing: Mask | None) -> NDArray[Any]:
    """Clip z to `Z_LIMIT`, and set it to 0, the mean, where it is missing; return the same array.

    In place, and by two calls: large arrays are slow to allocate, and `clip` takes longer for a single row.
    """
    if missing is not None:
        z[missing] = 0.0
    np.maximum(z, -Z_LIMIT, out=z)
    np.minimum(z, Z_LIMIT, out=z)
    return z


def level_deviation(share: Any) -> Any:
    """Return the standard deviation of an indicator that is 1 in `share` of the rows, not below a floor."""
    return np.maximum(np.sqrt(share * (1.0 - share)), _MIN_LEVEL_DEVIATION)


def as_probability(expected: float) -> float:
    """Return the expected value of an indicator as a probability; a network's output may lie outside of [0, 1].

    Example:
        >>> as_probability(0.55), as_probability(1.2)
        (0.55, 1.0)
    """
    return min(max(expected, 0.0), 1.0)


def index_of(positions: Sequence[int]) -> NDArray[np.intp] | slice:
    """Return positions as an index: a slice, which is quicker to write to, where they are consecutive.

    Example:
        >>> index_of([3, 4, 5]), index_of([3, 5])
        (slice(3, 6, None), array([3, 5]))
    """
    if positions and list(positions) == list(range(positions[0], positions[0] + len(positions))):
        return slice(positions[0], positions[0] + len(positions))
    return np.array(positions, np.intp)
