"""Label leaks: columns that are known only once the anomaly is, so a detector must not learn from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, missing_mask
from models.errors import Set
from models.messages import phrase
from models.schema import Column, FeatureSchema, Kind
from training.columns.infer_schema import Finding
from training.evaluate import roc_auc

_MIN_AUC: Final = 0.99
_MIN_PURITY: Final = 0.99  # share of anomalies among the rows with a value
_MIN_ROWS: Final = 10
_MIN_SHARE: Final = 0.05  # of the anomalies that a value has to name
_MIN_ROWS_A_CATEGORY: Final = 5
_LABEL_NAME: Final = re.compile(
    r"^(y|class|label|target|outlier|(is|has)?_?(anomaly|anomalous|fraud|fault|failure|attack|abnormal|defect))$"
    r"|[ _.-](label|anomaly|fraud|fault|failure|attack|defect)$",
    re.IGNORECASE,
)


def find_leaks(schema: FeatureSchema, columns: Columns, is_anomaly: NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Find the columns of n rows that leak their labels `(n,)`."""
    if not is_anomaly.any() or is_anomaly.all():
        return ()
    found = {}
    for column in schema.columns:
        what = _separation(column, columns[column.name], is_anomaly) or _flagging(columns[column.name], is_anomaly)
        if what is not None:
            found[column.name] = phrase("{what}: it leaks the label {label!r}", what=what, label=schema.label)
    remedy = phrase("if known only once the anomaly is: {setting}", setting=Set("exclude", tuple(found)))
    return tuple(Finding(columns=(name,), what=what, remedy=remedy, warning=True) for name, what in found.items())


def find_labels(schema: FeatureSchema, columns: Columns) -> tuple[Finding, ...]:
    """Find the features that look like a label, where none was named: two values, and the name of one."""
    what = phrase("two values, and called like a label; it is learned from like any other column")
    return tuple(
        Finding(
            columns=(name,),
            what=what,
            remedy=phrase("if it says what is an anomaly: {setting}", setting=Set("label", name)),
        )
        for name in filter(_LABEL_NAME.search, schema.names)
        if len(set(columns[name][~missing_mask(columns[name])].tolist())) == 2
    )


def _separation(column: Column, values: NDArray[Any], is_anomaly: NDArray[np.bool_]) -> str | None:
    """Describe how well a column's values alone separate the labels, where they do so almost perfectly."""
    if column.kind is Kind.CATEGORICAL:
        order = _anomaly_share(values, is_anomaly)
    else:
        order = np.where(np.isnan(values), np.nanmedian(values), values)
    auc = roc_auc(order, is_anomaly) or 0.0
    auc = max(auc, 1.0 - auc)
    return phrase("alone separates the anomalies (ROC AUC {auc:.3f})", auc=auc) if auc >= _MIN_AUC else None


def _anomaly_share(values: NDArray[Any], is_anomaly: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of anomalies of each row's category; all rare categories are one."""
    _, codes = np.unique(np.array([f"={value}" if value is not None else "" for value in values]), return_inverse=True)
    counts = np.bincount(codes)
    codes = np.where(counts[codes] < _MIN_ROWS_A_CATEGORY, len(counts), codes)
    rows = np.bincount(codes, minlength=len(counts) + 1)
    anomalies = np.bincount(codes, weights=is_anomaly, minlength=len(counts) + 1)
    shares: NDArray[np.float64] = (anomalies / np.maximum(rows, 1))[codes]
    return shares


def _flagging(values: NDArray[Any], is_anomaly: NDArray[np.bool_]) -> str | None:
    """Describe the value, or the presence or absence of one, that almost only anomalies have."""
    least = max(_MIN_ROWS, _MIN_SHARE * is_anomaly.sum())
    for what, rows in _flags(values):
        count, anomalies = int(rows.sum()), int(is_anomaly[rows].sum())
        if count >= least and anomalies >= _MIN_PURITY * count:
            return phrase(
                "{anomalies:,} of the {rows:,} rows with {value} are anomalies",
                anomalies=anomalies,
                rows=count,
                value=what,
            )
    return None


def _flags(values: NDArray[Any]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    missing = missing_mask(values)
    if missing.any():
        yield phrase("no value"), missing
        yield phrase("a value"), ~missing
    present = values[~missing]
    if values.dtype == object:
        ends = set(present.tolist())
    else:
        ends = {present.min(), present.max()} if len(present) else set()
        ends = ends if np.isin(present, list(ends)).all() else set()
    if len(ends) == 2:
        for value in sorted(ends):
            yield (repr(value) if isinstance(value, str) else phrase("{value:g}", value=value)), values == value
