"""One encoder for each kind of column: the user's values → features of `Z`, and back to what was expected.

An encoder holds plain numbers that were learned from the fitting rows (`training/learn_columns.py`), so that
the same record becomes the same features in training, in the service and in a batch. A feature's error counts
with the encoder's weight for it; the weights are such that each column of the user's, whatever its kind, has
about unit variance. A value that no fitting row had (a category, or a first missing value) cannot be judged
by the network; it adds the encoder's `surprise` instead.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.schema import Kind
from models.values import Cell, instant_text, phase_text

FloatMatrix = NDArray[np.float32]
Mask = NDArray[np.bool_]

CYCLES: Final = {"day": 86_400.0, "week": 7 * 86_400.0, "year": 365.2425 * 86_400.0}
"""Calendar cycles that a datetime can be placed on, with their length in seconds."""

_Z_LIMIT: Final = 1e15  # deviations; keeps squares finite in float32, and no real value comes near
_MIN_LEVEL_DEVIATION: Final = 0.1  # that of a level that 1 % of the rows have: rarer ones do not drown the rest
_UNSEEN: Final = -2
_NO_LEVEL: Final = -1
_MONDAY: Final = 4 * 86_400.0  # 1970-01-05, so that the cycle "week" starts on a Monday


class Novelty(NamedTuple):
    """What an encoder says of n values beyond their features.

    Args:
        missing: Rows whose value is missing `(n,)`, or None where none is.
        unseen: Rows whose value no fitting row had `(n,)`, or None where there is none.
    """

    missing: Mask | None = None
    unseen: Mask | None = None


class Encoder(Protocol):
    """What every kind of column offers."""

    kind: ClassVar[Kind]

    @property
    def name(self) -> str:
        """Name of the column."""
        ...

    @property
    def surprise(self) -> float:
        """What a value adds that no fitting row had, in squared deviations."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        ...

    @property
    def value_features(self) -> int:
        """How many of the first features hold the value itself; they are not judged where it is missing."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """What an error of one squared unit of each feature counts."""
        ...

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        """Write the features of n values into `out` `(n, len(features))`."""
        ...

    def decode(self, features: NDArray[Any]) -> Cell:
        """Return the value, in the user's own units, that features `(len(features),)` stand for."""
        ...

    def actual(self, value: Any) -> Cell:
        """Return a raw value as it is shown to the user; None where it is missing."""
        ...

    def describe(self) -> str:
        """Say in one phrase how the column enters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEncoder:
    """z = (f(x) − center) / scale, with f the identity or, for a heavy-tailed column, a signed logarithm.

    The logarithm is f(x) = sign(x − origin) · log(1 + |x − origin| / unit). Both forms grow without end, so a
    value beyond the training range is further away, never clipped.

    Args:
        name: The column.
        center: Mean of f(x) over the fitting rows.
        scale: Standard deviation of f(x) over the fitting rows.
        origin: Middle of the signed logarithm.
        unit: Where the signed logarithm bends; None for the identity.
        low: Smallest value of the fitting rows.
        high: Largest value of the fitting rows.
        whole: All values of the fitting rows are whole numbers.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a feature.
        surprise: What a missing value adds where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.NUMERIC
    name: str
    center: float
    scale: float
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    origin: float = 0.0
    unit: float | None = None
    missing_share: float = 0.0
    surprise: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, *_missing_feature(self.name, self.missing_share))

    @property
    def value_features(self) -> int:
        return 1

    @property
    def weights(self) -> tuple[float, ...]:
        return _with_missing((1.0,), self.missing_share)

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        z = (self._bend(values) - self.center) / self.scale
        return _fill(out, z, self.missing_share)

    def decode(self, features: NDArray[Any]) -> Cell:
        """Return the expected number: one that the fitting rows could have had."""
        value = bent = float(features[0]) * self.scale + self.center
        if self.unit is not None:
            value = self.origin + float(np.sign(bent) * np.expm1(min(abs(bent), 700.0)) * self.unit)
        value = min(max(value, self.low), self.high)
        return float(round(value)) if self.whole else value

    def actual(self, value: Any) -> Cell:
        return None if np.isnan(value) else float(value)

    def describe(self) -> str:
        form = "standardised" if self.unit is None else "logarithm of its distance from the median, standardised"
        return form + _missing_phrase(self.missing_share)

    def _bend(self, x: NDArray[Any]) -> NDArray[Any]:
        if self.unit is None:
            return x
        distance = x - self.origin
        return np.sign(distance) * np.log1p(np.abs(distance) / self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanEncoder:
    """z = (x − share) / deviation of a truth value x in {0, 1}.

    Args:
        name: The column.
        share: Share of true values among the fitting rows that have one.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a feature.
        surprise: What a missing value adds where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.BOOLEAN
    name: str
    share: float
    missing_share: float = 0.0
    surprise: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, *_missing_feature(self.name, self.missing_share))

    @property
    def value_features(self) -> int:
        return 1

    @property
    def weights(self) -> tuple[float, ...]:
        return _with_missing((1.0,), self.missing_share)

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        return _fill(out, (values - self.share) / _level_deviation(self.share), self.missing_share)

    def decode(self, features: NDArray[Any]) -> Cell:
        return bool(features[0] * _level_deviation(self.share) + self.share >= 0.5)

    def actual(self, value: Any) -> Cell:
        return None if np.isnan(value) else bool(value)

    def describe(self) -> str:
        return f"true in {self.share:.1%} of rows" + _missing_phrase(self.missing_share)


@dataclass(frozen=True, kw_only=True)
class CategoricalEncoder:
    """One feature a level: z = (1 if the value is this level else 0, less the level's share) / deviation.

    Args:
        name: The column.
        categories: The values with a level of their own, most frequent first.
        shares: Share of the fitting rows that have each category.
        rare_share: Share of the fitting rows in the bucket of rare categories; 0 for no bucket.
        rare: The categories in that bucket.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a level.
        surprise: What an unseen category adds, or a missing value where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.CATEGORICAL
    name: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    rare_share: float = 0.0
    rare: tuple[str, ...] = ()
    missing_share: float = 0.0
    surprise: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        bucket = (f"{self.name} is rare",) if self.rare_share else ()
        return (
            *(f"{self.name} = {c}" for c in self.categories),
            *bucket,
            *_missing_feature(self.name, self.missing_share),
        )

    @property
    def value_features(self) -> int:
        return len(self.categories) + (self.rare_share > 0)

    @property
    def weights(self) -> tuple[float, ...]:
        levels = len(self.features)
        return (1.0 / levels,) * levels

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        level = np.fromiter((self._levels.get(value, _UNSEEN) for value in values), np.int64, len(values))
        missing = np.fromiter((value is None for value in values), np.bool_, len(values))
        unseen = level == _UNSEEN
        level[unseen] = len(self.categories) if self.rare_share else _NO_LEVEL
        shares, deviations = self._shares, self._deviations
        out[:] = -shares / deviations
        rows = np.flatnonzero(level >= 0)
        out[rows, level[rows]] = ((1.0 - shares) / deviations)[level[rows]]
        return Novelty(missing if missing.any() else None, unseen if unseen.any() else None)

    def decode(self, features: NDArray[Any]) -> Cell:
        level = int(np.argmax(features * self._deviations + self._shares))
        if level < len(self.categories):
            return self.categories[level]
        return None if level == self.value_features else "(rare)"

    def actual(self, value: Any) -> Cell:
        return None if value is None else str(value)

    def describe(self) -> str:
        bucket = f", {len(self.rare):,} rare ones in one bucket" if self.rare_share else ""
        return f"{len(self.categories)} categories{bucket}" + _missing_phrase(self.missing_share)

    @cached_property
    def _levels(self) -> dict[str | None, int]:
        bucket = len(self.categories)
        levels: dict[str | None, int] = {category: level for level, category in enumerate(self.categories)}
        levels |= dict.fromkeys(self.rare, bucket)
        levels[None] = self.value_features if self.missing_share else _NO_LEVEL
        return levels

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        return np.array([*self.shares, *filter(None, (self.rare_share, self.missing_share))])

    @cached_property
    def _deviations(self) -> NDArray[np.float64]:
        return np.asarray(_level_deviation(self._shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatetimeEncoder:
    """The place on each calendar cycle that the fitting rows cover at least twice, and elapsed time.

    Elapsed time is 0 from the first fitting row on, and negative before. So an instant before all fitting rows
    raises the score, and one after them, as every record of a running service has, does not. Within the period
    the network is not told how much time has elapsed: it would learn *when* the strange rows were, and excuse
    them.

    Args:
        name: The column.
        start: First instant of the fitting rows, in seconds since 1970-01-01 UTC.
        scale: Standard deviation of their instants, in seconds.
        cycles: Keys of `CYCLES`.
        missing_share: Share of the fitting rows without a value; from above 0 on, that is a feature.
        surprise: What a missing value adds where no fitting row lacked one.
    """

    kind: ClassVar[Kind] = Kind.DATETIME
    name: str
    start: float
    scale: float
    cycles: tuple[str, ...] = ()
    missing_share: float = 0.0
    surprise: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        waves = (f"{self.name}: {wave} of {cycle}" for cycle in self.cycles for wave in ("sine", "cosine"))
        return (f"{self.name}: elapsed", *waves, *_missing_feature(self.name, self.missing_share))

    @property
    def value_features(self) -> int:
        return 1 + 2 * len(self.cycles)

    @property
    def weights(self) -> tuple[float, ...]:
        return _with_missing((1.0 / self.value_features,) * self.value_features, self.missing_share)

    def encode(self, values: NDArray[Any], out: FloatMatrix) -> Novelty:
        novelty = _fill(out, np.minimum(values - self.start, 0.0) / self.scale, self.missing_share)
        for number, cycle in enumerate(self.cycles):
            angle = 2 * np.pi * cycle_phase(np.nan_to_num(values), cycle)
            out[:, 1 + 2 * number] = np.sqrt(2) * np.sin(angle)  # unit variance over a whole cycle
            out[:, 2 + 2 * number] = np.sqrt(2) * np.cos(angle)
        return novelty

    def decode(self, features: NDArray[Any]) -> Cell:
        if not self.cycles:
            return f"from {instant_text(self.start)}"
        places = {}
        for number, cycle in enumerate(self.cycles):
            sine, cosine = features[1 + 2 * number], features[2 + 2 * number]
            places[cycle] = float(np.arctan2(sine, cosine)) / (2 * np.pi) % 1.0
        return phase_text(places)

    def actual(self, value: Any) -> Cell:
        return None if np.isnan(value) else instant_text(float(value))

    def describe(self) -> str:
        cycles = "".join(f"place in the {cycle}, " for cycle in self.cycles)
        return f"{cycles}time elapsed since {instant_text(self.start)}" + _missing_phrase(self.missing_share)


ENCODERS: Final[dict[Kind, type[Any]]] = {
    encoder.kind: encoder for encoder in (NumericEncoder, BooleanEncoder, CategoricalEncoder, DatetimeEncoder)
}
"""The encoder of each kind of column."""


def encoder_to_json(encoder: Any) -> dict[str, Any]:
    """Return plain data from which `encoder_from_json` makes an equal encoder."""
    return {"kind": str(encoder.kind)} | asdict(encoder)


def encoder_from_json(plain: dict[str, Any]) -> Encoder:
    """Make an encoder from what `encoder_to_json` gave.

    Raises:
        KeyError, TypeError, ValueError: `plain` is not the plain form of an encoder.
    """
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items() if key != "kind"}
    encoder: Encoder = ENCODERS[Kind(plain["kind"])](**fields)
    return encoder


def cycle_phase(instants: NDArray[Any], cycle: str) -> NDArray[Any]:
    """Return the place of instants `(n,)` on a calendar cycle, in [0, 1)."""
    offset = _MONDAY if cycle == "week" else 0.0
    phase: NDArray[Any] = np.mod((instants - offset) / CYCLES[cycle], 1.0)
    return phase


def _fill(out: FloatMatrix, z: NDArray[Any], missing_share: float) -> Novelty:
    """Write z to the first feature, 0 (the mean) where it is missing, and the feature for missing values."""
    missing = np.isnan(z)
    out[:, 0] = np.clip(np.where(missing, 0.0, z), -_Z_LIMIT, _Z_LIMIT)
    if missing_share:
        out[:, -1] = (missing - missing_share) / _level_deviation(missing_share)
    return Novelty(missing if missing.any() else None)


def _level_deviation(share: Any) -> Any:
    """Return the standard deviation of an indicator that is 1 in `share` of the rows, not below a floor."""
    return np.maximum(np.sqrt(share * (1.0 - share)), _MIN_LEVEL_DEVIATION)


def _with_missing(weights: tuple[float, ...], share: float) -> tuple[float, ...]:
    """Add the weight of the feature for missing values; the column's variance, in all, stays one."""
    if not share:
        return weights
    variance = (1.0 - share) + share * (1.0 - share) / _level_deviation(share) ** 2
    return tuple(float(weight / variance) for weight in (*weights, 1.0))


def _missing_feature(name: str, missing_share: float) -> tuple[str, ...]:
    return (f"{name} is missing",) if missing_share else ()


def _missing_phrase(missing_share: float) -> str:
    return f"; missing in {missing_share:.1%}, which is a feature" if missing_share else ""
