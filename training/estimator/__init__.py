"""The scikit-learn estimator of a detector, its errors and its scorers."""

from training.estimator.detector import AutoencoderDetector

__all__ = ["AutoencoderDetector"]
