"""What a fitted estimator shows: why a row has its score, the report of its fit, and itself in a notebook."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from models.errors import ConfigError, TableError
from training.estimator.display import html_of, text_of
from training.estimator.errors import as_value_errors
from training.estimator.inputs import rows_of_series
from training.estimator.plots import plot_contributions
from training.estimator.scoring import ScoringDetector

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_EXPLAINED: Final = ("row", "feature", "contribution", "actual", "expected", "probability")


class ExplainingDetector(ScoringDetector, ABC):
    """An estimator that explains scores, reports its fit, and shows itself."""

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
        frame = pd.DataFrame(rows, columns=_EXPLAINED).astype({"probability": float})
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
