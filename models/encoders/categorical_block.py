"""All columns of categories at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.block import Novelties, in_a_row
from models.encoders.categorical import UNSEEN, CategoricalEncoder
from models.encoders.encoder import FloatMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBlock:
    """K encoders of categories, whose F levels have one number after the other.

    Args:
        names: Their columns.
        levels: The level of each value, a table a column; negative for none.
        absent: The level of a missing value in each column `(K, 1)`.
        unseen: The level of a value that no fitting row had `(K, 1)`.
        places: Where in `Z` the feature of each level is `(F,)`.
        span: The same as a slice, where it is one.
        outside: The feature of a level that a row does not have `(F,)`.
        inside: That of the one it has `(F,)`.
    """

    names: tuple[str, ...]
    levels: tuple[Mapping[Any, int], ...]
    absent: NDArray[np.intp]
    unseen: NDArray[np.intp]
    places: NDArray[np.intp]
    span: NDArray[np.intp] | slice
    outside: NDArray[np.float32]
    inside: NDArray[np.float32]

    @classmethod
    def of(cls, encoders: Sequence[CategoricalEncoder], starts: Sequence[int]) -> LevelBlock:
        """Put encoders together."""
        widths = [len(encoder.features) for encoder in encoders]
        firsts = np.cumsum([0, *widths[:-1]]).tolist()

        def numbered(first: int, level: int) -> int:
            return level if level < 0 else first + level

        pairs = list(zip(encoders, firsts, strict=True))
        places = [start + level for start, width in zip(starts, widths, strict=True) for level in range(width)]
        return cls(
            names=tuple(encoder.name for encoder in encoders),
            levels=tuple(
                {value: numbered(first, level) for value, level in encoder.levels.items()} for encoder, first in pairs
            ),
            absent=np.array([[numbered(first, encoder.levels[None])] for encoder, first in pairs], np.intp),
            unseen=np.array([[numbered(first, encoder.unseen_level)] for encoder, first in pairs], np.intp),
            places=np.array(places, np.intp),
            span=in_a_row(places),
            outside=np.concatenate([encoder.outside for encoder in encoders]).astype(np.float32),
            inside=np.concatenate([encoder.inside for encoder in encoders]).astype(np.float32),
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Novelties:
        """Write the features of n values of each column."""
        n = len(out)
        each = (
            map(levels.get, columns[name].tolist(), repeat(UNSEEN))
            for name, levels in zip(self.names, self.levels, strict=True)
        )
        level = np.fromiter(chain.from_iterable(each), np.intp, len(self.names) * n).reshape(len(self.names), n)
        missing, unseen = level == self.absent, level == UNSEEN
        some_unseen = bool(unseen.any())
        if some_unseen:
            level = np.where(unseen, self.unseen, level)
        out[:, self.span] = self.outside
        column, row = np.nonzero(level >= 0)
        had = level[column, row]
        out[row, self.places[had]] = self.inside[had]
        return Novelties(missing if missing.any() else None, unseen if some_unseen else None)
