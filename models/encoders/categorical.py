"""Encoding categories: one feature for each frequent one, and one for all rare ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoding import (
    FloatMatrix,
    ValueMasks,
    index_of,
    level_deviation,
    missing_feature,
    missing_phrase,
)
from models.schema import Kind
from models.schema.cells import Cell

_UNSEEN: Final = -2
_NO_LEVEL: Final = -1


@dataclass(frozen=True, kw_only=True)
class CategoricalEncoding:
    """One feature a level: z = (1 if the value is this level else 0, less the level's share) / deviation.

    Args:
        name: The column.
        categories: The values with a level of their own, most frequent first.
        shares: Share of the fitting rows that have each category.
        rare_share: Share of the fitting rows in the bucket of rare categories; 0 for no bucket.
        rare: The categories in that bucket.
        missing_share: Share of the fitting rows without a value; above 0, that is a level.
        novelty_penalty: Of an unseen category, and of a missing value where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.CATEGORICAL
    name: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    rare_share: float = 0.0
    rare: tuple[str, ...] = ()
    missing_share: float = 0.0
    novelty_penalty: float = 0.0

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

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        level = int(np.argmax(np.multiply(features, self.level_deviations) + self.level_shares))
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
    def level_shares(self) -> NDArray[np.float64]:
        """Share of the fitting rows at each level."""
        return np.array([*self.shares, *filter(None, (self.rare_share, self.missing_share))])

    @cached_property
    def level_deviations(self) -> NDArray[np.float64]:
        """Standard deviation of each level's indicator."""
        return np.asarray(level_deviation(self.level_shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalEncoder:
    """Encodes K columns of categories, whose F levels are numbered one column after the other.

    Args:
        names: Of the columns.
        levels: The level of each value, by column; negative for none.
        missing: The level of a missing value in each column `(K, 1)`.
        unseen: The level of a value that no fitting row had `(K, 1)`.
        positions: Position in `Z` of each level's feature `(F,)`.
        all_positions: The same as an index.
        outside: The feature of a level that a row does not have `(F,)`.
        inside: The feature of the level that it has `(F,)`.
    """

    names: tuple[str, ...]
    levels: tuple[Mapping[Any, int], ...]
    missing: NDArray[np.intp]
    unseen: NDArray[np.intp]
    positions: NDArray[np.intp]
    all_positions: NDArray[np.intp] | slice
    outside: NDArray[np.float32]
    inside: NDArray[np.float32]

    @classmethod
    def of(cls, encodings: Sequence[CategoricalEncoding], starts: Sequence[int]) -> CategoricalEncoder:
        """Make the encoder of K columns, whose first features have the positions `starts`."""
        widths = [len(encoding.features) for encoding in encodings]
        firsts = np.cumsum([0, *widths[:-1]]).tolist()

        def numbered(first: int, level: int) -> int:
            return level if level < 0 else first + level

        pairs = list(zip(encodings, firsts, strict=True))
        positions = [start + level for start, width in zip(starts, widths, strict=True) for level in range(width)]
        shares, deviations = (
            np.concatenate([getattr(encoding, name) for encoding in encodings])
            for name in ("level_shares", "level_deviations")
        )
        return cls(
            names=tuple(encoding.name for encoding in encodings),
            levels=tuple(
                {value: numbered(first, level) for value, level in encoding.levels.items()} for encoding, first in pairs
            ),
            missing=np.array([[numbered(first, encoding.levels[None])] for encoding, first in pairs], np.intp),
            unseen=np.array([[numbered(first, encoding.unseen_level)] for encoding, first in pairs], np.intp),
            positions=np.array(positions, np.intp),
            all_positions=index_of(positions),
            outside=(-shares / deviations).astype(np.float32),
            inside=((1.0 - shares) / deviations).astype(np.float32),
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        n = len(out)
        each = (
            map(levels.get, columns[name].tolist(), repeat(_UNSEEN))
            for name, levels in zip(self.names, self.levels, strict=True)
        )
        level = np.fromiter(chain.from_iterable(each), np.intp, len(self.names) * n).reshape(len(self.names), n)
        missing, unseen = level == self.missing, level == _UNSEEN
        any_unseen = bool(unseen.any())
        if any_unseen:
            level = np.where(unseen, self.unseen, level)
        out[:, self.all_positions] = self.outside
        column, row = np.nonzero(level >= 0)
        present = level[column, row]
        out[row, self.positions[present]] = self.inside[present]
        return ValueMasks(missing if missing.any() else None, unseen if any_unseen else None)
