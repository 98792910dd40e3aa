"""Metrics: how well scores and decisions agree with labels, where there are labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.detector import Verdicts
from models.messages import phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Agreement with labels on held-out rows. A figure that is not defined is None.

    Args:
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

    @property
    def figures(self) -> dict[str, str]:
        """All but the numbers of rows, as text by name."""
        named = {
            phrase("ROC AUC"): self.roc_auc,
            phrase("average precision"): self.average_precision,
            phrase("precision"): self.precision,
            phrase("recall"): self.recall,
            phrase("false-positive rate"): self.false_positive_rate,
        }
        return {name: "–" if value is None else phrase("{value:.3f}", value=value) for name, value in named.items()}


def evaluate(verdicts: Verdicts, is_anomaly: NDArray[np.bool_]) -> Metrics:
    """Compare the decisions on n rows with their labels `(n,)`."""
    flagged = verdicts.is_anomaly
    return Metrics(
        rows=len(is_anomaly),
        anomalies=int(is_anomaly.sum()),
        roc_auc=roc_auc(verdicts.anomaly_score, is_anomaly),
        average_precision=average_precision(verdicts.anomaly_score, is_anomaly),
        precision=_share(is_anomaly[flagged]),
        recall=_share(flagged[is_anomaly]),
        false_positive_rate=_share(flagged[~is_anomaly]),
    )


def roc_auc(scores: NDArray[Any], is_anomaly: NDArray[np.bool_]) -> float | None:
    """Return the chance that an anomaly scores above a normal row `(n,)`; None without rows of both kinds."""
    from sklearn.metrics import roc_auc_score  # a second or two, and most tables have no label

    return float(roc_auc_score(is_anomaly, scores)) if _has_both(is_anomaly) else None


def average_precision(scores: NDArray[Any], is_anomaly: NDArray[np.bool_]) -> float | None:
    """Return the precision over all thresholds `(n,)`, weighted by the gain in recall; None without both kinds."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(is_anomaly, scores)) if _has_both(is_anomaly) else None


def _has_both(is_anomaly: NDArray[np.bool_]) -> bool:
    return bool(is_anomaly.any() and not is_anomaly.all())


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(mask.mean()) if len(mask) else None
