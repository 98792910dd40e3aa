"""The reference: a summary of the fitting rows by column, for the card and the service's example record."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.schema import FeatureSchema, Kind
from models.schema.timestamps import clock_text, timestamp_text, write_timestamp

_QUANTILES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_MOST_CATEGORIES: Final = 100


def reference_of(schema: FeatureSchema, columns: Columns, scores: NDArray[np.float64]) -> dict[str, Any]:
    """Summarise the fitting rows' columns, and the calibration rows' scores."""
    return {
        "columns": {c.name: _summary(c.kind, c.layout, columns[c.name]) for c in schema.columns},
        "anomaly_score": quantiles(scores),
    }


def _summary(kind: Kind, layout: str | None, values: NDArray[Any]) -> dict[str, Any]:
    if kind is Kind.CATEGORICAL:
        counts = Counter(value for value in values if value is not None)
        common = dict(counts.most_common(_MOST_CATEGORIES))
        return {
            "missing": len(values) - counts.total(),
            "counts": common,
            "others": counts.total() - sum(common.values()),
            "typical": next(iter(common), None),
        }
    present = values[~np.isnan(values)]
    missing = len(values) - len(present)
    if kind is Kind.BOOLEAN:
        true = int(present.sum())
        return {
            "missing": missing,
            "counts": {"true": true, "false": len(present) - true},
            "typical": 2 * true > len(present),
        }
    if kind is Kind.DATETIME:
        middle = float(np.quantile(present, 0.5, method="nearest"))
        text_of = clock_text if layout == "time" else timestamp_text
        first, last = text_of(float(present.min())), text_of(float(present.max()))
        return {
            "missing": missing,
            "first": first,
            "last": last,
            "typical": write_timestamp(middle, layout=layout or "iso"),
        }
    typical = float(np.quantile(present, 0.5, method="nearest"))
    return {"missing": missing, "quantiles": quantiles(present), "mean": float(present.mean()), "typical": typical}


def quantiles(values: NDArray[Any]) -> dict[str, float]:
    """Return quantiles of values, by their shares as text."""
    return {f"{q:g}": float(v) for q, v in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True)}
