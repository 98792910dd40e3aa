"""The table of the columns that an estimator was fitted with: what each is, and why it is used or not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from models.detector import Detector
from training.estimator.errors import in_python


def columns_frame(detector: Detector, names: Sequence[str]) -> pd.DataFrame:
    """Return what became of each column of `X`, in its order.

    Returns:
        One row a column: name; kind, of features alone; role (feature, id, label, dropped, or threshold_by for a
        column that only chooses the threshold); reason, which for a feature is how it enters the network.
    """
    schema = detector.schema
    known: dict[str, tuple[str | None, str, str]] = {
        name: (None, "dropped", in_python(reason)) for name, reason in schema.dropped.items()
    }
    if schema.threshold_by is not None:
        known[schema.threshold_by] = (None, "threshold_by", "its values have thresholds of their own")
    known |= {
        encoding.name: (str(encoding.kind), "feature", encoding.describe())
        for encoding in detector.preprocessor.encodings
    }
    known |= dict.fromkeys(schema.ids, (None, "id", "names a record, never a feature"))
    if schema.label is not None:
        label = detector.card.get("label") or {}
        known[schema.label] = (None, "label", label.get("reason", "says what is an anomaly, never a feature"))
    rows = [(name, *known[name]) for name in names if name in known]
    return pd.DataFrame(rows, columns=["name", "kind", "role", "reason"])
