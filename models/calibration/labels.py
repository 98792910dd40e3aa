"""Thresholds from labelled calibration rows: the best F-beta, or a wanted precision, recall or false-positive rate.

Recall and false-positive rate are ranks of the scores of anomalies and of normal rows, with the guarantee that
ranks have. Precision and F-beta depend on how many of the rows are anomalies, too; they are estimated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration.ranks import FloatVector
from models.calibration.rows import CalibrationRows
from models.errors import ConfigError, Set

LEAST_LABELLED: Final = 10
"""Anomalies, and normal rows, from which precision and F-beta are estimated; with ten, a recall of one half lies
between a quarter and three quarters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What each of c thresholds would do to the labelled calibration rows.

    Args:
        threshold: Descending `(c,)`.
        true_positives: Anomalies above it `(c,)`.
        false_positives: Normal rows above it `(c,)`.
        anomalies: Number of anomalies.
        anomaly_weight: See `CalibrationRows`.
    """

    threshold: FloatVector
    true_positives: FloatVector
    false_positives: FloatVector
    anomalies: int
    anomaly_weight: float

    @property
    def precision(self) -> FloatVector:
        """Share of the flagged rows that are anomalies; not a number where none is flagged."""
        right = self.anomaly_weight * self.true_positives
        flagged = right + self.false_positives
        return np.asarray(np.divide(right, flagged, out=np.full(len(right), np.nan), where=flagged > 0), np.float64)

    def f_beta(self, beta: float) -> FloatVector:
        """Harmonic mean of precision and recall, the recall counted β² times (van Rijsbergen, 1979)."""
        right = self.anomaly_weight * self.true_positives
        anomalies = self.anomaly_weight * self.anomalies
        return (1 + beta**2) * right / (beta**2 * anomalies + right + self.false_positives)


def outcomes(rows: CalibrationRows) -> Outcomes:
    """Return what every different threshold would do to labelled rows."""
    normal, anomalies = rows.normal, rows.anomalies
    scores = np.unique(np.concatenate([normal, anomalies]))
    threshold = np.array([*scores[::-1], np.nextafter(scores[0], -np.inf)])
    return Outcomes(
        threshold=threshold,
        true_positives=(len(anomalies) - np.searchsorted(anomalies, threshold, side="right")).astype(np.float64),
        false_positives=(len(normal) - np.searchsorted(normal, threshold, side="right")).astype(np.float64),
        anomalies=len(anomalies),
        anomaly_weight=rows.anomaly_weight,
    )


def check_estimable(rows: CalibrationRows, wanted: float) -> None:
    """Check that the labelled rows are enough to estimate precision and F-beta.

    Raises:
        ConfigError: They are not.
    """
    for count, name in ((len(rows.anomalies), "anomalies"), (len(rows.normal), "normal rows")):
        if count < LEAST_LABELLED:
            raise ConfigError(
                f"threshold_method 'labels' needs at least {LEAST_LABELLED} labelled {name} among the calibration "
                f"rows, there are {count}. Give more, or say ",
                Set("threshold_method", "fpr"),
                ".",
            )


def best_f_beta(rows: CalibrationRows, beta: float) -> float:
    """Return the threshold with the best F-beta; of equal ones the highest."""
    possible = outcomes(rows)
    return float(possible.threshold[np.argmax(possible.f_beta(beta))])


def threshold_of_precision(rows: CalibrationRows, precision: float) -> float:
    """Return the lowest threshold, which finds most, that reaches a precision.

    Raises:
        ConfigError: No threshold does.
    """
    possible = outcomes(rows)
    precisions = possible.precision
    reached = np.flatnonzero(precisions >= precision)
    if not len(reached):
        best = int(np.nanargmax(precisions))
        found = f"{possible.true_positives[best]:.0f} of {possible.anomalies} anomalies are found. Ask for "
        less, fpr = Set("precision", math.floor(100 * precisions[best]) / 100), Set("threshold_method", "fpr")
        problem = f"No threshold reaches a precision of {precision:g}: the best is {precisions[best]:.3g}, where "
        raise ConfigError(problem, found, less, " or less, or say ", fpr, ".")
    return float(possible.threshold[reached[-1]])
