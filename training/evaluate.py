"""How well verdicts agree with labels, where there are labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detector import Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Agreement with labels on rows that nothing has seen. A figure that is not defined is None.

    Args:
        rows: Number of rows judged on.
        anomalies: How many of them are anomalies.
        roc_auc: Chance that an anomaly scores above a normal row.
        average_precision: Precision over all thresholds, weighted by the gain in recall.
        precision: Share of the flagged rows that are anomalies.
        recall: Share of the anomalies that are flagged.
        false_positive_rate: Share of the normal rows that are flagged.
    """

    rows: int
    anomalies: int
    roc_auc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    false_positive_rate: float | None


def evaluate(verdicts: Verdicts, is_anomaly: NDArray[np.bool_]) -> Metrics:
    """Compare verdicts on n rows with their labels `(n,)`."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # a second or two, and most tables have no label

    flagged = verdicts.is_anomaly
    both = bool(is_anomaly.any() and not is_anomaly.all())
    return Metrics(
        rows=len(is_anomaly),
        anomalies=int(is_anomaly.sum()),
        roc_auc=float(roc_auc_score(is_anomaly, verdicts.anomaly_score)) if both else None,
        average_precision=float(average_precision_score(is_anomaly, verdicts.anomaly_score)) if both else None,
        precision=_share(is_anomaly[flagged]),
        recall=_share(flagged[is_anomaly]),
        false_positive_rate=_share(flagged[~is_anomaly]),
    )


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(mask.mean()) if len(mask) else None
