"""Which detector is active."""

from __future__ import annotations

from pathlib import Path
from typing import final

from models.bundle import load_detector
from models.detector import Detector
from models.repository import resolve


@final
class Registry:
    """Owns the active detector; readers take a snapshot, one for a whole request.

    Args:
        detector: What is active at first.
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
        """Return the active detector."""
        return self._active
