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
    Encoder,
    Encoding,
    FloatMatrix,
    ValueMasks,
    as_probability,
    index_of,
    level_deviation,
)
from models.messages import Message, phrase
from models.schema import Kind
from models.schema.cells import Cell
from models.schema.codes import KnownCategories
from models.schema.numbers import without_zero_fraction

_UNSEEN: Final = -2
_NO_LEVEL: Final = -1


@dataclass(frozen=True, kw_only=True)
class CategoricalEncoding(Encoding):
    """One feature a level: z = (1 if the value is this level else 0, less the level's share) / deviation.

    Args:
        categories: The values with a level of their own, most frequent first.
        shares: Share of the fitting rows that have each category.
        rare_share: Share of the fitting rows in the bucket of rare categories; 0 for no bucket.
        rare: The categories in that bucket.
    """

    kind: ClassVar[Kind] = Kind.CATEGORICAL
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    rare_share: float = 0.0
    rare: tuple[str, ...] = ()

    @cached_property
    def value_names(self) -> tuple[str, ...]:
        bucket = (f"{self.name} is rare",) if self.rare_share else ()
        return (*(f"{self.name} = {category}" for category in self.categories), *bucket)

    @property
    def weights(self) -> tuple[float, ...]:
        levels = len(self.features)
        return (1.0 / levels,) * levels

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        level = int(np.argmax(self._probabilities(features)))
        if level < len(self.categories):
            return self.categories[level]
        return None if level == len(self.value_names) else "(rare)"

    def _expected_alike(self, value: Cell, features: Sequence[float] | NDArray[Any]) -> tuple[Cell, float | None]:
        return value, as_probability(float(self._probabilities(features).max()))

    def _probabilities(self, features: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(np.multiply(features, self.level_deviations) + self.level_shares)

    def actual(self, value: Any) -> Cell:
        return None if value is None else self.known.shortened.get(str(value), str(value))

    @property
    def words(self) -> Message:
        categories = phrase("{categories} categories", categories=len(self.categories))
        if not self.rare_share:
            return categories
        return phrase("{categories}, {rare:,} rare ones in one bucket", categories=categories, rare=len(self.rare))

    @cached_property
    def known(self) -> KnownCategories:
        """All values of the fitting rows."""
        # Some early detectors learned 1.0 as it was written.
        return KnownCategories(tuple(map(without_zero_fraction, (*self.categories, *self.rare))))

    @cached_property
    def levels(self) -> dict[str | None, int]:
        """The level of each value of the fitting rows, and of a missing one; negative for none."""
        bucket = len(self.categories)
        levels: dict[str | None, int] = dict.fromkeys(map(without_zero_fraction, self.rare), bucket)
        for level, category in reversed(list(enumerate(self.categories))):
            levels[without_zero_fraction(category)] = level
        levels |= {digits: levels[code] for digits, code in self.known.shortened.items()}
        levels[None] = len(self.value_names) if self.missing_share else _NO_LEVEL
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


class CategoricalEncoder(Encoder):
    """Encodes K columns of categories, whose F levels are numbered one column after the other."""

    def __init__(self, encodings: Sequence[CategoricalEncoding], starts: Sequence[int]) -> None:
        super().__init__(encodings, starts)
        widths = [len(encoding.features) for encoding in encodings]
        firsts = np.cumsum([0, *widths[:-1]]).tolist()

        def numbered(first: int, level: int) -> int:
            return level if level < 0 else first + level

        pairs = list(zip(encodings, firsts, strict=True))
        self._levels = [
            {value: numbered(first, level) for value, level in encoding.levels.items()} for encoding, first in pairs
        ]
        # The level of a missing value, and of one that no fitting row had, in each column (K, 1).
        self._missing = np.array([[numbered(first, encoding.levels[None])] for encoding, first in pairs], np.intp)
        self._unseen = np.array([[numbered(first, encoding.unseen_level)] for encoding, first in pairs], np.intp)
        positions = [start + level for start, width in zip(starts, widths, strict=True) for level in range(width)]
        self._positions, self._all_positions = np.array(positions, np.intp), index_of(positions)  # of each level (F,)
        shares = np.concatenate([encoding.level_shares for encoding in encodings])
        deviations = np.concatenate([encoding.level_deviations for encoding in encodings])
        # The feature of a level that a row does not have, and of the one that it has (F,).
        self._outside = (-shares / deviations).astype(np.float32)
        self._inside = ((1.0 - shares) / deviations).astype(np.float32)

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        n = len(out)
        each = (
            map(levels.get, columns[name].tolist(), repeat(_UNSEEN))
            for name, levels in zip(self._names, self._levels, strict=True)
        )
        level = np.fromiter(chain.from_iterable(each), np.intp, len(self._names) * n).reshape(len(self._names), n)
        missing, unseen = level == self._missing, level == _UNSEEN
        any_unseen = bool(unseen.any())
        if any_unseen:
            level = np.where(unseen, self._unseen, level)
        out[:, self._all_positions] = self._outside
        column, row = np.nonzero(level >= 0)
        present = level[column, row]
        out[row, self._positions[present]] = self._inside[present]
        return ValueMasks(missing if missing.any() else None, unseen if any_unseen else None)
