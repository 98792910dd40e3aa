"""The encoder of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoder import FloatMatrix, Novelty, level_deviation, missing_feature, missing_phrase
from models.schema import Kind
from models.schema.cells import Cell

UNSEEN: Final = -2
"""In the place of a level: no fitting row had the value."""

_NO_LEVEL: Final = -1


@dataclass(frozen=True, kw_only=True)
class CategoricalEncoder:
    """One feature a level: z = (1 if the value is this level else 0, less the level's share) / deviation.

    Args:
        name: The column.
        categories: The values with a level of their own, most frequent first.
        shares: Share of the fitting rows that have each category.
        rare_share: Share of the fitting rows in the bucket of rare categories; 0 for no bucket.
        rare: The categories in that bucket.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a level.
        surprise: What an unseen category adds, or a missing value where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.CATEGORICAL
    name: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    rare_share: float = 0.0
    rare: tuple[str, ...] = ()
    missing_share: float = 0.0
    surprise: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        bucket = (f"{self.name} is rare",) if self.rare_share else ()
        return (
            *(f"{self.name} = {c}" for c in self.categories),
            *bucket,
            *missing_feature(self.name, self.missing_share),
        )

    @property
    def value_features(self) -> int:
        return len(self.categories) + (self.rare_share > 0)

    @property
    def weights(self) -> tuple[float, ...]:
        levels = len(self.features)
        return (1.0 / levels,) * levels

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        level = np.fromiter((self.levels.get(value, UNSEEN) for value in values), np.int64, len(values))
        missing = np.fromiter((value is None for value in values), np.bool_, len(values))
        unseen = level == UNSEEN
        level[unseen] = self.unseen_level
        out[:] = self.outside
        rows = np.flatnonzero(level >= 0)
        out[rows, level[rows]] = self.inside[level[rows]]
        return Novelty(missing if missing.any() else None, unseen if unseen.any() else None)

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        level = int(np.argmax(np.multiply(features, self._deviations) + self._shares))
        if level < len(self.categories):
            return self.categories[level]
        return None if level == self.value_features else "(rare)"

    def actual(self, value: Any) -> Cell:
        return None if value is None else str(value)

    def describe(self) -> str:
        bucket = f", {len(self.rare):,} rare ones in one bucket" if self.rare_share else ""
        return f"{len(self.categories)} categories{bucket}" + missing_phrase(self.missing_share)

    @cached_property
    def levels(self) -> dict[str | None, int]:
        """The level of each value of the fitting rows, and of a missing one; negative for none."""
        bucket = len(self.categories)
        levels: dict[str | None, int] = {category: level for level, category in enumerate(self.categories)}
        levels |= dict.fromkeys(self.rare, bucket)
        levels[None] = self.value_features if self.missing_share else _NO_LEVEL
        return levels

    @property
    def unseen_level(self) -> int:
        """The level of a value that no fitting row had."""
        return len(self.categories) if self.rare_share else _NO_LEVEL

    @cached_property
    def outside(self) -> NDArray[np.float64]:
        """The feature of each level for a row that does not have it."""
        return -self._shares / self._deviations

    @cached_property
    def inside(self) -> NDArray[np.float64]:
        """The feature of each level for a row that has it."""
        inside: NDArray[np.float64] = (1.0 - self._shares) / self._deviations
        return inside

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        return np.array([*self.shares, *filter(None, (self.rare_share, self.missing_share))])

    @cached_property
    def _deviations(self) -> NDArray[np.float64]:
        return np.asarray(level_deviation(self._shares))
