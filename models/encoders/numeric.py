"""Encoders of numbers and of truth values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoder import (
    FloatMatrix,
    Novelty,
    fill,
    level_deviation,
    missing_feature,
    missing_phrase,
    with_missing,
)
from models.schema import Kind
from models.schema.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFeatureEncoder(ABC):
    """What encoders share that make one feature of a value: z = (f(x) − center) / scale.

    Args:
        name: The column.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a feature.
        surprise: What a missing value adds where no fitting row lacked one.
    """

    name: str
    missing_share: float = 0.0
    surprise: float = 0.0

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
    def bends(self) -> bool:
        """Whether f(x) is another value than x."""
        return False

    def bend(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return f(x)."""
        return values

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        center, scale = self.standard
        return fill(out, (self.bend(values) - center) / scale, self.missing_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEncoder(OneFeatureEncoder):
    """z = (f(x) − center) / scale, with f the identity or, for a heavy-tailed column, a signed logarithm.

    The logarithm is f(x) = sign(x − origin) · log(1 + |x − origin| / unit). Both forms grow without end, so a
    value beyond the training range is further away, never clipped.

    Args:
        center: Mean of f(x) over the fitting rows.
        scale: Standard deviation of f(x) over the fitting rows.
        origin: Middle of the signed logarithm.
        unit: Where the signed logarithm bends; None for the identity.
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
        """Return the expected number: one that the fitting rows could have had."""
        value = bent = float(features[0]) * self.scale + self.center
        if self.unit is not None:
            value = self.origin + float(np.sign(bent) * np.expm1(min(abs(bent), 700.0)) * self.unit)
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
    def bends(self) -> bool:
        return self.unit is not None

    def bend(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.unit is None:
            return values
        distance = values - self.origin
        return np.sign(distance) * np.log1p(np.abs(distance) / self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanEncoder(OneFeatureEncoder):
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
        return bool(features[0] * level_deviation(self.share) + self.share >= 0.5)

    def actual(self, value: Any) -> Cell:
        return None if math.isnan(value) else bool(value)

    def describe(self) -> str:
        return f"true in {self.share:.1%} of rows" + missing_phrase(self.missing_share)
