"""Statistics over many sets: ranks, the tests of Demšar, wins and losses.

Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7 (2006). `values` are sets × methods, and
more is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALPHA: Final = 0.05
"""Level of significance."""

_LEAST_SETS: Final = 2
_LEAST_METHODS: Final = 2

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Friedman:
    """Friedman's test of whether methods differ at all.

    Args:
        chi2: Friedman's statistic.
        f: The statistic of Iman and Davenport, less conservative; infinite where all sets have the same ranks.
        p: p-value of `f`.
    """

    chi2: float
    f: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """A paired comparison of two methods over the same sets.

    Args:
        wins: Sets on which it is better.
        ties: Sets on which both are equal.
        losses: Sets on which it is worse.
        difference: Mean difference.
        p: Wilcoxon's signed-rank test, two-sided; NaN where all sets tie.
    """

    wins: int
    ties: int
    losses: int
    difference: float
    p: float


def ranks(values: Values) -> Values:
    """Return the rank of each method on each set, 1 for the best; ties share the mean of their ranks.

    Example:
        >>> ranks(np.array([[0.9, 0.7, 0.7]])).tolist()
        [[1.0, 2.5, 2.5]]
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(-values, axis=1), np.float64)


def friedman(values: Values) -> Friedman:
    """Test whether methods differ.

    Args:
        values: At least 2 sets and 2 methods.
    """
    from scipy.stats import f as f_distribution

    sets, methods = values.shape
    mean = ranks(values).mean(axis=0)
    chi2 = 12 * sets / (methods * (methods + 1)) * (float((mean**2).sum()) - methods * (methods + 1) ** 2 / 4)
    most = sets * (methods - 1)
    f = math.inf if math.isclose(chi2, most) else (sets - 1) * chi2 / (most - chi2)
    return Friedman(chi2=chi2, f=f, p=float(f_distribution.sf(f, methods - 1, (methods - 1) * (sets - 1))))


def critical_difference(*, methods: int, sets: int, alpha: float = ALPHA) -> float:
    """Return the critical difference of two mean ranks (Nemenyi's test).

    Example:
        >>> round(critical_difference(methods=4, sets=14), 2)
        1.25
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * sets))


def groups_alike(mean_ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Return the largest groups of neighbours whose mean ranks differ by less than `difference`.

    Args:
        mean_ranks: In ascending order.
        difference: From `critical_difference`.

    Returns:
        First and last of each group of two or more.

    Example:
        >>> groups_alike([1.0, 1.5, 2.4, 4.0], 1.0)
        [(0, 1), (1, 2)]
    """
    groups: list[tuple[int, int]] = []
    for first, rank in enumerate(mean_ranks):
        last = max(i for i, other in enumerate(mean_ranks) if other - rank < difference)
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups


def duel(ours: Values, other: Values) -> Duel:
    """Compare two methods over the same sets `(n,)`; ties count half for each."""
    from scipy.stats import wilcoxon

    lead = ours - other
    p = math.nan if not lead.any() else float(wilcoxon(ours, other, zero_method="zsplit").pvalue)
    return Duel(
        wins=int((lead > 0).sum()),
        ties=int((lead == 0).sum()),
        losses=int((lead < 0).sum()),
        difference=float(lead.mean()),
        p=p,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple comparisons (Holm 1979); NaN stays NaN and is not counted.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005])
        [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = [math.nan] * len(p_values)
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for done, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - done)))
        adjusted[i] = largest
    return adjusted


def can_be_compared(values: Values) -> bool:
    """Return whether there are enough sets and methods for tests."""
    return bool(values.shape[0] >= _LEAST_SETS and values.shape[1] >= _LEAST_METHODS)
