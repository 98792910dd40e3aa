"""The scikit-learn estimator of a detector, its errors and its scorers."""

from training.estimator.detector import AutoencoderDetector
from training.estimator.errors import DetectorWarning

__all__ = ["AutoencoderDetector", "DetectorWarning"]
