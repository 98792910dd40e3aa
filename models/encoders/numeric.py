"""Encoding numbers: standardised, with a signed logarithm for heavy tails. Truth values are encoded with them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoding import (
    FloatMatrix,
    ValueMasks,
    clip_in_place,
    index_of,
    missing_feature,
    missing_indicator,
    missing_phrase,
    with_missing,
)
from models.schema import Kind
from models.schema.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFeatureEncoding(ABC):
    """An encoding that makes one feature of a value: z = (f(x) − center) / scale.

    Args:
        name: The column.
        missing_share: Share of the fitting rows without a value; above 0, that is a feature.
        novelty_penalty: Of a missing value where no fitting row lacked one.
    """

    name: str
    missing_share: float = 0.0
    novelty_penalty: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, *missing_feature(self.name, self.missing_share))

    @property
    def value_features(self) -> int:
        return 1

    @property
    def weights(self) -> tuple[float, ...]:
        return with_missing((1.0,), self.missing_share)

    @property
    @abstractmethod
    def standard(self) -> tuple[float, float]:
        """Center and scale of f(x)."""

    @property
    def is_transformed(self) -> bool:
        """Whether f is not the identity."""
        return False

    def transform(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return f(x)."""
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEncoding(SingleFeatureEncoding):
    """z = (f(x) − center) / scale, with f the identity or, for a heavy-tailed column, a signed logarithm.

    The logarithm is f(x) = sign(x − origin) · log(1 + |x − origin| / unit). Both forms grow without end, so a
    value beyond the training range is further away, never clipped.

    Args:
        center: Mean of f(x) over the fitting rows.
        scale: Standard deviation of f(x) over the fitting rows.
        origin: Middle of the signed logarithm.
        unit: Distance from the origin where the logarithm takes over from a straight line; None for the identity.
        low: Smallest value of the fitting rows.
        high: Largest value of the fitting rows.
        whole: All values of the fitting rows are whole numbers.
    """

    kind: ClassVar[Kind] = Kind.NUMERIC
    center: float
    scale: float
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    origin: float = 0.0
    unit: float | None = None

    @property
    def standard(self) -> tuple[float, float]:
        return self.center, self.scale

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        """Return the expected number, within the range of the fitting rows."""
        value = transformed = float(features[0]) * self.scale + self.center
        if self.unit is not None:
            distance = np.expm1(min(abs(transformed), 700.0)) * self.unit
            value = self.origin + float(np.sign(transformed) * distance)
        if value < self.low:
            value = self.low
        elif value > self.high:
            value = self.high
        return float(round(value)) if self.whole else value

    def actual(self, value: Any) -> Cell:
        return None if math.isnan(value) else float(value)

    def describe(self) -> str:
        form = "standardised" if self.unit is None else "logarithm of its distance from the median, standardised"
        return form + missing_phrase(self.missing_share)

    @property
    def is_transformed(self) -> bool:
        return self.unit is not None

    def transform(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.unit is None:
            return values
        distance = values - self.origin
        return np.sign(distance) * np.log1p(np.abs(distance) / self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEncoder:
    """Encodes K columns of numbers and truth values.

    Args:
        encodings: Of the columns.
        names: Of the columns.
        transformed: Which of them are not taken as they are.
        with_indicator: Which of them have a feature for missing values, and its position in `Z`.
        positions: First feature of each in `Z` `(K,)`.
        centers: Center of each `(K, 1)`.
        scales: Scale of each `(K, 1)`.
    """

    encodings: tuple[SingleFeatureEncoding, ...]
    names: tuple[str, ...]
    transformed: tuple[int, ...]
    with_indicator: tuple[tuple[int, int], ...]
    positions: NDArray[np.intp] | slice
    centers: NDArray[np.float64]
    scales: NDArray[np.float64]

    @classmethod
    def of(cls, encodings: Sequence[SingleFeatureEncoding], starts: Sequence[int]) -> NumericEncoder:
        """Make the encoder of K columns, whose first features have the positions `starts`."""
        standards = np.array([encoding.standard for encoding in encodings], np.float64).reshape(-1, 2)
        return cls(
            encodings=tuple(encodings),
            names=tuple(encoding.name for encoding in encodings),
            transformed=tuple(i for i, encoding in enumerate(encodings) if encoding.is_transformed),
            with_indicator=tuple((i, starts[i] + 1) for i, encoding in enumerate(encodings) if encoding.missing_share),
            positions=index_of(starts),
            centers=standards[:, :1],
            scales=standards[:, 1:],
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        z = np.concatenate([columns[name] for name in self.names]).reshape(len(self.names), -1)
        for i in self.transformed:
            z[i] = self.encodings[i].transform(z[i])
        z -= self.centers
        z /= self.scales
        missing = np.isnan(z)
        any_missing = bool(missing.any())
        out[:, self.positions] = clip_in_place(z, missing if any_missing else None).T
        for i, position in self.with_indicator:
            out[:, position] = missing_indicator(missing[i], self.encodings[i].missing_share)
        return ValueMasks(missing if any_missing else None)
