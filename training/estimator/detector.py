"""The scikit-learn estimator of a detector.

scikit-learn's signs are here and nowhere else: `score_samples` and `decision_function` are lower for anomalies, and
`predict` gives −1 for them. Our own `anomaly_score` is always higher for anomalies.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from models.bundle import load_detector, new_bundle
from models.columns.from_tables import columns_of_table
from models.detector import Contribution, Detector, Verdicts
from models.errors import ConfigError, TableError
from models.network.activations import ACTIVATION_PARAMETERS
from training.estimator.columns import columns_frame
from training.estimator.display import fit_progress, html_of, text_of
from training.estimator.errors import DetectorWarning, as_value_errors, in_python
from training.estimator.inputs import (
    is_named,
    known_table,
    require_rows,
    row_weights_of,
    rows_of_series,
    table_of_input,
    text_names,
    weighted_rows,
)
from training.estimator.packed import detector_of, pack, renamed, unpack
from training.estimator.parameters import (
    config_of_parameters,
    parameters_of_settings,
    with_activation_docs,
    with_activation_parameters,
)
from training.estimator.plots import plot_contributions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.fit import FitResult
    from training.training_scores import TrainingScores


class AutoencoderDetector(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    OutlierMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """An autoencoder that scores records by their reconstruction error.

    It fits and saves the same detectors as ``python -m training.train``, with the same settings and defaults; the help
    of that command explains them. Columns of data frames (pandas, polars, Arrow) are matched by name, in any order;
    numbers, texts, truth values and times may be mixed, and cells may be missing. A named index of pandas is a column
    like any other, one without a name is none.

    A fitted estimator may score in many threads at once. It can be pickled; a pickle holds the files of a bundle, which
    are verified when it is loaded, but like any pickle it may only come from a source that you trust.

    After a fit, what should be looked at, such as dead units, too few rows for a rate, or a column that was left out
    though nobody asked for it, is a `DetectorWarning`.

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
        least_rows: int = 20,
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
                self.result_: FitResult = fit(prepared, config, name="detector", version="1", on_epoch=on_epoch)
        self._fitted_on = prepared, config
        self._rows_given = len(table)
        self._scores_of_fit: TrainingScores | None = None
        self._files: dict[str, bytes] | None = None
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

        Its unit is standard deviations² per column; higher is better. Of a single network, it is the negative mean
        anomaly score; of several, the mean over them.

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

    def explain(self, X: Any, *, top: int = 3) -> pd.DataFrame:
        """Return the columns that add most to each row's score, with the expected values.

        Returns:
            One row for each of the `top` columns of each row of `X`: row, feature, contribution, actual, expected, and
            probability, that of a value that is the expected one (missing for others and for numbers). The index is
            that of `X`, each label once for each of its columns; `row` counts from 0.
        """
        verdicts = self._scored(X)
        rows = [
            (row, c.feature, c.contribution, c.actual, c.expected, c.probability)
            for row in range(len(verdicts))
            for c in verdicts.contributions(row, top=top)
        ]
        frame = pd.DataFrame(rows, columns=["row", *Contribution.__struct_fields__]).astype({"probability": float})
        labels = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(verdicts))
        return frame.set_axis(labels.take(frame["row"].to_numpy(np.intp)), axis=0)

    def plot_explanation(self, row: Any, *, top: int = 10, ax: Axes | None = None) -> Axes:
        """Draw the contributions of the columns that add most to the score of one row.

        Args:
            row: One row: a data frame or array `(1, d)`, or a pandas Series such as ``frame.iloc[5]``.
            top: The most columns that are drawn.
            ax: Where to draw; None for a new figure.

        Returns:
            Matplotlib's axes.

        Raises:
            InputError: There is not one row.
            MissingPackageError: Matplotlib is not installed.
        """
        verdicts = self._scored(rows_of_series(row))
        with as_value_errors():
            if len(verdicts) != 1:
                raise TableError(f"plot_explanation draws one row, got {len(verdicts)}. Give frame.iloc[[i]].")
            return plot_contributions(verdicts, top=top, ax=ax)

    def report(self, path: str | Path) -> None:
        """Write the report of the fit, as ``python -m training.train --report`` does: a page in one HTML file.

        Args:
            path: The file; a report that is there is replaced.

        Raises:
            ParameterError: The file cannot be written, or is no report, or the rows of the fit are not at hand.
        """
        check_is_fitted(self, "detector_")
        with as_value_errors():
            if not hasattr(self, "_fitted_on"):
                raise ConfigError(
                    "The report shows rows of the fit, which a loaded or unpickled estimator does not have. Write it "
                    "after fit, or with python -m training.train --report FILE."
                )
            from training.report.fit import write_fit_report

            write_fit_report(Path(path), self.result_, *self._fitted_on)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a bundle, for the service, the batch program and `load`.

        Args:
            path: Its folder: ``…/NAME/VERSION`` with a number, or ``…/NAME``, which is version 1.
            overwrite: Replace a bundle that is there.

        Raises:
            BundleError: Nothing can be written there.
        """
        check_is_fitted(self, "detector_")
        folder = Path(path).resolve()
        name, version = (folder.parent.name, folder.name) if folder.name.isdecimal() else (folder.name, "1")
        with as_value_errors(), new_bundle(folder, overwrite=overwrite) as unfinished:
            if hasattr(self, "_fitted_on"):
                from training.training_scores import score_training_rows, write_training_scores

                prepared = self._fitted_on[0]
                write_training_scores(unfinished, score_training_rows(self.result_, prepared), prepared)
            self._write(unfinished, name=name, version=version)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return a fitted estimator from a bundle; it needs no Keras.

        Raises:
            BundleError: There is no bundle, or a damaged one.
        """
        with as_value_errors():
            detector = load_detector(path)
            files = pack(Path(path))
        known = cls().get_params()
        parameters = parameters_of_settings(detector.card["settings"])
        estimator = cls(**{name: value for name, value in parameters.items() if name in known})
        estimator._files = files
        estimator._take(detector, detector.card["input_names"], named=True, texts=True)
        return estimator

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Return at most ten lines: the changed parameters and, if fitted, the columns and the threshold."""
        return text_of(super().__repr__(N_CHAR_MAX), getattr(self, "detector_", None))

    @property
    def _repr_html_(self) -> Callable[[], str]:
        diagram = super()._repr_html_  # absent where scikit-learn's display is "text"
        return lambda: html_of(diagram(), getattr(self, "detector_", None))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        shown: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in shown:
            shown["text/html"] = html_of(shown["text/html"], getattr(self, "detector_", None))
        return shown

    def __getstate__(self) -> dict[str, Any]:
        """Return the parameters and, if fitted, the files of a bundle; no object of Keras is pickled."""
        state = dict(super().__getstate__())
        if "detector_" in state:
            if state["_files"] is None:
                with TemporaryDirectory(prefix="detector-") as folder:
                    self._write(Path(folder))
                    state["_files"] = pack(Path(folder))
            for name in ("detector_", "result_", "_fitted_on", "_scores_of_fit"):
                state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_files" in state:
            with as_value_errors():
                self.detector_ = detector_of(state["_files"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []  # the bottleneck gives float32 for any input
        return tags

    def _take(self, detector: Detector, names: tuple[str, ...], *, named: bool, texts: bool) -> None:
        """Set the attributes of a fitted estimator."""
        self.detector_ = detector
        self.threshold_ = detector.calibration.threshold
        self.offset_ = -self.threshold_
        self.columns_ = columns_frame(detector, names)
        self.n_features_in_ = len(names)
        self._names = tuple(names)
        blank = np.zeros((1, len(detector.preprocessor.features)), np.float32)
        self._n_features_out = detector.scorer.engine.embed(blank).shape[1]  # for get_feature_names_out
        self._by_name = named
        if named and texts:
            self.feature_names_in_ = np.array(names, object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _write(self, folder: Path, *, name: str = "detector", version: str = "1") -> None:
        if self._files is not None:
            unpack(renamed(self._files, name=name, version=version), folder)
            return
        from training.fit import write_result

        detector = replace(self.result_.detector, name=name, version=version)
        write_result(replace(self.result_, detector=detector), folder)

    def _scored(self, X: Any) -> Verdicts:
        check_is_fitted(self, "detector_")
        with as_value_errors():
            return self.detector_.score(self._columns(X))

    def _columns(self, X: Any) -> dict[str, NDArray[Any]]:
        """Return the features of `X` by name, and warn of values that are not written as those of the fit."""
        detector, name = self.detector_, type(self).__name__
        table = known_table(X, self._names, detector.schema, by_name=self._by_name, estimator=name)
        columns = columns_of_table(detector.schema, table)
        for note in detector.notes(detector.sightings(columns.__getitem__)):
            warnings.warn(note, DetectorWarning, stacklevel=4)
        return columns
