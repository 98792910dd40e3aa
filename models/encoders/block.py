"""Columns of one kind that are encoded at once: for a single record, an array a column would be most of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoder import Encoder, FloatMatrix, Mask


class Novelties(NamedTuple):
    """What the encoders of K columns say of n values each beyond their features.

    Args:
        missing: Which are missing `(K, n)`, or None where none is.
        unseen: Which no fitting row had `(K, n)`, or None where there is none.
    """

    missing: Mask | None = None
    unseen: Mask | None = None


class Block(Protocol):
    """K encoders at once; their features are those of each one's own `encode`, bit by bit."""

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Novelties:
        """Write the features of n values of each column, by name, to their places in all features `(n, d)`."""
        ...


@dataclass(frozen=True, slots=True)
class OneColumn:
    """The block of a column by itself.

    Args:
        encoder: Its encoder.
        start: Its first feature.
    """

    encoder: Encoder
    start: int

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Novelties:
        """Write the features of n values."""
        stop = self.start + len(self.encoder.features)
        novelty = self.encoder.encode(columns[self.encoder.name], out[:, self.start : stop])
        return Novelties(*(None if mask is None else mask[None] for mask in novelty))


def in_a_row(places: Sequence[int]) -> NDArray[np.intp] | slice:
    """Return places as a slice, which is quicker to write to, where each follows the one before."""
    if places and list(places) == list(range(places[0], places[0] + len(places))):
        return slice(places[0], places[0] + len(places))
    return np.array(places, np.intp)
