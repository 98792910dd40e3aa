"""Encoding dates and times: their phase on calendar cycles, and the time before the training period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoding import (
    FloatMatrix,
    ValueMasks,
    clip_in_place,
    missing_feature,
    missing_indicator,
    missing_phrase,
    with_missing,
)
from models.schema import Kind
from models.schema.cells import Cell
from models.schema.timestamps import clock_text, phase_text, timestamp_text

CYCLES: Final = {"day": 86_400.0, "week": 7 * 86_400.0, "year": 365.2425 * 86_400.0}
"""Calendar cycles on which a timestamp has a phase, with their length in seconds."""

_MONDAY: Final = 4 * 86_400.0  # 1970-01-05, so that the cycle "week" starts on a Monday


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampEncoding:
    """The phase on each calendar cycle that the fitting rows cover at least twice, and elapsed time.

    Elapsed time is 0 from the first fitting row on, and negative before. So a timestamp before all fitting rows
    raises the score, and one after them, as every record of a running service has, does not. Within the period
    the network is not told how much time has elapsed: it would learn *when* the strange rows were, and excuse
    them. A time of day without a date has no elapsed time, only its phase in the day.

    Args:
        name: The column.
        start: First timestamp of the fitting rows, in seconds since 1970-01-01 UTC.
        scale: Standard deviation of their timestamps, in seconds.
        cycles: Keys of `CYCLES`.
        clock: The values are times of day; the only cycle is the day.
        missing_share: Share of the fitting rows without a value; above 0, that is a feature.
        novelty_penalty: Of a missing value where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.DATETIME
    name: str
    start: float
    scale: float
    cycles: tuple[str, ...] = ()
    clock: bool = False
    missing_share: float = 0.0
    novelty_penalty: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        waves = (f"{self.name}: {wave} of {cycle}" for cycle in self.cycles for wave in ("sine", "cosine"))
        elapsed = () if self.clock else (f"{self.name}: elapsed",)
        return (*elapsed, *waves, *missing_feature(self.name, self.missing_share))

    @property
    def value_features(self) -> int:
        return self.first_wave + 2 * len(self.cycles)

    @property
    def first_wave(self) -> int:
        """Index of the first feature that is a phase on a cycle."""
        return 0 if self.clock else 1

    @property
    def weights(self) -> tuple[float, ...]:
        return with_missing((1.0 / self.value_features,) * self.value_features, self.missing_share)

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        if not self.cycles:
            return f"from {timestamp_text(self.start)}"
        phases = {}
        for i, cycle in enumerate(self.cycles):
            position = self.first_wave + 2 * i
            sine, cosine = features[position], features[position + 1]
            phases[cycle] = float(np.arctan2(sine, cosine)) / (2 * np.pi) % 1.0
        return phase_text(phases)

    def actual(self, value: Any) -> Cell:
        if math.isnan(value):
            return None
        return clock_text(float(value)) if self.clock else timestamp_text(float(value))

    def describe(self) -> str:
        if self.clock:
            return "time of day" + missing_phrase(self.missing_share)
        cycles = "".join(f"time of {cycle}, " for cycle in self.cycles)
        return f"{cycles}time elapsed since {timestamp_text(self.start)}" + missing_phrase(self.missing_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampEncoder:
    """Encodes K columns of timestamps, with W waves in all.

    Args:
        encodings: Of the columns.
        names: Of the columns.
        dated: Which of them have a feature for elapsed time, and its position in `Z`.
        with_indicator: Which of them have a feature for missing values, and its position in `Z`.
        starts: First timestamp of each `(K, 1)`.
        scales: Scale of each `(K, 1)`.
        waved: The column of each wave `(W,)`.
        sines: Position in `Z` of the sine of each wave `(W,)`; the cosine is behind it.
        offsets: Start of the cycle of each wave `(W, 1)`.
        lengths: Length of the cycle of each wave `(W, 1)`.
    """

    encodings: tuple[TimestampEncoding, ...]
    names: tuple[str, ...]
    dated: tuple[tuple[int, int], ...]
    with_indicator: tuple[tuple[int, int], ...]
    starts: NDArray[np.float64]
    scales: NDArray[np.float64]
    waved: NDArray[np.intp]
    sines: NDArray[np.intp]
    offsets: NDArray[np.float64]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, encodings: Sequence[TimestampEncoding], starts: Sequence[int]) -> TimestampEncoder:
        """Make the encoder of K columns, whose first features have the positions `starts`."""
        triples = list(zip(range(len(encodings)), encodings, starts, strict=True))
        waves = [
            (i, start + encoding.first_wave + 2 * wave, cycle)
            for i, encoding, start in triples
            for wave, cycle in enumerate(encoding.cycles)
        ]
        return cls(
            encodings=tuple(encodings),
            names=tuple(encoding.name for encoding in encodings),
            dated=tuple((i, start) for i, encoding, start in triples if not encoding.clock),
            with_indicator=tuple(
                (i, start + encoding.value_features) for i, encoding, start in triples if encoding.missing_share
            ),
            starts=np.array([[encoding.start] for encoding in encodings]),
            scales=np.array([[encoding.scale] for encoding in encodings]),
            waved=np.array([i for i, _, _ in waves], np.intp),
            sines=np.array([sine for _, sine, _ in waves], np.intp),
            offsets=np.array([[_cycle_start(cycle)] for _, _, cycle in waves]).reshape(-1, 1),
            lengths=np.array([[CYCLES[cycle]] for _, _, cycle in waves]).reshape(-1, 1),
        )

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        values = np.concatenate([columns[encoding.name] for encoding in self.encodings]).reshape(
            len(self.encodings), -1
        )
        missing = np.isnan(values)
        any_missing = bool(missing.any())
        elapsed = clip_in_place(np.minimum(values - self.starts, 0.0) / self.scales, missing if any_missing else None)
        for i, position in self.dated:
            out[:, position] = elapsed[i]
        known = np.where(missing, 0.0, values) if any_missing else values
        angle = 2 * np.pi * np.mod((known[self.waved] - self.offsets) / self.lengths, 1.0)
        out[:, self.sines] = (np.sqrt(2) * np.sin(angle)).T  # √2: unit variance over a whole cycle
        out[:, self.sines + 1] = (np.sqrt(2) * np.cos(angle)).T
        for i, position in self.with_indicator:
            out[:, position] = missing_indicator(missing[i], self.encodings[i].missing_share)
        return ValueMasks(missing if any_missing else None)


def cycle_phase(timestamps: NDArray[Any], cycle: str) -> NDArray[Any]:
    """Return the phase of timestamps `(n,)` on a calendar cycle, in [0, 1)."""
    phase: NDArray[Any] = np.mod((timestamps - _cycle_start(cycle)) / CYCLES[cycle], 1.0)
    return phase


def _cycle_start(cycle: str) -> float:
    return _MONDAY if cycle == "week" else 0.0
