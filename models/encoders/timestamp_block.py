"""All columns of dates and times at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.block import Novelties
from models.encoders.encoder import FloatMatrix, hold, missing_indicator
from models.encoders.timestamp import CYCLES, DatetimeEncoder, cycle_start, waves


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantBlock:
    """K encoders of instants, with W waves in all.

    Args:
        encoders: Of them all.
        dated: Numbers of those with a feature for elapsed time, and where in `Z` that is.
        lacking: Numbers of those with a feature for missing values, and where in `Z` that is.
        starts: First instant of each `(K, 1)`.
        scales: Scale of each `(K, 1)`.
        waved: Number of the column of each wave `(W,)`.
        sines: Where in `Z` the sine of each wave is `(W,)`; the cosine is behind it.
        offsets: Where the cycle of each wave starts `(W, 1)`.
        lengths: How long it is `(W, 1)`.
    """

    encoders: tuple[DatetimeEncoder, ...]
    dated: tuple[tuple[int, int], ...]
    lacking: tuple[tuple[int, int], ...]
    starts: NDArray[np.float64]
    scales: NDArray[np.float64]
    waved: NDArray[np.intp]
    sines: NDArray[np.intp]
    offsets: NDArray[np.float64]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, encoders: Sequence[DatetimeEncoder], starts: Sequence[int]) -> InstantBlock:
        """Put encoders together."""
        pairs = list(enumerate(zip(encoders, starts, strict=True)))
        cycles = [
            (number, start + encoder.first_wave + 2 * place, cycle)
            for number, (encoder, start) in pairs
            for place, cycle in enumerate(encoder.cycles)
        ]
        return cls(
            encoders=tuple(encoders),
            dated=tuple((number, start) for number, (encoder, start) in pairs if not encoder.clock),
            lacking=tuple(
                (number, start + encoder.value_features) for number, (encoder, start) in pairs if encoder.missing_share
            ),
            starts=np.array([[encoder.start] for encoder in encoders]),
            scales=np.array([[encoder.scale] for encoder in encoders]),
            waved=np.array([number for number, _, _ in cycles], np.intp),
            sines=np.array([sine for _, sine, _ in cycles], np.intp),
            offsets=np.array([[cycle_start(cycle)] for _, _, cycle in cycles]).reshape(-1, 1),
            lengths=np.array([[CYCLES[cycle]] for _, _, cycle in cycles]).reshape(-1, 1),
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> Novelties:
        """Write the features of n values of each column."""
        values = np.concatenate([columns[encoder.name] for encoder in self.encoders]).reshape(len(self.encoders), -1)
        missing = np.isnan(values)
        some = bool(missing.any())
        elapsed = hold(np.minimum(values - self.starts, 0.0) / self.scales, missing if some else None)
        for number, place in self.dated:
            out[:, place] = elapsed[number]
        known = np.where(missing, 0.0, values) if some else values
        sines, cosines = waves((known[self.waved] - self.offsets) / self.lengths)
        out[:, self.sines] = sines.T
        out[:, self.sines + 1] = cosines.T
        for number, place in self.lacking:
            out[:, place] = missing_indicator(missing[number], self.encoders[number].missing_share)
        return Novelties(missing if some else None)
