"""Whether the test rows keep the promised alert rate, as rows that are drawn like the calibration rows do."""

from __future__ import annotations

import math
from typing import Final

from models.errors import Set
from models.messages import Message, phrase

_LEAST_PROBABILITY: Final = 0.001


def broken_promise(*, flagged: int, tested: int, promised: float, calibrated: int, time: str | None) -> Message | None:
    """Return the warning where more test rows are flagged than chance explains; None where chance does.

    Args:
        flagged: Number of test rows that are flagged.
        tested: Number of test rows.
        promised: The promised alert rate, in (0, 1).
        calibrated: Number of calibration rows.
        time: The column by which the rows are split in time; None for another split.
    """
    if not 0 < promised < 1 or flagged <= promised * tested:
        return None
    if probability_of_more(flagged, tested=tested, promised=promised, calibrated=calibrated) >= _LEAST_PROBABILITY:
        return None
    rates = {"realised": flagged / tested, "promised": promised}
    if time is None:
        return phrase(
            "{realised:.2%} of the test rows are flagged, {promised:.2%} were promised: they differ from the "
            "calibration rows by more than chance, and rows like them will be flagged as often.",
            **rates,
        )
    return phrase(
        "{realised:.2%} of the test rows are flagged, {promised:.2%} were promised: the newest rows differ from the "
        "oldest, so the table has a trend, and the promise does not hold for rows to come. Leave out columns that "
        "drift ({setting}), give changes in place of levels, or train on recent rows, and often.",
        setting=Set("exclude", like="COLUMN"),
        **rates,
    )


def probability_of_more(flagged: int, *, tested: int, promised: float, calibrated: int) -> float:
    """Return how probable it is that so many test rows, or more, are flagged if they are like the calibration rows.

    The threshold is one of the scores of the calibration rows, so that the rate behind it varies with them: the number
    has a beta-binomial distribution, wider than the binomial one.

    Example:
        >>> round(probability_of_more(3, tested=100, promised=0.01, calibrated=99), 3)
        0.125
    """
    above, below = promised * (calibrated + 1), (1 - promised) * (calibrated + 1)
    whole = _log_beta(above, below)
    return sum(
        math.exp(
            math.lgamma(tested + 1)
            - math.lgamma(count + 1)
            - math.lgamma(tested - count + 1)
            + _log_beta(count + above, tested - count + below)
            - whole
        )
        for count in range(flagged, tested + 1)
    )


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)
