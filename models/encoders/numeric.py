"""Encoding numbers: standardised, with a signed logarithm for heavy tails. Truth values are encoded with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoding import (
    Encoder,
    Encoding,
    FloatMatrix,
    ValueMasks,
    as_probability,
    clip_in_place,
    index_of,
    level_deviation,
)
from models.messages import Message, phrase
from models.schema import Kind
from models.schema.cells import Cell


@dataclass(frozen=True, kw_only=True)
class NumericEncoding(Encoding):
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
        value = self.number(features)
        if value < self.low:
            value = self.low
        elif value > self.high:
            value = self.high
        return float(round(value)) if self.whole else value

    def _expected_alike(self, value: Cell, features: Sequence[float] | NDArray[Any]) -> tuple[Cell, float | None]:
        return self.number(features), None

    def number(self, features: Sequence[float] | NDArray[Any]) -> float:
        """Return the number that features stand for, not rounded, also beyond the range of the fitting rows."""
        transformed = float(features[0]) * self.scale + self.center
        if self.unit is None:
            return transformed
        distance = np.expm1(min(abs(transformed), 700.0)) * self.unit
        return self.origin + float(np.sign(transformed) * distance)

    def actual(self, value: Any) -> Cell:
        return None if math.isnan(value) else float(value)

    @property
    def words(self) -> Message:
        if self.unit is None:
            return phrase("standardised")
        return phrase("logarithm of its distance from the median, standardised")

    def encoded(self, value: float) -> float:
        """Return z of a single number, infinite ones among them."""
        transformed = value
        if self.unit is not None and math.isfinite(value):
            distance = value - self.origin
            transformed = math.copysign(math.log1p(abs(distance) / self.unit), distance)
        return (transformed - self.center) / self.scale

    def logarithm(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return f(x) where it is not the identity."""
        distance = values - self.origin
        return np.sign(distance) * np.log1p(np.abs(distance) / self.unit)


@dataclass(frozen=True, kw_only=True)
class BooleanEncoding(Encoding):
    """z = (x − share) / deviation of a truth value x in {0, 1}.

    Args:
        share: Share of true values among the fitting rows that have one.
    """

    kind: ClassVar[Kind] = Kind.BOOLEAN
    share: float

    @property
    def standard(self) -> tuple[float, float]:
        return self.share, level_deviation(self.share)

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        return self._probability(features) >= 0.5

    def _expected_alike(self, value: Cell, features: Sequence[float] | NDArray[Any]) -> tuple[Cell, float | None]:
        probability = self._probability(features)
        return value, as_probability(probability if value else 1.0 - probability)

    def _probability(self, features: Sequence[float] | NDArray[Any]) -> float:
        return float(features[0] * level_deviation(self.share) + self.share)

    def actual(self, value: Any) -> Cell:
        return None if math.isnan(value) else bool(value)

    @property
    def words(self) -> Message:
        return phrase("true in {share:.1%} of rows", share=self.share)


class NumericEncoder(Encoder):
    """Encodes K columns of numbers and truth values."""

    def __init__(self, encodings: Sequence[NumericEncoding | BooleanEncoding], starts: Sequence[int]) -> None:
        super().__init__(encodings, starts)
        self._logarithms = [
            (i, encoding.logarithm)
            for i, encoding in enumerate(encodings)
            if isinstance(encoding, NumericEncoding) and encoding.unit is not None
        ]
        self._positions = index_of(starts)
        standards = np.array([encoding.standard for encoding in encodings], np.float64).reshape(-1, 2)
        self._centers, self._scales = standards[:, :1], standards[:, 1:]  # (K, 1) each

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        z = self._values(columns)
        for i, logarithm in self._logarithms:
            z[i] = logarithm(z[i])
        z -= self._centers
        z /= self._scales
        missing = np.isnan(z)
        any_missing = bool(missing.any())
        out[:, self._positions] = clip_in_place(z, missing if any_missing else None).T
        self._write_indicators(missing, out)
        return ValueMasks(missing if any_missing else None)
