"""One threshold: the spec that it is found by, and the p-values that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.calibration.ranks import FloatVector, conformal_p_value
from models.calibration.tail import TAIL_SHARES, Tail


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSpec:
    """The method that finds the thresholds, and what it is asked for.

    Args:
        method: A key of `THRESHOLD_METHODS`.
        target: A key of the method's `targets`: the setting that gives the value.
        value: The rate, share, figure or score that is wanted.
        tail_share: Share of the rows that is taken as the tail, by a method that fits one.
    """

    method: str
    target: str
    value: float
    tail_share: float = TAIL_SHARES[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """The threshold of calibration rows, all or those of a segment.

    Args:
        threshold: The score above which a record is an anomaly.
        scores: Scores of the calibration population, ascending `(n,)`; p-values are ranks among them.
        tail: The law of the highest of them, where p-values beyond 1/(n + 1) are wanted.
        rate: With a tail, the alert rate.
    """

    threshold: float
    scores: FloatVector
    tail: Tail | None = None
    rate: float = 0.0

    def p_value(self, anomaly_score: FloatVector) -> FloatVector:
        """Return the p-value of each score `(m,)`, in (0, 1]."""
        p_value = conformal_p_value(self.scores, anomaly_score)
        if self.tail is None:
            return p_value
        beyond = anomaly_score > self.tail.start  # there the tail's and the ranks' meet
        p_value[beyond] = self.tail.p_value(anomaly_score[beyond])
        # Exponentials round: at the threshold itself the verdict says on which side of the rate the p-value lies.
        flagged = anomaly_score > self.threshold
        return np.where(flagged, np.minimum(p_value, self.rate), np.maximum(p_value, np.nextafter(self.rate, 1.0)))
