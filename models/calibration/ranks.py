"""Thresholds and p-values as ranks of calibration scores, with the ranks computed exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError, Message, Set

FloatVector = NDArray[np.float64]

LEAST_ROWS_OF_A_TAIL: Final = 500
"""Calibration rows from which a tail can be fitted: a tenth of them is fifty excesses."""

_MOST_ROWS: Final = 10_000_000  # below it, no two p-values k/(n + 1) are the same double


def rows_needed(rate: float) -> int:
    """Return the smallest number of calibration rows from which a rate α can be promised: n ≥ 1/α − 1.

    Example:
        >>> rows_needed(0.01)
        99
    """
    return math.ceil(1 / exactly(rate)) - 1


def conformal_p_value(scores: FloatVector, anomaly_score: FloatVector) -> FloatVector:
    """Return the p-value of each score `(m,)` among n ascending scores, in (0, 1]."""
    n = len(scores)
    at_least_as_high = n - np.searchsorted(scores, anomaly_score, side="left")
    return np.asarray((1 + at_least_as_high) / (1 + n), np.float64)


def conformal_threshold(scores: FloatVector, rate: float) -> float:
    """Return the ⌈(n + 1)(1 − α)⌉-th smallest of n ascending scores, for a rate α that `require_rows` lets pass.

    The rank is computed exactly: in floating point it is off by one for some α and n.
    """
    return float(scores[math.ceil((len(scores) + 1) * (1 - exactly(rate))) - 1])


def require_rows(n: int, rate: float, *, flag: str = "alert_rate") -> None:
    """Raise `ConfigError` if n calibration rows cannot promise a rate: n is below 1/rate − 1."""
    if n >= rows_needed(rate):
        return
    words = {"alert_rate": "An alert rate", "false_positive_rate": "A false-positive rate"}[flag]
    evt = Message(", or say ", Set("threshold_method", "evt"))
    problem = f"{words} of {rate:g} needs at least {rows_needed(rate):,} calibration rows, there are {n:,}. "
    other = evt if flag == "alert_rate" and n >= LEAST_ROWS_OF_A_TAIL else ""
    raise ConfigError(problem, "Give more data, or ask for ", Set(flag, smallest_rate(n)), " or more", other, ".")


def conformal_threshold_below(scores: FloatVector, recall: float) -> float:
    """Return the largest number below the ⌊(m + 1)(1 − r)⌋-th smallest of m ascending scores of anomalies.

    A fresh anomaly that is drawn like them scores above it with a probability of at least r, which
    `require_anomalies` lets pass: `conformal_threshold` seen from the other side.
    """
    rank = math.floor((len(scores) + 1) * (1 - exactly(recall)))
    return float(np.nextafter(scores[rank - 1], -np.inf))


def require_anomalies(m: int, recall: float) -> None:
    """Raise `ConfigError` if m anomalies cannot promise a recall: m is below 1/(1 − recall) − 1."""
    needed = math.ceil(1 / (1 - exactly(recall))) - 1
    if m < needed:
        less = Message(", or ask for ", Set("recall", math.floor(100 * m / (m + 1)) / 100), " or less")
        raise ConfigError(
            f"A recall of {recall:g} needs at least {needed:,} labelled anomalies among the calibration rows, there "
            f"are {m:,}. Give more anomalies",
            less if m else "",
            ".",
        )


def contamination_threshold(scores: FloatVector, contamination: float) -> float:
    """Return the score that the given share of n ascending scores lies above; see `flagged_rows`."""
    flagged = flagged_rows(len(scores), contamination)
    return float(scores[len(scores) - flagged - 1])


def flagged_rows(n: int, contamination: float) -> int:
    """Return the number of rows that are a share of n; a `ConfigError` if that is no whole row."""
    flagged = math.floor(n * exactly(contamination))
    if flagged < 1:
        needed = math.ceil(1 / exactly(contamination))
        problem = f"A contamination of {contamination:g} needs at least {needed:,} calibration rows, there are {n:,}"
        raise ConfigError(problem, ". Give more data or a larger ", Set("contamination"), ".")
    return flagged


def exactly(rate: float) -> Fraction:
    """Return the exact rate: 0.1 is one tenth and 1/3 is one third, not the double nearest to it."""
    simple = Fraction(rate).limit_denominator(_MOST_ROWS)
    return simple if float(simple) == rate else Fraction(repr(float(rate)))


def smallest_rate(n: int) -> float:
    """Return the smallest rate of two digits that n calibration rows can promise."""
    rate = 1 / (n + 1)
    digits = 1 - math.floor(math.log10(rate))
    return float(math.ceil(rate * 10**digits) / 10**digits)
