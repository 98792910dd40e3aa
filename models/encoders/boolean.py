"""The encoding of truth values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from models.encoders.encoding import level_deviation, missing_phrase
from models.encoders.numeric import SingleFeatureEncoding
from models.schema import Kind
from models.schema.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanEncoding(SingleFeatureEncoding):
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
