"""The encoder of dates and times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.encoder import FloatMatrix, Novelty, fill, missing_feature, missing_phrase, with_missing
from models.schema import Kind
from models.schema.cells import Cell
from models.schema.timestamps import clock_text, instant_text, phase_text

CYCLES: Final = {"day": 86_400.0, "week": 7 * 86_400.0, "year": 365.2425 * 86_400.0}
"""Calendar cycles that a datetime can be placed on, with their length in seconds."""

_MONDAY: Final = 4 * 86_400.0  # 1970-01-05, so that the cycle "week" starts on a Monday


@dataclass(frozen=True, slots=True, kw_only=True)
class DatetimeEncoder:
    """The place on each calendar cycle that the fitting rows cover at least twice, and elapsed time.

    Elapsed time is 0 from the first fitting row on, and negative before. So an instant before all fitting rows
    raises the score, and one after them, as every record of a running service has, does not. Within the period
    the network is not told how much time has elapsed: it would learn *when* the strange rows were, and excuse
    them. A time of day without a date has no elapsed time, only its place in the day.

    Args:
        name: The column.
        start: First instant of the fitting rows, in seconds since 1970-01-01 UTC.
        scale: Standard deviation of their instants, in seconds.
        cycles: Keys of `CYCLES`.
        clock: The values are times of day; the only cycle is the day.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a feature.
        surprise: What a missing value adds where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.DATETIME
    name: str
    start: float
    scale: float
    cycles: tuple[str, ...] = ()
    clock: bool = False
    missing_share: float = 0.0
    surprise: float = 0.0

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
        """Number of the first feature that is a place on a cycle."""
        return 0 if self.clock else 1

    @property
    def weights(self) -> tuple[float, ...]:
        return with_missing((1.0 / self.value_features,) * self.value_features, self.missing_share)

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        novelty = fill(out, np.minimum(values - self.start, 0.0) / self.scale, self.missing_share)
        for number, cycle in enumerate(self.cycles):
            place = self.first_wave + 2 * number
            out[:, place], out[:, place + 1] = waves((np.nan_to_num(values) - cycle_start(cycle)) / CYCLES[cycle])
        return novelty

    def decode(self, features: Sequence[float] | NDArray[Any]) -> Cell:
        if not self.cycles:
            return f"from {instant_text(self.start)}"
        places = {}
        for number, cycle in enumerate(self.cycles):
            place = self.first_wave + 2 * number
            sine, cosine = features[place], features[place + 1]
            places[cycle] = float(np.arctan2(sine, cosine)) / (2 * np.pi) % 1.0
        return phase_text(places)

    def actual(self, value: Any) -> Cell:
        if math.isnan(value):
            return None
        return clock_text(float(value)) if self.clock else instant_text(float(value))

    def describe(self) -> str:
        if self.clock:
            return "place in the day" + missing_phrase(self.missing_share)
        cycles = "".join(f"place in the {cycle}, " for cycle in self.cycles)
        return f"{cycles}time elapsed since {instant_text(self.start)}" + missing_phrase(self.missing_share)


def cycle_start(cycle: str) -> float:
    """Return an instant at which a calendar cycle starts, in seconds since 1970."""
    return _MONDAY if cycle == "week" else 0.0


def cycle_phase(instants: NDArray[Any], cycle: str) -> NDArray[Any]:
    """Return the place of instants `(n,)` on a calendar cycle, in [0, 1)."""
    phase: NDArray[Any] = np.mod((instants - cycle_start(cycle)) / CYCLES[cycle], 1.0)
    return phase


def waves(turns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return sine and cosine of the place on a cycle after so many turns; each has unit variance over a whole one."""
    angle = 2 * np.pi * np.mod(turns, 1.0)
    return np.sqrt(2) * np.sin(angle), np.sqrt(2) * np.cos(angle)
