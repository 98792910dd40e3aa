"""From the scores of held-out rows to a threshold, p-values and verdicts.

Calibration rows are held out from fitting and from early stopping. With n of them and a fresh record that is
drawn like them, the record's p-value

    p = (1 + number of calibration scores at least as high) / (1 + n)

is at most α with a probability of at most α, whatever the network (split conformal prediction; Vovk, Gammerman
and Shafer, Algorithmic Learning in a Random World, 2005; for anomaly detection Bates et al., Annals of
Statistics 51, 2023). A record is an anomaly when its score is strictly above the threshold. For the method
``fpr`` the threshold is the ⌈(n + 1)(1 − α)⌉-th smallest calibration score, and "above it" is the same as
p ≤ α: verdict and p-value can never disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError

FloatVector = NDArray[np.float64]

_MOST_ROWS: Final = 10_000_000  # below it, no two p-values k/(n + 1) are the same double


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A threshold and what it rests on.

    Args:
        method: A key of `THRESHOLD_METHODS`.
        value: The rate, share or number that the method was given.
        threshold: The score above which a record is an anomaly.
        scores: Anomaly scores of the calibration rows, ascending `(n,)`.
    """

    method: str
    value: float
    threshold: float
    scores: FloatVector

    @classmethod
    def of(cls, scores: FloatVector, *, method: str, value: float) -> Calibration:
        """Calibrate on the scores of held-out rows `(n,)`, in any order.

        Raises:
            ConfigError: The value is outside the method's limits, or the rows are too few for it.
        """
        ordered = np.sort(np.asarray(scores, np.float64))
        threshold = THRESHOLD_METHODS[method].threshold(ordered, value)
        return cls(method=method, value=value, threshold=threshold, scores=ordered)

    @property
    def promised_alert_rate(self) -> float | None:
        """The share of rows like the calibration rows that will be flagged; None where nothing is promised."""
        return self.value if THRESHOLD_METHODS[self.method].is_rate else None

    @property
    def promise(self) -> str:
        """The guarantee in words."""
        return THRESHOLD_METHODS[self.method].promise.format(value=f"{self.value:g}", percent=f"{100 * self.value:g} %")

    def p_value(self, anomaly_score: FloatVector) -> FloatVector:
        """Return the p-value of each score `(m,)`, in (0, 1]."""
        n = len(self.scores)
        at_least_as_high = n - np.searchsorted(self.scores, anomaly_score, side="left")
        return np.asarray((1 + at_least_as_high) / (1 + n), np.float64)

    def is_anomaly(self, anomaly_score: FloatVector) -> NDArray[np.bool_]:
        """Return the verdict for each score `(m,)`: strictly above the threshold."""
        return np.asarray(anomaly_score > self.threshold, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdMethod:
    """How a threshold is found.

    Args:
        flag: The setting that gives its value.
        summary: One line for the help.
        promise: The guarantee in words, with ``{percent}`` or ``{value}``.
        threshold: Ascending calibration scores and the value → threshold.
        is_rate: The value is the promised alert rate.
    """

    flag: str
    summary: str
    promise: str
    threshold: Callable[[FloatVector, float], float]
    is_rate: bool


def rows_needed(rate: float) -> int:
    """Return the smallest number of calibration rows from which a rate α can be promised: n ≥ 1/α − 1.

    Example:
        >>> rows_needed(0.01)
        99
    """
    return math.ceil(1 / _exactly(rate)) - 1


def conformal_threshold(scores: FloatVector, rate: float) -> float:
    """Return the ⌈(n + 1)(1 − α)⌉-th smallest of n ascending scores, for the rate α in (0, 1).

    The rank is computed exactly: in floating point it is off by one for some α and n.

    Raises:
        ConfigError: α is outside (0, 1), or n is below 1/α − 1.
    """
    if not 0 < rate < 1:
        raise ConfigError(f"alert_rate must be in (0, 1), got {rate}.")
    n = len(scores)
    if n < rows_needed(rate):
        raise ConfigError(
            f"An alert rate of {rate:g} needs at least {rows_needed(rate):,} calibration rows, there are {n:,}. Give "
            f"more data, or ask for --alert-rate {_smallest_rate(n):.2g} or more."
        )
    rank = math.ceil((n + 1) * (1 - _exactly(rate)))
    return float(scores[rank - 1])


def contamination_threshold(scores: FloatVector, contamination: float) -> float:
    """Return the score that the given share of n ascending scores lies above.

    Raises:
        ConfigError: The share is outside (0, 0.5], or there is no score.
    """
    if not 0 < contamination <= 0.5:
        raise ConfigError(f"contamination must be in (0, 0.5], got {contamination}.")
    n = len(scores)
    flagged = math.floor(n * _exactly(contamination))
    if flagged < 1:
        raise ConfigError(
            f"A contamination of {contamination:g} needs at least {math.ceil(1 / _exactly(contamination)):,} "
            f"calibration rows, there are {n:,}. Give more data or a larger --contamination."
        )
    return float(scores[n - flagged - 1])


def fixed_threshold(scores: FloatVector, threshold: float) -> float:
    """Return the given threshold.

    Raises:
        ConfigError: It is not a finite number of at least 0.
    """
    if not (math.isfinite(threshold) and threshold >= 0):
        raise ConfigError(f"threshold must be a finite number of at least 0, got {threshold}.")
    return float(threshold)


THRESHOLD_METHODS: Final[dict[str, ThresholdMethod]] = {
    "fpr": ThresholdMethod(
        flag="alert_rate",
        summary="conformal quantile: at most this share of fresh normal rows is flagged",
        promise="At most {percent} of fresh rows that are drawn like the calibration rows will be flagged, on average "
        "over fits; if these rows are normal, that is the false-positive rate.",
        threshold=conformal_threshold,
        is_rate=True,
    ),
    "contamination": ThresholdMethod(
        flag="contamination",
        summary="the share of anomalies that you expect among rows like those of DATA",
        promise="About {percent} of rows like the calibration rows will be flagged, as many as are expected to be "
        "anomalies; there is no guarantee for a single fit.",
        threshold=contamination_threshold,
        is_rate=True,
    ),
    "fixed": ThresholdMethod(
        flag="threshold",
        summary="a threshold that you give",
        promise="Rows that score above {value} are flagged; how many that will be is not promised.",
        threshold=fixed_threshold,
        is_rate=False,
    ),
}
"""The threshold methods by the name that ``--threshold-method`` takes."""


def _exactly(rate: float) -> Fraction:
    """Return the rate as it was meant: 0.1 is one tenth and 1/3 is one third, not the double nearest to it."""
    simple = Fraction(rate).limit_denominator(_MOST_ROWS)
    return simple if float(simple) == rate else Fraction(repr(float(rate)))


def _smallest_rate(n: int) -> float:
    """Return the smallest rate of two digits that n calibration rows can promise."""
    rate = 1 / (n + 1)
    digits = 1 - math.floor(math.log10(rate))
    return float(math.ceil(rate * 10**digits) / 10**digits)
