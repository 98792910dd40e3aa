"""All columns of numbers and truth values at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.block import Novelties, in_a_row
from models.encoders.encoder import FloatMatrix, hold, missing_indicator
from models.encoders.numeric import OneFeatureEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlock:
    """K encoders that make one feature of a value each, and what they do to n values each.

    Args:
        encoders: Of them all.
        names: Their columns.
        bent: Numbers of those that do not take a value as it is.
        lacking: Numbers of those with a feature for missing values, and where in `Z` that is.
        places: The first feature of each in `Z` `(K,)`; a slice where they follow one another.
        centers: Center of each `(K, 1)`.
        scales: Scale of each `(K, 1)`.
    """

    encoders: tuple[OneFeatureEncoder, ...]
    names: tuple[str, ...]
    bent: tuple[int, ...]
    lacking: tuple[tuple[int, int], ...]
    places: NDArray[np.intp] | slice
    centers: NDArray[np.float64]
    scales: NDArray[np.float64]

    @classmethod
    def of(cls, encoders: Sequence[OneFeatureEncoder], starts: Sequence[int]) -> NumberBlock:
        """Put encoders together."""
        standards = np.array([encoder.standard for encoder in encoders], np.float64).reshape(-1, 2)
        return cls(
            encoders=tuple(encoders),
            names=tuple(encoder.name for encoder in encoders),
            bent=tuple(number for number, encoder in enumerate(encoders) if encoder.bends),
            lacking=tuple(
                (number, starts[number] + 1) for number, encoder in enumerate(encoders) if encoder.missing_share
            ),
            places=in_a_row(starts),
            centers=standards[:, :1],
            scales=standards[:, 1:],
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Novelties:
        """Write the features of n values of each column."""
        z = np.concatenate([columns[name] for name in self.names]).reshape(len(self.names), -1)
        for number in self.bent:
            z[number] = self.encoders[number].bend(z[number])
        z -= self.centers
        z /= self.scales
        missing = np.isnan(z)
        some = bool(missing.any())
        out[:, self.places] = hold(z, missing if some else None).T
        for number, place in self.lacking:
            out[:, place] = missing_indicator(missing[number], self.encoders[number].missing_share)
        return Novelties(missing if some else None)
