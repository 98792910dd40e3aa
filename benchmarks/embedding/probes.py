"""Probes: simple learners on features, tested on unseen rows.

The figure is the average precision: the mean, over the anomalies, of the precision at the rank of each. It suits few
anomalies. It needs no threshold, unlike balanced accuracy: a classifier that calls every row normal has 50 %, however
well it orders them. And it does not count the many normal rows at the end of the order, as ROC AUC does.
Chance gives the share of anomalies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_NEIGHBOURS: Final = 5

Matrix = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A simple learner.

    Args:
        name: Its name in the CSV.
        says: Its name in the tables.
        scores: Takes features and labels of the rows to learn from, and features of the test rows; returns the scores
            of these `(m,)`, higher for anomalies.
        standardised: Whether the features are standardised first.
    """

    name: str
    says: str
    scores: Callable[[Matrix, Flags, Matrix], NDArray[np.float64]]
    standardised: bool = True

    def average_precision(self, known: Matrix, is_anomaly: Flags, fresh: Matrix, truth: Flags) -> float:
        """Learn from known rows; return the average precision on fresh ones.

        Args:
            known: Features `(n, k)` of rows whose labels are known.
            is_anomaly: These labels `(n,)`.
            fresh: Features `(m, k)` of the test rows.
            truth: Their labels `(m,)`.
        """
        from sklearn.metrics import average_precision_score
        from sklearn.preprocessing import StandardScaler

        known, fresh = known.astype(np.float64), fresh.astype(np.float64)
        if self.standardised:
            scaler = StandardScaler().fit(known)
            known, fresh = scaler.transform(known), scaler.transform(fresh)
        return float(average_precision_score(truth, self.scores(known, is_anomaly, fresh)))


def _logistic(known: Matrix, is_anomaly: Flags, fresh: Matrix) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(class_weight="balanced", max_iter=5000).fit(known, is_anomaly)
    return np.asarray(probe.decision_function(fresh), np.float64)


def _neighbours(known: Matrix, is_anomaly: Flags, fresh: Matrix) -> NDArray[np.float64]:
    from sklearn.neighbors import KNeighborsClassifier

    # Weighted by distance: plain votes have only six values, and most rows would tie.
    probe = KNeighborsClassifier(n_neighbors=_NEIGHBOURS, weights="distance").fit(known, is_anomaly)
    return np.asarray(probe.predict_proba(fresh)[:, 1], np.float64)


PROBES: Final = (
    Probe(name="logistic", says="logistic regression", scores=_logistic),
    Probe(name="neighbours", says=f"{_NEIGHBOURS} nearest neighbours", scores=_neighbours),
    Probe(
        name="neighbours_plain",
        says=f"{_NEIGHBOURS} nearest neighbours, features not rescaled",
        scores=_neighbours,
        standardised=False,
    ),
)
"""The probes."""
