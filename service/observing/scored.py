"""What is counted of the rows that a detector scores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from models.detector import Detector, Verdicts
from models.encoders.preprocessor import Encoded
from models.schema import Kind
from service.observing.families import FAMILIES

MOST_COLUMNS: Final = 50
"""Columns of a detector that are counted one by one; the further ones are counted together."""

OTHER_COLUMNS: Final = "(other columns)"

_ROWS_AT_ONCE: Final = 1024  # that are counted together: one by one, each would take longer than it takes to score

_Figures = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]
"""Scores, p-values and decisions."""

Add = Callable[[str, tuple[str, ...], tuple[str, ...], NDArray[np.float64]], None]
"""Adds numbers to the block of a family, of labels and items."""


@final
class ScoredRows:
    """Counts the rows of one detector; called with each batch that it scores, on any thread.

    Args:
        detector: The detector.
        add: Adds to the metrics.
    """

    def __init__(self, detector: Detector, add: Add) -> None:
        preprocessor = detector.preprocessor
        self._labels = (detector.name, detector.version)
        self._add = add
        self._starts = preprocessor.starts
        names = [encoding.name for encoding in preprocessor.encodings]
        is_many = len(names) > MOST_COLUMNS
        self._columns = (*names[: MOST_COLUMNS - 1], OTHER_COLUMNS) if is_many else tuple(names)
        # Categories have no range.
        ranged = np.array([encoding.kind is not Kind.CATEGORICAL for encoding in preprocessor.encodings])
        of_features = ranged[preprocessor.column_of_feature]
        self._low = np.where(of_features, preprocessor.limits[0], -np.inf).astype(np.float32)
        self._high = np.where(of_features, preprocessor.limits[1], np.inf).astype(np.float32)
        self._waiting: deque[tuple[Encoded, _Figures | None]] = deque()
        self._rows = 0

    def __call__(self, encoded: Encoded, verdicts: Verdicts | None) -> None:
        """Take a batch of rows, and their verdicts if they were scored."""
        figures = None if verdicts is None else (verdicts.anomaly_score, verdicts.p_value, verdicts.is_anomaly)
        self._waiting.append((encoded, figures))
        self._rows += len(encoded)
        if self._rows >= _ROWS_AT_ONCE:
            self.fold()

    def fold(self) -> None:
        """Add what has been taken to the metrics."""
        self._rows = 0
        scored: list[tuple[Encoded, _Figures]] = []
        embedded = 0
        with suppress(IndexError):  # all are taken, perhaps by another thread
            while True:
                encoded, figures = self._waiting.popleft()
                if figures is None:
                    embedded += len(encoded)
                else:
                    scored.append((encoded, figures))
        if embedded:
            self._count("detector_rows_total", embedded, "embed")
        if scored:
            self._count_scored([encoded for encoded, _ in scored], [figures for _, figures in scored])

    def _count_scored(self, encoded: list[Encoded], figures: list[_Figures]) -> None:
        scores, p_values, are_anomalies = (np.concatenate(each) for each in zip(*figures, strict=True))
        self._count("detector_rows_total", len(scores), "score")
        self._count("detector_alerts_total", int(np.count_nonzero(are_anomalies)))
        self._spread("detector_score", scores)
        self._spread("detector_p_value", p_values)
        missing = [e.missing[:, self._starts] for e in encoded if e.missing is not None]
        unseen = [e.unseen for e in encoded if e.unseen is not None]
        Z = np.concatenate([e.Z for e in encoded])
        outside = (self._low > Z) | (self._high < Z)
        out_of_range = [np.logical_or.reduceat(outside, self._starts, axis=1)] if outside.any() else []
        self._count_columns("detector_missing_values_total", missing)
        self._count_columns("detector_unseen_categories_total", unseen)
        self._count_columns("detector_out_of_range_values_total", out_of_range)

    def _count(self, family: str, number: int, *labels: str) -> None:
        self._add(family, (*self._labels, *labels), (), np.array([float(number)]))

    def _spread(self, family: str, values: NDArray[np.float64]) -> None:
        self._add(family, self._labels, (), histogram_of(family, values))

    def _count_columns(self, family: str, masks: list[NDArray[np.bool_]]) -> None:
        """Count the true ones of masks `(n, K)` in each column; none is counted, too: then the column is known."""
        counts = np.zeros(len(self._starts))
        for mask in masks:
            counts += mask.sum(axis=0)
        shown = len(self._columns)
        if len(counts) > shown:
            counts = np.append(counts[: shown - 1], counts[shown - 1 :].sum())
        self._add(family, self._labels, self._columns, counts)


def histogram_of(family: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers of a block of a histogram: how many values are in each bucket, and their sum."""
    buckets = FAMILIES[family].buckets
    counts = np.bincount(np.searchsorted(buckets, values), minlength=len(buckets) + 1)
    return np.append(counts.astype(np.float64), values[np.isfinite(values)].sum())
