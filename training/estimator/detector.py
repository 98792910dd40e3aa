"""The scikit-learn estimator of a detector: its parameters, and how it is fitted.

It scores as `training.estimator.scoring` says, explains by `training.estimator.explaining`, and is saved and loaded by
`training.estimator.saving`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATION_PARAMETERS
from training.estimator.display import fit_progress
from training.estimator.errors import DetectorWarning, as_value_errors, in_python
from training.estimator.explaining import ExplainingDetector
from training.estimator.inputs import is_named, require_rows, table_of_input, text_names, weighted_rows
from training.estimator.parameters import config_of_parameters, with_activation_docs, with_activation_parameters

if TYPE_CHECKING:
    from training.training_scores import TrainingScores


class AutoencoderDetector(ExplainingDetector):
    """An autoencoder that scores records by their reconstruction error.

    It fits and saves the same detectors as ``python -m training.train``, with the same settings and defaults; the help
    of that command explains them. Columns of data frames (pandas, polars, Arrow) are matched by name, in any order;
    numbers, texts, truth values and times may be mixed, and cells may be missing. A named index of pandas is a column
    like any other, one without a name is none.

    A fitted estimator may score in many threads at once. It can be pickled; a pickle holds the files of a bundle, which
    are verified when it is loaded, but like any pickle it may only come from a source that you trust.

    After a fit, what should be looked at, such as vanishing gradients, too few rows for a rate, or a column that was
    left out though nobody asked for it, is a `DetectorWarning`.

    Args:
        label: Column of `X` with labels, which say what is an anomaly: for evaluation and `fit_on`, never a feature.
        anomaly_values: Values of the label that mean anomaly.
        fit_on: ``all`` rows, or those that the label calls ``normal``.
        id: Columns that name a record: never features.
        include: Only these columns are features.
        exclude: Columns that are no features.
        kind: ``COLUMN=KIND``: the kind of a column, where its values leave it open.
        date_order: ``ORDER`` or ``COLUMN=ORDER``: how dates such as 03/04/2024 are meant.
        missing_values: ``VALUE`` or ``COLUMN=VALUE``: a code for a missing value.
        keep_words: ``WORD`` or ``COLUMN=WORD``: a category that would else stand for a missing value.
        infinite: What becomes of infinite numbers: ``refuse`` or ``missing``.
        time: Column to split in time by: fitted on the oldest rows, evaluated on the newest.
        group: Column whose rows of one value stay in one part of the split.
        duplicates: What becomes of equal rows: ``keep`` or ``drop``.
        least_rows: Fewest rows for fitting, and a fifth as many for early stopping and for calibration.
        training_rows: What is known of the fitting rows: ``mixed``, or ``clean``, all normal; None for
            mixed, and for clean with `fit_on` normal.
        preset: How many networks are fitted, and for how long: ``fast``, ``balanced`` or ``best``.
        activation: A key of `models.network.activations.ACTIVATIONS`.
        activation_parameters: Each parameter of an activation, by its name.
        hidden_units: Widths of the encoder's hidden layers; None for widths by preset and number of features.
        depth: Number of the encoder's hidden layers, where `hidden_units` is None.
        latent_units: Width of the bottleneck; None for one by preset and number of features.
        dropout: Share of the hidden units that are dropped in each step.
        input_noise: Deviation of the noise on the standardised input while fitting; None for 0.5 or, of several
            networks, from fine to coarse.
        epochs: Most passes over the fitting rows; None for a number by preset and number of rows.
        batch_size: Rows of one step; None for one by the number of rows.
        learning_rate: Largest step size.
        weight_decay: On kernels.
        patience: Epochs without a lower validation loss before the fit of a single network stops.
        threshold_method: A key of `models.calibration.THRESHOLD_METHODS`.
        alert_rate: For the methods fpr and evt; None for the default of the method, more where rows are few.
        contamination: For the method contamination; None for 0.05.
        threshold: For the method fixed.
        beta: For the method labels: the best F-beta; None for 1.
        precision: For the method labels: wanted share of anomalies among the flagged rows.
        recall: For the method labels: wanted share of the anomalies that is flagged.
        false_positive_rate: For the method labels: share of the normal rows that may be flagged.
        threshold_by: Column whose values each have their own threshold.
        random_state: Seed of the split, the initial weights and the order of the rows; None or a RandomState for
            another one at each fit.
        verbose: Above 0 to print notes on the data and a progress bar while fitting.

    Attributes:
        columns_: A data frame, a row for each column of `X`: name, kind, role (feature, id, label, dropped), reason.
        threshold_: The anomaly score above which a row is an anomaly, where `threshold_by` gives its value no other.
        detector_: The detector: schema, preprocessor, network and calibration.
        result_: The result of the fit; absent after loading or unpickling.
        offset_: What `score_samples` is compared with: minus the threshold; with `threshold_by`, minus the one of rows
            whose value has none of its own.
        n_features_in_: Number of columns of `X`, those that are no features and a named index included.
        feature_names_in_: Their names, where `X` had names that are texts.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(300, 3))
        >>> detector = AutoencoderDetector(activation="elu", epochs=2, alert_rate=0.1).fit(X)
        >>> detector.predict([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]]).tolist()
        [1, -1]
    """

    __doc__ = with_activation_docs(__doc__)

    def __init__(
        self,
        *,
        label: str | None = None,
        anomaly_values: tuple[str, ...] = (),
        fit_on: str = "all",
        id: tuple[str, ...] = (),
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        kind: tuple[str, ...] = (),
        date_order: tuple[str, ...] = (),
        missing_values: tuple[str, ...] = (),
        keep_words: tuple[str, ...] = (),
        infinite: str = "refuse",
        time: str | None = None,
        group: str | None = None,
        duplicates: str = "keep",
        least_rows: int = 10,
        training_rows: str | None = None,
        preset: str = "balanced",
        activation: str = "relu",
        hidden_units: tuple[int, ...] | None = None,
        depth: int | None = None,
        latent_units: int | None = None,
        dropout: float = 0.0,
        input_noise: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        patience: int = 20,
        threshold_method: str = "fpr",
        alert_rate: float | None = None,
        contamination: float | None = None,
        threshold: float | None = None,
        beta: float | None = None,
        precision: float | None = None,
        recall: float | None = None,
        false_positive_rate: float | None = None,
        threshold_by: str | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        verbose: int = 0,
        **activation_parameters: float,
    ) -> None:
        parameters = dict(locals())
        del parameters["self"], parameters["activation_parameters"]
        for name, parameter in ACTIVATION_PARAMETERS.items():
            parameters[name] = activation_parameters.pop(name, parameter.default)
        if activation_parameters:
            raise TypeError(f"{type(self).__name__} has no parameter {next(iter(activation_parameters))!r}")
        for name, value in parameters.items():
            setattr(self, name, value)  # as it is: scikit-learn clones and compares them

    __init__.__signature__ = with_activation_parameters(__init__)  # type: ignore[attr-defined]

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit and calibrate on the rows of `X`.

        Args:
            X: n rows: a data frame, an Arrow table, or an array `(n, d)`.
            y: Not used.
            sample_weight: Weight of each row in the loss and in early stopping `(n,)`; a row of weight 0 is not used at
                all. The columns' means and scales, the threshold and the p-values do not use weights: their promise is
                about rows drawn like those held out, each counted once.

        Raises:
            DetectorError: A parameter or the data cannot be used; it is a ValueError, too.
        """
        from training.data.prepare import prepare
        from training.fit import fit

        with as_value_errors():
            parameters = self.get_params(deep=False)
            verbose = bool(parameters.pop("verbose", 0))
            config = config_of_parameters(parameters)
            table = table_of_input(X)
            require_rows(table)
            used, row_weights = weighted_rows(table, sample_weight)
            prepared = prepare(used, config, row_weights=row_weights)
            with fit_progress(prepared, config, verbose=verbose) as on_epoch:
                self.result_ = fit(prepared, config, name="detector", version="1", on_epoch=on_epoch)
        self._fitted_on = prepared, config
        self._rows_given = len(table)
        self._scores_of_fit: TrainingScores | None = None
        self._files = None
        self._take(self.result_.detector, table.names, named=is_named(X), texts=text_names(X))
        dropped = [finding.message for finding in prepared.findings if finding.drops]
        for warning in (*dropped, *self.result_.warnings):
            warnings.warn(in_python(warning), DetectorWarning, stacklevel=2)
        return self

    def fit_predict(self, X: Any, y: object = None, sample_weight: Any = None) -> NDArray[np.int64]:
        """Fit on the rows of `X`, and return −1 for those that are anomalies and 1 for the others `(n,)`.

        Args:
            X: n rows.
            y: Not used.
            sample_weight: Weight of each row `(n,)`.
        """
        self.fit(X, sample_weight=sample_weight)
        if len(self._fitted_on[0].table) < self._rows_given:  # those of weight 0 are not among the rows of the fit
            return self.predict(X)
        return np.where(self._training_scores.is_anomaly, -1, 1)

    @property
    def training_scores_(self) -> NDArray[np.float64]:
        """The anomaly scores of the rows of the fit, without those of weight 0 `(n,)`.

        They stand in ``training_scores.parquet`` of a bundle that is saved after the fit, and are absent after loading
        or unpickling.
        """
        return self._training_scores.anomaly_score

    @property
    def _training_scores(self) -> TrainingScores:
        """The scores of the rows of the fit, which are made when they are first asked for."""
        if not hasattr(self, "_fitted_on"):
            raise AttributeError("training_scores_ is there after fit alone, and not after loading or unpickling.")
        if self._scores_of_fit is None:
            from training.training_scores import score_training_rows

            self._scores_of_fit = score_training_rows(self.result_, self._fitted_on[0], with_reasons=False)
        return self._scores_of_fit
