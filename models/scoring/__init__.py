"""From encoded rows to anomaly scores."""

from models.scoring.scorer import Scorer, Scores

__all__ = ["Scorer", "Scores"]
