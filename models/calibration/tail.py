"""The tail of the calibration scores as a generalised Pareto law: rates below one over the number of rows.

Excesses over a high enough score follow a generalised Pareto law, nearly, for almost every law of scores (Balkema
and de Haan, 1974; Pickands, 1975). Its shape ξ and scale σ are estimated as Zhang and Stephens propose (A new and
efficient estimation method for the generalized Pareto distribution, Technometrics 51, 2009): a weighted mean over
a grid, without iterations that could fail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration.ranks import LEAST_ROWS_OF_A_TAIL, FloatVector
from models.errors import ConfigError, Set

TAIL_SHARES: Final = (0.1, 0.05, 0.025)
"""Shares of the calibration rows that may be taken as the tail; the largest that fits is taken."""

LEAST_RATE: Final = 1e-9
"""The smallest alert rate that may be asked for; no p-value is below it either."""

_MOST_EXCESSES: Final = 1000  # a tail that starts higher is nearer to its law, and these are enough to estimate it
_FEWEST_EXCESSES: Final = 50  # they are estimated from
_LEAST_EXCESSES: Final = 25  # of these that may be left where scores are the same
_NO_SHAPE: Final = 1e-9  # a shape nearer to 0 than this is exponential


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A generalised Pareto law of the excesses over a score.

    Args:
        start: The score above which it holds.
        share: Chance of a score above `start`.
        excesses: Number of calibration scores above `start`.
        shape: ξ; above 0 the tail is heavier than exponential, below 0 it ends.
        scale: σ.
    """

    start: float
    share: float
    excesses: int
    shape: float
    scale: float

    def p_value(self, anomaly_score: FloatVector) -> FloatVector:
        """Return the chance of at least such a score `(m,)`, for scores above `start`."""
        return np.maximum(self.share * survival(anomaly_score - self.start, self.shape, self.scale), LEAST_RATE)

    def threshold(self, rate: float) -> float:
        """Return the score above which a share of fresh rows will lie; it is below `share`."""
        return self.start + float(excess_of(np.array([rate / self.share]), self.shape, self.scale)[0])


def fit_tail(scores: FloatVector, *, share: float) -> Tail:
    """Fit the tail of n ascending scores: a share of them, less of very many; a `ConfigError` if none can be fitted."""
    n = len(scores)
    require_tail_rows(n)
    start = float(scores[n - 1 - min(_MOST_EXCESSES, max(_FEWEST_EXCESSES, math.floor(n * share)))])
    excesses = scores[np.searchsorted(scores, start, side="right") :] - start
    if len(excesses) < _LEAST_EXCESSES:
        problem = f"The highest calibration scores are so often the same ({start:g}) that no tail can be fitted to them"
        raise ConfigError(problem, ". Say ", Set("threshold_method", "fpr"), ".")
    shape, scale = estimate(excesses)
    share_above = (len(excesses) + 1) / (n + 1)
    return Tail(start=start, share=share_above, excesses=len(excesses), shape=shape, scale=scale)


def require_tail_rows(n: int) -> None:
    """Raise `ConfigError` if n calibration rows are too few to fit a tail to."""
    if n < LEAST_ROWS_OF_A_TAIL:
        needed = f"at least {LEAST_ROWS_OF_A_TAIL} calibration rows to fit a tail to, there are {n:,}. "
        fpr = Set("threshold_method", "fpr")
        raise ConfigError("threshold_method 'evt' needs ", needed, "Give more data, or say ", fpr, ".")


def estimate(excesses: FloatVector) -> tuple[float, float]:
    """Return shape and scale for ascending excesses above 0 (Zhang and Stephens, 2009).

    Example:
        >>> shape, scale = estimate(-np.log1p(-(np.arange(200) + 0.5) / 200))   # exponential
        >>> round(abs(shape), 1), round(scale, 1)
        (0.0, 1.0)
    """
    n = len(excesses)
    points = 20 + math.isqrt(n)
    grid = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    # θ = −ξ/σ around one over the largest excess, in units of the lower quartile: the paper's equation (6).
    theta = 1 / excesses[-1] + grid / (3 * excesses[math.floor(n / 4 + 0.5) - 1])
    theta = theta[np.abs(theta) * excesses[-1] > _NO_SHAPE]
    shapes = np.log1p(-theta[:, None] * excesses).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    weight = np.exp(likelihood - likelihood.max())
    mean = float(weight @ theta / weight.sum())
    if abs(mean) * excesses[-1] <= _NO_SHAPE:
        return 0.0, float(excesses.mean())
    shape = float(np.log1p(-mean * excesses).mean())
    return shape, -shape / mean


def survival(excess: FloatVector, shape: float, scale: float) -> FloatVector:
    """Return the chance of a larger excess, for each `(m,)`."""
    z = np.asarray(excess, np.float64) / scale
    if abs(shape) < _NO_SHAPE:
        return np.exp(-z)
    with np.errstate(divide="ignore", over="ignore"):  # beyond the end of the tail: log 0, and a chance of 0
        return np.asarray(np.exp(-np.log1p(np.maximum(shape * z, -1.0)) / shape))


def excess_of(chance: FloatVector, shape: float, scale: float) -> FloatVector:
    """Return the excesses that are exceeded with chances above 0 `(m,)`: the inverse of `survival`."""
    if abs(shape) < _NO_SHAPE:
        return -scale * np.log(chance)
    return np.asarray(scale * np.expm1(-shape * np.log(chance)) / shape)
