"""The preprocessor, columns → `Z`: the only place where values are standardised, by what the fitting rows taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.encoders import (
    CategoricalEncoding,
    Encoder,
    Encoding,
    FloatMatrix,
    Mask,
    TimestampEncoding,
    encoders_of,
    encoding_from_json,
    encoding_to_json,
    features_from_plain,
)
from models.errors import BundleError
from models.schema.codes import KnownCategories
from models.strict_json import from_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """n rows as the network and the scorer see them, d features of K columns.

    Args:
        Z: Standardised features `(n, d)`, float32, all finite.
        missing: Features whose value is missing, which do not count `(n, d)`; None where there is none.
        novelty_penalty: What each column adds for a value that no fitting row had `(n, K)`; None where there is none.
        unseen: Which columns have a category that no fitting row had `(n, K)`; None where there is none.
    """

    Z: FloatMatrix
    missing: Mask | None = None
    novelty_penalty: NDArray[np.float64] | None = None
    unseen: Mask | None = None

    def __len__(self) -> int:
        return len(self.Z)

    def rows(self, start: int, stop: int) -> Encoded:
        """Return the rows from `start` up to `stop`."""
        return Encoded(
            Z=self.Z[start:stop],
            missing=None if self.missing is None else self.missing[start:stop],
            novelty_penalty=None if self.novelty_penalty is None else self.novelty_penalty[start:stop],
            unseen=None if self.unseen is None else self.unseen[start:stop],
        )


@dataclass(frozen=True, kw_only=True)
class Preprocessor:
    """Encodings in the schema's order, and the range of `Z` that the network has seen.

    Args:
        encodings: One a column, K of them.
        limits: Smallest and largest value of each feature over the fitting rows `(2, d)`.
    """

    encodings: tuple[Encoding, ...]
    limits: NDArray[np.float32]

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the d features."""
        return tuple(feature for encoding in self.encodings for feature in encoding.features)

    @cached_property
    def known_categories(self) -> dict[str, KnownCategories]:
        """What the fitting rows had in each column of categories."""
        return {e.name: e.known for e in self.encodings if isinstance(e, CategoricalEncoding)}

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Position of the first feature of each column `(K,)`."""
        return np.array([features.start for features in self.slices])

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Number of the features of each of the K columns."""
        return tuple(len(encoding.features) for encoding in self.encodings)

    @cached_property
    def column_of_feature(self) -> NDArray[np.intp]:
        """Index of the column of each feature `(d,)`."""
        return np.repeat(np.arange(len(self.widths)), self.widths)

    @cached_property
    def tells(self) -> Mask:
        """Whether a feature is made of the value of a column, alone or with another's `(K, d)`."""
        index = {encoding.name: i for i, encoding in enumerate(self.encodings)}
        tells: Mask = self.column_of_feature == np.arange(len(self.encodings))[:, None]
        for encoding, start in zip(self.encodings, self.starts.tolist(), strict=True):
            end = start + len(encoding.value_names)
            for position, other in zip(range(end - len(encoding.others), end), encoding.others, strict=True):
                tells[index[other], position] = True
        return tells

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The features of each of the K columns, as slices of `Z`."""
        ends = np.cumsum(self.widths).tolist()
        return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """Weight of each feature's squared error in the score `(d,)`: a mean over the K columns."""
        weights = [weight / len(self.encodings) for encoding in self.encodings for weight in encoding.weights]
        return np.array(weights, np.float32)

    def transform(self, columns: Columns) -> Encoded:
        """Encode n rows."""
        n = len(columns[self.encodings[0].name])
        Z = np.empty((n, len(self.features)), np.float32)
        missing: Mask | None = None
        unseen: Mask | None = None
        penalty: NDArray[np.float64] | None = None
        with np.errstate(over="ignore"):  # what overflows is clipped to the largest distance
            masks = [(chosen, encoder.encode(columns, Z)) for chosen, encoder in self._encoders]
        for chosen, (is_missing, is_unseen, penalties, features) in masks:
            for position, rows in features or ():
                if rows.any():
                    missing = np.zeros(Z.shape, np.bool_) if missing is None else missing
                    missing[rows, position] = True
            if is_missing is None and is_unseen is None and penalties is None:
                continue
            penalty = np.zeros((n, len(self.encodings))) if penalty is None else penalty
            if penalties is not None:
                penalty[:, chosen] = penalties.T
            for i, rows in _columns_with_any(chosen, is_missing):
                encoding, start = self.encodings[i], self.starts[i]
                missing = np.zeros(Z.shape, np.bool_) if missing is None else missing
                missing[rows, start : start + len(encoding.value_names)] = True
                if not encoding.missing_share:  # no fitting row lacked a value
                    penalty[rows, i] = encoding.novelty_penalty
            for i, rows in _columns_with_any(chosen, is_unseen):
                penalty[rows, i] = self.encodings[i].novelty_penalty
                unseen = np.zeros(penalty.shape, np.bool_) if unseen is None else unseen
                unseen[rows, i] = True
        if penalty is not None:
            penalty /= len(self.encodings)
        return Encoded(Z=Z, missing=missing, novelty_penalty=penalty, unseen=unseen)

    @cached_property
    def _encoders(self) -> list[tuple[tuple[int, ...], Encoder]]:
        return encoders_of(self.encodings, self.starts.tolist())

    @cached_property
    def _ends(self) -> tuple[FloatMatrix, FloatMatrix]:
        """The limits, each in the shape of a single row `(1, d)`: NumPy takes a third of the time for equal shapes."""
        return self.limits[:1], self.limits[1:]

    def within_limits(self, Z: FloatMatrix) -> FloatMatrix:
        """Clip `Z` to the range of the fitting rows: the input of the network.

        The error is taken against `Z` itself. So a value beyond the training range meets the reconstruction of
        the range's end, and the further it is, the higher it scores; no extrapolation can excuse it.
        """
        low, high = self._ends
        within: FloatMatrix = np.minimum(np.maximum(Z, low), high)  # `clip` takes longer for a single row
        return within

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal preprocessor."""
        return {
            "encodings": [encoding_to_json(encoding) for encoding in self.encodings],
            "limits": self.limits.astype(float).tolist(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Preprocessor:
        """Make a preprocessor from what `to_json` gave.

        Raises:
            BundleError: `plain` is not the plain form of a preprocessor.
        """
        try:
            encodings = tuple(map(encoding_from_json, from_plain(plain["encodings"], list[dict[str, Any]])))
            limits = features_from_plain(plain["limits"])
            preprocessor = cls(encodings=encodings, limits=limits)
            if not encodings:
                raise ValueError("there is no encoding")
            if preprocessor.limits.shape != (2, len(preprocessor.features)):
                raise ValueError(
                    f"limits of shape {preprocessor.limits.shape} for {len(preprocessor.features)} features"
                )
            if not (limits[0] <= limits[1]).all():
                raise ValueError("a limit is above its other end")
            dated = {e.name for e in encodings if isinstance(e, TimestampEncoding) and not e.clock}
            if stray := {other for e in encodings for other in e.others if other not in dated - {e.name}}:
                raise ValueError(f"a gap since {min(stray)!r}, which is no other column of dates")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"The preprocessor is not readable ({error!r}); the bundle was edited: train it anew."
            ) from error
        return preprocessor


def _columns_with_any(indices: tuple[int, ...], masks: Mask | None) -> list[tuple[int, Mask]]:
    """Return the columns that have any row in a mask `(K, n)`, by index, with these rows."""
    return [] if masks is None else [(i, rows) for i, rows in zip(indices, masks, strict=True) if rows.any()]
