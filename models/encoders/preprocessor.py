"""Columns → `Z`: the one place where values are standardised, with what was learned from the fitting rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.encoders import (
    Block,
    Encoder,
    FloatMatrix,
    Mask,
    blocks_of,
    encoder_from_json,
    encoder_to_json,
    features_from_plain,
)
from models.errors import BundleError
from models.strict_json import from_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """n rows as the network and the scorer see them, d features of K columns.

    Args:
        Z: Standardised features `(n, d)`, float32, all finite.
        unknown: Features whose value is missing and that are not judged `(n, d)`; None where there is none.
        surprise: What each column adds for a value that no fitting row had `(n, K)`; None where there is none.
    """

    Z: FloatMatrix
    unknown: Mask | None = None
    surprise: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.Z)

    def rows(self, start: int, stop: int) -> Encoded:
        """Return the rows from `start` up to `stop`."""
        return Encoded(
            Z=self.Z[start:stop],
            unknown=None if self.unknown is None else self.unknown[start:stop],
            surprise=None if self.surprise is None else self.surprise[start:stop],
        )


@dataclass(frozen=True, kw_only=True)
class Preprocessor:
    """Encoders in the schema's order, and the range of `Z` that the network has seen.

    Args:
        encoders: One a column, K of them.
        limits: Smallest and largest value of each feature over the fitting rows `(2, d)`.
    """

    encoders: tuple[Encoder, ...]
    limits: NDArray[np.float32]

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the d features."""
        return tuple(feature for encoder in self.encoders for feature in encoder.features)

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Number of the first feature of each column `(K,)`."""
        return np.array([place.start for place in self.places])

    @cached_property
    def places(self) -> tuple[slice, ...]:
        """Where in `Z` the features of each of the K columns lie."""
        ends = np.cumsum([len(encoder.features) for encoder in self.encoders]).tolist()
        return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """What a squared unit of each feature adds to the score `(d,)`: the mean over the K columns."""
        weights = [weight / len(self.encoders) for encoder in self.encoders for weight in encoder.weights]
        return np.array(weights, np.float32)

    def transform(self, columns: Columns) -> Encoded:
        """Encode n rows.

        Args:
            columns: n values of each column, by name.
        """
        n = len(columns[self.encoders[0].name])
        Z = np.empty((n, len(self.features)), np.float32)
        unknown: Mask | None = None
        surprise: NDArray[np.float64] | None = None
        with np.errstate(over="ignore"):  # what overflows is held at the largest distance
            novelties = [(numbers, block.encode(columns, Z)) for numbers, block in self._blocks]
        for numbers, (missing, unseen) in novelties:
            if missing is None and unseen is None:
                continue
            surprise = np.zeros((n, len(self.encoders))) if surprise is None else surprise
            for number, rows in _some(numbers, missing):
                encoder, start = self.encoders[number], self.starts[number]
                unknown = np.zeros(Z.shape, np.bool_) if unknown is None else unknown
                unknown[rows, start : start + encoder.value_features] = True
                if len(encoder.features) == encoder.value_features:  # no fitting row lacked a value
                    surprise[rows, number] = encoder.surprise
            for number, rows in _some(numbers, unseen):
                surprise[rows, number] = self.encoders[number].surprise
        return Encoded(Z=Z, unknown=unknown, surprise=None if surprise is None else surprise / len(self.encoders))

    @cached_property
    def _blocks(self) -> list[tuple[tuple[int, ...], Block]]:
        return blocks_of(self.encoders, [place.start for place in self.places])

    def within_limits(self, Z: FloatMatrix) -> FloatMatrix:
        """Hold `Z` within what the fitting rows had: what the network is given.

        The error is taken against `Z` itself. So a value beyond the training range meets the reconstruction of
        the range's end, and the further it is, the higher it scores; no extrapolation can excuse it.
        """
        low, high = self.limits
        within: FloatMatrix = np.minimum(np.maximum(Z, low), high)  # `clip` takes longer for a single row
        return within

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal preprocessor."""
        return {
            "encoders": [encoder_to_json(encoder) for encoder in self.encoders],
            "limits": self.limits.astype(float).tolist(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Preprocessor:
        """Make a preprocessor from what `to_json` gave.

        Raises:
            BundleError: `plain` is not the plain form of a preprocessor.
        """
        try:
            encoders = tuple(map(encoder_from_json, from_plain(plain["encoders"], list[dict[str, Any]])))
            limits = features_from_plain(plain["limits"])
            preprocessor = cls(encoders=encoders, limits=limits)
            if not encoders:
                raise ValueError("there is no encoder")
            if preprocessor.limits.shape != (2, len(preprocessor.features)):
                raise ValueError(
                    f"limits of shape {preprocessor.limits.shape} for {len(preprocessor.features)} features"
                )
            if not (limits[0] <= limits[1]).all():
                raise ValueError("a limit is above its other end")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"The preprocessor is not readable ({error!r}); the bundle was edited: train it anew."
            ) from error
        return preprocessor


def _some(numbers: tuple[int, ...], masks: Mask | None) -> list[tuple[int, Mask]]:
    """Return the numbers of the columns with rows in a mask `(K, n)`, and these rows."""
    return [] if masks is None else [(number, rows) for number, rows in zip(numbers, masks, strict=True) if rows.any()]
