"""What a fitted estimator holds, and how it is saved, loaded and pickled: as the files of a bundle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from models.bundle import load_detector, new_bundle
from models.detector import Detector
from training.estimator.columns import columns_frame
from training.estimator.errors import as_value_errors
from training.estimator.packed import detector_of, pack, renamed, unpack
from training.estimator.parameters import parameters_of_settings

if TYPE_CHECKING:
    from training.data.prepare import Prepared
    from training.fit import FitResult
    from training.settings.config import TrainConfig


class SavedDetector(BaseEstimator, ABC):  # type: ignore[misc]
    """An estimator that holds a detector, if it is fitted, and is saved, loaded and pickled with it.

    Attributes are those of `training.estimator.AutoencoderDetector`.
    """

    detector_: Detector
    result_: FitResult
    threshold_: float
    columns_: pd.DataFrame
    _fitted_on: tuple[Prepared, TrainConfig]
    _files: dict[str, bytes] | None

    @abstractmethod
    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit a detector, and hold it."""

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
