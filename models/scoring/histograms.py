"""Histograms of single features, learned from the fitting rows: how rare a value is.

A network learns what goes with what, and where rows are few or hold anomalies it learns those, too. What is rare in
a single column stays rare: an anomaly's column adds −log of the share of the fitting rows that have about its value,
as in HBOS (Goldstein and Dengel, 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders import FloatMatrix, features_from_plain
from models.encoders.preprocessor import Encoded

BINS: Final = 20
_CHUNK_ROWS: Final = 65_536


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Equal bins between the smallest and largest value of each feature, and one beyond each end.

    Args:
        limits: Smallest and largest value of each feature over the fitting rows `(2, d)`.
        rarity: −log of the share of fitting rows in each bin `(d, BINS + 2)`.
        weights: What each feature's rarity counts `(d,)`.
    """

    limits: FloatMatrix
    rarity: FloatMatrix
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, Z: FloatMatrix, *, limits: FloatMatrix, weights: NDArray[np.float32]) -> Histograms:
        """Learn from fitting rows `(n, d)`; an empty bin counts as half a row."""
        n, d = Z.shape
        empty = cls(limits=limits, rarity=np.zeros((d, BINS + 2), np.float32), weights=weights)
        counts = np.zeros(d * (BINS + 2), np.intp)
        for start in range(0, n, _CHUNK_ROWS):  # the bins of all values would take several times what the values do
            bins = empty._bins(Z[start : start + _CHUNK_ROWS]) + np.arange(d) * (BINS + 2)
            counts += np.bincount(bins.reshape(-1), minlength=len(counts))
        rarity = -np.log(np.maximum(counts.reshape(d, BINS + 2), 0.5) / n)
        return cls(limits=limits, rarity=rarity.astype(np.float32), weights=weights)

    def column_rarity(self, encoded: Encoded, starts: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return what each column of n rows adds `(n, K)`, from its first feature on, in `starts` `(K,)`.

        A missing value adds nothing.
        """
        rarity = self.rarity[np.arange(len(self.rarity)), self._bins(encoded.Z)] * self.weights
        if encoded.missing is not None:
            rarity[encoded.missing] = 0.0
        return np.add.reduceat(rarity, starts, axis=1, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes equal histograms."""
        return {
            "limits": self.limits.astype(float).tolist(),
            "rarity": self.rarity.astype(float).tolist(),
            "weights": self.weights.astype(float).tolist(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, features: int) -> Histograms:
        """Make histograms from what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: `plain` is not the plain form of histograms of so many features.
        """
        histograms = cls(
            limits=features_from_plain(plain["limits"]),
            rarity=features_from_plain(plain["rarity"]),
            weights=features_from_plain([plain["weights"]])[0],
        )
        shapes = (histograms.limits.shape, histograms.rarity.shape, histograms.weights.shape)
        if shapes != ((2, features), (features, BINS + 2), (features,)) or plain.keys() != histograms.to_json().keys():
            raise ValueError(f"histograms of shapes {shapes} for {features} features")
        if not ((histograms.rarity >= 0).all() and (histograms.weights >= 0).all()):
            raise ValueError("a rarity is below 0")
        return histograms

    def _bins(self, Z: FloatMatrix) -> NDArray[np.intp]:
        """Return each value's bin `(n, d)`: 0 below the smallest, BINS + 1 above the largest."""
        low, high = self.limits
        bins: NDArray[np.intp] = np.clip(np.floor((Z - low) / self._width) + 1, 1, BINS).astype(np.intp)
        bins[low > Z] = 0
        bins[high < Z] = BINS + 1
        return bins

    @cached_property
    def _width(self) -> NDArray[np.float32]:
        """Width of the bins of each feature `(d,)`."""
        low, high = self.limits
        width: NDArray[np.float32] = (high - low) / np.float32(BINS)
        width[width == 0] = 1  # a constant feature, or one whose spread float32 cannot divide
        return width
