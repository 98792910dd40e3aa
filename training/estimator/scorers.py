"""Scorers for searches over parameters with labelled rows: ROC AUC and average precision.

scikit-learn's ``scoring="roc_auc"`` expects high scores for the greater label: that is right for the labels 1 (normal)
and −1 (anomaly) that `predict` gives, and reversed for 0 (normal) and 1 (anomaly). These scorers take both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from training.estimator.errors import InputError

__all__ = ["SCORERS", "average_precision", "roc_auc"]


def roc_auc(estimator: Any, X: Any, y: Any) -> float:
    """Return the chance that an anomaly scores above a normal row.

    Args:
        estimator: A fitted detector, or a pipeline that ends in one.
        X: n rows.
        y: Their labels `(n,)`: −1 for anomalies and 1 for the others, or 1 (True) for anomalies and 0 for the others.

    Raises:
        InputError: The labels are others, or all alike.
    """
    return float(roc_auc_score(anomalies_of(y), -estimator.score_samples(X)))


def average_precision(estimator: Any, X: Any, y: Any) -> float:
    """Return the precision over all thresholds, weighted by the gain in recall; the arguments are those of `roc_auc`.

    Raises:
        InputError: The labels are others, or all alike.
    """
    return float(average_precision_score(anomalies_of(y), -estimator.score_samples(X)))


SCORERS: Final[dict[str, Callable[[Any, Any, Any], float]]] = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}
"""The scorers by name, for the `scoring` of scikit-learn's searches: all of them, or one."""


def anomalies_of(y: Any) -> NDArray[np.bool_]:
    """Return which rows the labels call anomalies `(n,)`.

    Raises:
        InputError: The labels are not of one of the two conventions, or all alike.
    """
    labels = np.asarray(y)
    values = set(np.unique(labels).tolist()) if labels.dtype.kind in "biuf" else set(labels.ravel().tolist())
    if values == {-1, 1}:
        return np.asarray(labels == -1)
    if values == {0, 1}:
        return np.asarray(labels == 1)
    raise InputError(
        "y must hold −1 (anomaly) and 1 (normal), or 1 (anomaly) and 0 (normal), both of them, got "
        f"{', '.join(map(repr, sorted(values, key=str)[:8]))}."
    )
