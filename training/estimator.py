"""The scikit-learn face of a detector.

scikit-learn's signs live here and nowhere else: `score_samples` and `decision_function` are lower for
anomalies and `predict` gives −1 for them. Our own `anomaly_score` is higher for anomalies, always.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from models.bundle import load_detector, new_bundle
from models.columns import columns_of_table
from models.detector import Verdicts
from models.errors import BundleError, ConfigError, TableError
from models.tables import Table, table_of
from training.config import TrainConfig

if TYPE_CHECKING:
    from training.fit import FitResult


class AutoencoderDetector(OutlierMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder that scores records by their reconstruction error.

    What it fits and saves is what ``python -m training.train`` fits and saves, with the same settings and the
    same defaults; the help of that command explains them. Data frames are taken by column name, in any order.

    Args:
        activation: A key of `models.activations.ACTIVATIONS`.
        negative_slope: Slope of leaky_relu below zero.
        alpha: elu tends to −alpha far below zero.
        hidden_units: Widths of the encoder's hidden layers; None for widths by the number of features.
        depth: Number of the encoder's hidden layers, where `hidden_units` is None.
        latent_units: Width of the bottleneck; None for one by the number of features.
        dropout: Share of hidden units left out in each step.
        input_noise: Deviation of the noise on the standardised input while fitting.
        epochs: At most so many passes over the fitting rows; None for 200 or fewer, by the number of rows.
        batch_size: Rows of one step; None for one by the number of rows.
        learning_rate: Step size.
        weight_decay: On kernels.
        patience: Epochs without a better validation loss before stopping.
        threshold_method: A key of `models.calibration.THRESHOLD_METHODS`.
        alert_rate: For the method fpr; None for 0.01, or more where rows are few.
        contamination: For the method contamination; None for 0.05.
        threshold: For the method fixed.
        random_state: Seed of the split, the starting weights and the order of the rows.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(300, 3))
        >>> detector = AutoencoderDetector(epochs=2).fit(X)
        >>> detector.predict([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]]).tolist()
        [1, -1]
    """

    def __init__(
        self,
        *,
        activation: str = "relu",
        negative_slope: float = 0.1,
        alpha: float = 1.0,
        hidden_units: tuple[int, ...] | None = None,
        depth: int | None = None,
        latent_units: int | None = None,
        dropout: float = 0.0,
        input_noise: float = 0.5,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        patience: int = 20,
        threshold_method: str = "fpr",
        alert_rate: float | None = None,
        contamination: float | None = None,
        threshold: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.activation = activation
        self.negative_slope = negative_slope
        self.alpha = alpha
        self.hidden_units = hidden_units
        self.depth = depth
        self.latent_units = latent_units
        self.dropout = dropout
        self.input_noise = input_noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.threshold_method = threshold_method
        self.alert_rate = alert_rate
        self.contamination = contamination
        self.threshold = threshold
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> Self:
        """Fit and calibrate on the rows of `X`.

        Args:
            X: n rows: a data frame, an Arrow table, or an array `(n, d)`.
            y: Not used.

        Raises:
            DetectorError: A parameter or the data cannot be used.
        """
        from training.fit import fit
        from training.prepare import prepare

        parameters = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        seed = parameters.pop("random_state")
        if not isinstance(seed, int):
            raise ConfigError(f"random_state must be a whole number, got {seed!r}.")
        config = TrainConfig(**parameters, seed=seed)
        table = _table(X)
        self.result_: FitResult = fit(prepare(table, config), config, name="detector", version="1")
        self._take(table.names, by_name=not _is_array(X))
        return self

    def anomaly_score(self, X: Any) -> NDArray[np.float64]:
        """Return the anomaly scores `(n,)`, in standard deviations²; higher is more anomalous."""
        return self._judge(X).anomaly_score

    def p_value(self, X: Any) -> NDArray[np.float64]:
        """Return the p-values `(n,)`, in (0, 1]."""
        return self._judge(X).p_value

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return the negative anomaly scores `(n,)`: lower is more anomalous."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return how far the scores lie below the threshold `(n,)`: negative for anomalies."""
        verdicts = self._judge(X)
        return verdicts.threshold - verdicts.anomaly_score

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return −1 for anomalies and 1 for the others `(n,)`."""
        return np.where(self._judge(X).is_anomaly, -1, 1)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the bottleneck's output `(n, k)`."""
        check_is_fitted(self, "detector_")
        return self.detector_.embed(columns_of_table(self.detector_.schema, self._known_table(X)))

    def explain(self, X: Any, *, top: int = 3) -> pd.DataFrame:
        """Name the columns that add most to each row's score, with the value that was expected instead.

        Returns:
            One row for each of the `top` columns of each row of `X`: row, feature, contribution, actual, expected.
        """
        verdicts = self._judge(X)
        rows = [
            (row, c.feature, c.contribution, c.actual, c.expected)
            for row in range(len(verdicts))
            for c in verdicts.contributions(row, top=top)
        ]
        return pd.DataFrame(rows, columns=["row", "feature", "contribution", "actual", "expected"])

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a bundle, which the service, the batch program and `load` read.

        Raises:
            BundleError: Nothing can be written there, or the detector was loaded and not fitted.
        """
        from training.save import write_result

        check_is_fitted(self, "detector_")
        if not hasattr(self, "result_"):
            raise BundleError("This detector was loaded, not fitted: copy its bundle's folder instead.")
        with new_bundle(Path(path), overwrite=overwrite) as folder:
            write_result(self.result_, folder)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the estimator of a bundle; it scores, explains and transforms, without Keras.

        Raises:
            BundleError: There is no bundle, or a damaged one.
        """
        detector = load_detector(path)
        known = {name: value for name, value in detector.card["settings"].items() if name in cls().get_params()}
        estimator = cls(**known, random_state=detector.card["settings"]["seed"])
        estimator.detector_ = detector
        estimator._take(detector.card["input_names"], by_name=True)
        return estimator

    def _take(self, names: tuple[str, ...], *, by_name: bool) -> None:
        """Set what scikit-learn expects of a fitted estimator."""
        if hasattr(self, "result_"):
            self.detector_ = self.result_.detector
        self.offset_ = -self.detector_.calibration.threshold
        self.n_features_in_ = len(names)
        if by_name:
            self.feature_names_in_ = np.array(names, object)

    def _judge(self, X: Any) -> Verdicts:
        check_is_fitted(self, "detector_")
        return self.detector_.judge_table(self._known_table(X))

    def _known_table(self, X: Any) -> Table:
        """Return `X` as a table; an array has the columns of the fitted one, in its order."""
        table = _table(X)
        if _is_array(X) and len(table.names) != self.n_features_in_:
            raise TableError(f"X has {len(table.names)} columns, the detector was fitted on {self.n_features_in_}.")
        return table


def _plain(value: Any) -> Any:
    """Return a parameter without NumPy's types, which a bundle does not hold."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(_plain(part) for part in value)
    return value.item() if isinstance(value, np.generic) else value


def _is_array(X: object) -> bool:
    return isinstance(X, (np.ndarray, list, tuple))


def _table(X: Any) -> Table:
    """Return the table of a data frame, or of an array, whose columns are called x0, x1 and so on."""
    if not _is_array(X):
        return table_of(X)
    array = np.asarray(X)
    if array.ndim != 2:
        raise TableError(f"X must have two dimensions, rows and columns, got the shape {array.shape}.")
    return Table(data=pa.table({f"x{number}": pa.array(column) for number, column in enumerate(array.T)}))
