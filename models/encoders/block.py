"""All columns of numbers and truth values at once: for a single record, an array a column would be most of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoder import FloatMatrix, Mask, held, missing_indicator
from models.encoders.numbers import OneFeatureEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """K encoders that make one feature of a value each, and what they do to n values each.

    Args:
        encoders: Of them all.
        places: The first feature of each in `Z` `(K,)`.
        centers: Center of each `(K, 1)`.
        scales: Scale of each `(K, 1)`.
    """

    encoders: tuple[OneFeatureEncoder, ...]
    places: NDArray[np.intp]
    centers: NDArray[np.float64]
    scales: NDArray[np.float64]

    @classmethod
    def of(cls, encoders: Sequence[OneFeatureEncoder], places: Sequence[int]) -> Block:
        """Put encoders together."""
        standards = np.array([encoder.standard for encoder in encoders], np.float64).reshape(-1, 2)
        return cls(
            encoders=tuple(encoders),
            places=np.array(places, np.intp),
            centers=standards[:, :1],
            scales=standards[:, 1:],
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Mask | None:
        """Write the features of n values of each column; return which are missing `(K, n)`, or None where none is.

        The features are those of each encoder's own `encode`, bit by bit.

        Args:
            columns: n values of each column, by name.
            out: All features `(n, d)`.
        """
        if not self.encoders:
            return None
        bent = np.array([encoder.bend(columns[encoder.name]) for encoder in self.encoders])
        z = (bent - self.centers) / self.scales
        missing = np.isnan(z)
        out[:, self.places] = held(z, missing).T
        for number, encoder in enumerate(self.encoders):
            if encoder.missing_share:
                out[:, self.places[number] + 1] = missing_indicator(missing[number], encoder.missing_share)
        return missing if missing.any() else None
