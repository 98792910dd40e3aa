"""The detector that is served."""

from __future__ import annotations

from pathlib import Path
from typing import final

from models.bundle import load_detector
from models.detector import Detector
from models.repository import resolve


@final
class Registry:
    """Owns the detector that is served; readers take a snapshot, one for a whole request.

    Args:
        detector: The detector.
    """

    def __init__(self, detector: Detector) -> None:
        self._active = detector

    @classmethod
    def open(cls, path: Path) -> Registry:
        """Return a registry with the detector that a path means.

        Raises:
            BundleError: The path means no bundle, or a damaged one.
        """
        return cls(load_detector(resolve(path)))

    def active(self) -> Detector:
        """Return the detector."""
        return self._active
