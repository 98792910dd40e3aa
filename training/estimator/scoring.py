"""How a fitted estimator scores rows: the methods of scikit-learn's outlier detectors and transformers.

scikit-learn's signs are here and nowhere else: `score_samples` and `decision_function` are lower for anomalies, and
`predict` gives −1 for them. Our own `anomaly_score` is always higher for anomalies.
"""

from __future__ import annotations

import warnings
from abc import ABC
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from models.columns.from_tables import columns_of_table
from models.detector import Verdicts
from models.early_rows import early_rows, notes_of_early_rows
from models.pointed_dates import notes_of_pointed_dates, pointed_dates
from models.unlike_training import notes_of_fractions, ranges_of
from training.estimator.errors import DetectorWarning, as_value_errors, in_python
from training.estimator.inputs import known_table, row_weights_of
from training.estimator.saving import SavedDetector


class ScoringDetector(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    OutlierMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    SavedDetector,
    ABC,
):
    """An estimator that scores, decides on and embeds rows with its detector."""

    def anomaly_score(self, X: Any) -> NDArray[np.float64]:
        """Return the anomaly scores `(n,)`: higher is more anomalous."""
        return self._scored(X).anomaly_score

    def p_value(self, X: Any) -> NDArray[np.float64]:
        """Return the p-values `(n,)`, in (0, 1]."""
        return self._scored(X).p_value

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return the negative anomaly scores `(n,)`: lower is more anomalous."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return threshold minus anomaly score `(n,)`: negative for anomalies."""
        verdicts = self._scored(X)
        return verdicts.threshold - verdicts.anomaly_score

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return −1 for anomalies and 1 for the others `(n,)`."""
        return np.where(self._scored(X).is_anomaly, -1, 1)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """Return the negative mean reconstruction error of the rows of `X`.

        Its unit is standard deviations² per column; higher is better. Of a single network, the error is the anomaly
        score without what numbers far beyond all others add; of several, it is the mean over them.

        It needs no labels, so that a search can use it to choose how a network is trained. It does not say how well
        anomalies are found: a wider bottleneck reconstructs them better, too. With labels, choose by
        `training.estimator.scorers`.

        Args:
            X: n rows.
            y: Not used.
            sample_weight: Weight of each row `(n,)`.
        """
        check_is_fitted(self, "detector_")
        with as_value_errors():
            detector = self.detector_
            encoded = detector.preprocessor.transform(self._columns(X))
            errors = detector.scorer.reconstruction_error(encoded)
            return -float(np.average(errors, weights=row_weights_of(sample_weight, len(errors))))

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the bottleneck's output `(n, k)`."""
        check_is_fitted(self, "detector_")
        with as_value_errors():
            return self.detector_.embed(self._columns(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []  # the bottleneck gives float32 for any input
        return tags

    def _scored(self, X: Any) -> Verdicts:
        check_is_fitted(self, "detector_")
        with as_value_errors():
            return self.detector_.score(self._columns(X))

    def _columns(self, X: Any) -> dict[str, NDArray[Any]]:
        """Return the features of `X` by name, and warn of values that are not written as those of the fit, or older."""
        detector, name = self.detector_, type(self).__name__
        table = known_table(X, self._names, detector.schema, by_name=self._by_name, estimator=name)
        columns = columns_of_table(detector.schema, table)
        older = notes_of_early_rows(detector.preprocessor, early_rows(detector.preprocessor, columns), rows=len(table))
        fractions = notes_of_fractions(detector, ranges_of(detector.preprocessor, columns), rows=len(table))
        pointed = notes_of_pointed_dates(pointed_dates(detector.schema, table))
        for note in (*pointed, *older, *detector.notes(detector.sightings(columns.__getitem__)), *fractions):
            warnings.warn(in_python(note), DetectorWarning, stacklevel=4)
        return columns
