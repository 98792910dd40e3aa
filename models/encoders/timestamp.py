"""Encoding dates and times: their phase on calendar cycles, and the time before the training period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoding import Encoder, Encoding, FloatMatrix, ValueMasks, clip_in_place
from models.encoders.numeric import NumericEncoder, NumericEncoding
from models.messages import Message, joined, listed, phrase
from models.schema import Kind
from models.schema.cells import Cell
from models.schema.timestamps import clock_text, moment_of, phase_text, timestamp_text

CYCLES: Final = {"day": 86_400.0, "week": 7 * 86_400.0, "year": 365.2425 * 86_400.0}
"""Calendar cycles on which a timestamp has a phase, with their length in seconds."""

DAY: Final = 86_400.0
HOURS: Final = 24
WEEKDAYS: Final = 7

_PHASES: Final = {"day": phrase("time of day"), "week": phrase("time of week"), "year": phrase("time of year")}
_MONDAY: Final = 4 * 86_400.0  # 1970-01-05, so that the cycle "week" starts on a Monday
_LEAST_MARGIN: Final = 1e-3 / DAY  # days: less is the rounding of timestamps
_FIRST_WEEKDAY: Final = 3  # from Monday: 1970-01-01 was a Thursday


@dataclass(frozen=True, kw_only=True)
class TimestampEncoding(Encoding):
    """The phase on each calendar cycle that the fitting rows cover at least twice, and elapsed time.

    Elapsed time is 0 from the first fitting row on, and negative before. So a timestamp before all fitting rows
    raises the score, and one after them, as every record of a running service has, does not. Within the period
    the network is not told how much time has elapsed: it would learn *when* the strange rows were, and excuse
    them. A time of day without a date has no elapsed time, only its phase in the day.

    A network excuses an hour of the night that it has seen once, and a phase far from all others is never further away
    than the diameter of the circle. So an hour or weekday that hardly any fitting row has adds a novelty penalty.

    Args:
        start: First timestamp of the fitting rows, in seconds since 1970-01-01 UTC.
        scale: Standard deviation of their timestamps, in seconds.
        cycles: Keys of `CYCLES`.
        clock: The values are times of day; the only cycle is the day.
        hours: Novelty penalty of each hour of the day, in squared deviations; empty where none is rare.
        weekdays: Novelty penalty of each weekday, from Monday on; empty where none is rare.
        gaps: The days since the date of another column, the name of each. Its range, ``low`` to ``high``, is the usual
            one; its novelty penalty is added where a gap lies beyond, by half of that range or more.
    """

    kind: ClassVar[Kind] = Kind.DATETIME
    start: float
    scale: float
    cycles: tuple[str, ...] = ()
    clock: bool = False
    hours: tuple[float, ...] = ()
    weekdays: tuple[float, ...] = ()
    gaps: tuple[NumericEncoding, ...] = ()

    @cached_property
    def value_names(self) -> tuple[str, ...]:
        waves = (f"{self.name}: {wave} of {cycle}" for cycle in self.cycles for wave in ("sine", "cosine"))
        gaps = (f"{self.name}: since {other}" for other in self.others)
        return (*(() if self.clock else (f"{self.name}: elapsed",)), *waves, *gaps)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(gap.name for gap in self.gaps)

    @property
    def first_wave(self) -> int:
        """Index of the first feature that is a phase on a cycle."""
        return 0 if self.clock else 1

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

    @property
    def words(self) -> Message:
        if self.clock:
            return phrase("time of day")
        elapsed = phrase("time elapsed since {start}", start=moment_of(self.start))
        gaps = [phrase("days since {columns}", columns=listed(self.others))] if self.gaps else []
        return joined([*(_PHASES[cycle] for cycle in self.cycles), elapsed, *gaps], by=", ")


class TimestampEncoder(Encoder):
    """Encodes K columns of timestamps, with W waves in all."""

    def __init__(self, encodings: Sequence[TimestampEncoding], starts: Sequence[int]) -> None:
        super().__init__(encodings, starts)
        triples = list(zip(range(len(encodings)), encodings, starts, strict=True))
        self._dated = [(i, start) for i, encoding, start in triples if not encoding.clock]
        self._starts = np.array([[encoding.start] for encoding in encodings])  # (K, 1)
        self._scales = np.array([[encoding.scale] for encoding in encodings])  # (K, 1)
        waves = [
            (i, start + encoding.first_wave + 2 * wave, cycle)
            for i, encoding, start in triples
            for wave, cycle in enumerate(encoding.cycles)
        ]
        self._waved = np.array([i for i, _, _ in waves], np.intp)  # the column of each (W,)
        self._sines = np.array([sine for _, sine, _ in waves], np.intp)  # its position in Z; the cosine is behind it
        self._offsets = np.array([[_cycle_start(cycle)] for _, _, cycle in waves]).reshape(-1, 1)
        self._lengths = np.array([[CYCLES[cycle]] for _, _, cycle in waves]).reshape(-1, 1)
        self._rare_parts = [
            (i, part_of, np.array(penalties))
            for i, encoding in enumerate(encodings)
            for part_of, penalties in ((hours_of, encoding.hours), (weekdays_of, encoding.weekdays))
            if penalties
        ]
        self._gaps = [
            (i, start + len(encoding.value_names) - len(encoding.gaps) + number, gap)
            for i, encoding, start in triples
            for number, gap in enumerate(encoding.gaps)
        ]
        limits = np.array([gap_limits(gap) for _, _, gap in self._gaps]).reshape(-1, 2)
        self._gap_limits = limits[:, :1], limits[:, 1:]  # (P, 1) each
        self._gap_penalties = np.array([[gap.novelty_penalty] for _, _, gap in self._gaps])  # (P, 1)
        named = [replace(gap, name=str(number)) for number, (_, _, gap) in enumerate(self._gaps)]
        self._gap_encoder = NumericEncoder(named, [position for _, position, _ in self._gaps]) if named else None

    def encode(self, columns: Mapping[str, NDArray[Any]], out: FloatMatrix) -> ValueMasks:
        values = self._values(columns)
        missing = np.isnan(values)
        any_missing = bool(missing.any())
        elapsed = clip_in_place(np.minimum(values - self._starts, 0.0) / self._scales, missing if any_missing else None)
        for i, position in self._dated:
            out[:, position] = elapsed[i]
        known = np.where(missing, 0.0, values) if any_missing else values
        angle = 2 * np.pi * np.mod((known[self._waved] - self._offsets) / self._lengths, 1.0)
        out[:, self._sines] = (np.sqrt(2) * np.sin(angle)).T  # √2: unit variance over a whole cycle
        out[:, self._sines + 1] = (np.sqrt(2) * np.cos(angle)).T
        self._write_indicators(missing, out)
        penalties = self._penalties(known, missing)
        if self._gap_encoder is None:
            return ValueMasks(missing if any_missing else None, penalties=penalties)
        gaps = [gap_between(values[i], columns[gap.name]) for i, _, gap in self._gaps]
        absent = self._gap_encoder.encode({str(i): days for i, days in enumerate(gaps)}, out).missing
        features = None if absent is None else [(self._gaps[i][1], rows) for i, rows in enumerate(absent)]
        penalties = self._with_odd_gaps(penalties, gaps, values.shape)
        return ValueMasks(missing if any_missing else None, penalties=penalties, features=features)

    def _penalties(self, values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        """Return what rare hours and weekdays add `(K, n)`: of a value the larger; None where it is nothing."""
        found: NDArray[np.float64] | None = None
        for i, part_of, penalties in self._rare_parts:
            added = penalties[part_of(values[i])]
            if added.any():
                found = np.zeros(values.shape) if found is None else found
                np.maximum(found[i], added, out=found[i])
        if found is not None:
            found[missing] = 0.0
        return found

    def _with_odd_gaps(
        self, penalties: NDArray[np.float64] | None, gaps: Sequence[NDArray[np.float64]], shape: tuple[int, ...]
    ) -> NDArray[np.float64] | None:
        """Return penalties `(K, n)` with what each odd gap adds."""
        added = odd_gaps(np.stack(gaps), *self._gap_limits) * self._gap_penalties
        if not added.any():
            return penalties
        penalties = np.zeros(shape) if penalties is None else penalties
        for (i, _, _), of_gap in zip(self._gaps, added, strict=True):
            penalties[i] += of_gap
        return penalties


def gap_limits(gap: NumericEncoding) -> tuple[float, float]:
    """Return the least and the largest gap that is not odd: the usual ones, and half of their range on each side."""
    margin = max((gap.high - gap.low) / 2, _LEAST_MARGIN)
    return gap.low - margin, gap.high + margin


def odd_gaps(days: NDArray[np.float64], least: Any, largest: Any) -> NDArray[np.bool_]:
    """Return which gaps are beyond their limits; missing ones are not."""
    odd: NDArray[np.bool_] = (days < least) | (days > largest)
    return odd


def gap_between(timestamps: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
    """Return the days from other timestamps `(n,)` to timestamps `(n,)`; NaN where one is missing."""
    gap: NDArray[np.float64] = (timestamps - others) / DAY
    return gap


def hours_of(timestamps: NDArray[Any]) -> NDArray[np.intp]:
    """Return the hour of the day of timestamps `(n,)`, from 0 to 23."""
    hours: NDArray[np.intp] = (np.mod(timestamps, DAY) // 3600.0).astype(np.intp)
    return np.minimum(hours, HOURS - 1)


def weekdays_of(timestamps: NDArray[Any]) -> NDArray[np.intp]:
    """Return the weekday of timestamps `(n,)`, from 0 for Monday; of whole days, as a phase rounds at midnight."""
    weekdays: NDArray[np.intp] = np.mod(timestamps // DAY + _FIRST_WEEKDAY, 7.0).astype(np.intp)
    return weekdays


def cycle_phase(timestamps: NDArray[Any], cycle: str) -> NDArray[Any]:
    """Return the phase of timestamps `(n,)` on a calendar cycle, in [0, 1)."""
    phase: NDArray[Any] = np.mod((timestamps - _cycle_start(cycle)) / CYCLES[cycle], 1.0)
    return phase


def _cycle_start(cycle: str) -> float:
    return _MONDAY if cycle == "week" else 0.0
