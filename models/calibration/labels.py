"""Thresholds from labelled calibration rows: the best F-beta, or a wanted precision, recall or false-positive rate.

Recall and false-positive rate are ranks of the scores of anomalies and of normal rows, with the guarantee that
ranks have. Precision and F-beta depend on how many of the rows are anomalies, too; they are estimated.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from models.calibration.ranks import FloatVector
from models.calibration.rows import CalibrationRows
from models.errors import ConfigError, Set

LEAST_LABELLED: Final = 10
"""Anomalies, and normal rows, from which precision and F-beta are estimated; with ten, a recall of one half lies
between a quarter and three quarters."""


def outcomes(rows: CalibrationRows) -> tuple[FloatVector, FloatVector, FloatVector]:
    """Return what every different threshold would do to labelled rows.

    Returns:
        The c thresholds, descending, and the weights of the anomalies and of the normal rows above each `(c,)`.
    """
    normal, anomalies = rows.normal, rows.anomalies
    scores = np.unique(np.concatenate([normal, anomalies]))
    threshold = np.array([*scores[::-1], np.nextafter(scores[0], -np.inf)])
    right = rows.anomaly_weight * (len(anomalies) - np.searchsorted(anomalies, threshold, side="right"))
    wrong = len(normal) - np.searchsorted(normal, threshold, side="right")
    return threshold, np.asarray(right, np.float64), np.asarray(wrong, np.float64)


def f_beta(rows: CalibrationRows, right: FloatVector, wrong: FloatVector, *, beta: float) -> FloatVector:
    """Return the harmonic means of precision and recall, the recall counted β² times (van Rijsbergen, 1979)."""
    anomalies = rows.anomaly_weight * len(rows.anomalies)
    return (1 + beta**2) * right / (beta**2 * anomalies + right + wrong)


def check_estimable(rows: CalibrationRows, wanted: float) -> None:
    """Raise `ConfigError` unless the labelled rows are enough to estimate precision and F-beta."""
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
    threshold, right, wrong = outcomes(rows)
    return float(threshold[np.argmax(f_beta(rows, right, wrong, beta=beta))])


def threshold_of_precision(rows: CalibrationRows, precision: float) -> float:
    """Return the lowest threshold, which finds most, that reaches a precision; a `ConfigError` if none does."""
    threshold, right, wrong = outcomes(rows)
    flagged = right + wrong
    precisions = np.divide(right, flagged, out=np.full(len(right), np.nan), where=flagged > 0)
    reached = np.flatnonzero(precisions >= precision)
    if not len(reached):
        best = int(np.nanargmax(precisions))
        found = f"{right[best] / rows.anomaly_weight:.0f} of {len(rows.anomalies)} anomalies are found. Ask for "
        less, fpr = Set("precision", math.floor(100 * precisions[best]) / 100), Set("threshold_method", "fpr")
        problem = f"No threshold reaches a precision of {precision:g}: the best is {precisions[best]:.3g}, where "
        raise ConfigError(problem, found, less, " or less, or say ", fpr, ".")
    return float(threshold[reached[-1]])
