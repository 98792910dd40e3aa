"""What MLflow runs as the model of a detector: data frames in, scores out. It reads this file, nothing is pickled."""

from __future__ import annotations

from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model

from models.bundle import load_detector
from models.tables.table import table_of


class ScoringModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow has no types
    """Scores the rows of a data frame with the detector of a bundle."""

    def load_context(self, context: Any) -> None:
        """Load the bundle; MLflow calls it once."""
        self._detector = load_detector(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return a data frame: `anomaly_score`, `p_value`, `is_anomaly`, and `reason` where `explain` is asked.

        Args:
            context: What MLflow knows of the model.
            model_input: A data frame of pandas with the columns of the detector.
            params: ``explain``: how many of the columns that add most to the score the reason names.
        """
        verdicts = self._detector.score_table(table_of(model_input))
        answer: dict[str, Any] = {
            "anomaly_score": verdicts.anomaly_score,
            "p_value": verdicts.p_value,
            "is_anomaly": verdicts.is_anomaly,
        }
        if top := int((params or {}).get("explain", 0)):
            answer["reason"] = [reason for _, reason in verdicts.reasoned(top=top)]
        return type(model_input)(answer)


set_model(ScoringModel())
