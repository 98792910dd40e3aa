"""How the error of one activation compares with the best one's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One activation against the best: the one with the lowest error of those that may be recommended.

    Args:
        ratio: Relative difference of its error: 0.1 is 10 % above the best, negative is below it.
        low, high: Ends of the 95 % interval of `ratio`.
        p: p-value of the difference, with Holm's correction for the number of comparisons.
        verdict: ``best``, ``worse``, ``equal`` (surely higher by no more than the margin), ``open`` (these seeds
            cannot tell) or ``reference`` (compared only: it saturates, and is not recommended beside others).
    """

    activation: str
    ratio: float
    low: float
    high: float
    p: float
    verdict: str
