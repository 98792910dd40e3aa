"""The scikit-learn face of a detector."""

from training.estimator.detector import AutoencoderDetector

__all__ = ["AutoencoderDetector"]
