"""The detectors that are served, by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import final

from models.bundle import TrustedKeys, load_detector
from models.detector import Detector
from models.errors import ConfigError
from models.languages import LANGUAGES, Language
from models.repository import resolve


@final
class Registry:
    """Owns the active version of each detector; readers take a snapshot, one for a whole request.

    Args:
        detectors: At least one; the first is the default.
    """

    def __init__(self, *detectors: Detector) -> None:
        self._active = {detector.name: detector for detector in detectors}
        self._default = detectors[0].name

    @classmethod
    def open(cls, path: Path, *, language: Language = LANGUAGES["en"], trusted: TrustedKeys | None = None) -> Registry:
        """Return a registry with the detector that a path means, which says its reasons in a language.

        Raises:
            BundleError: The path means no bundle, a damaged one, or one that none of the trusted keys has signed.
        """
        return cls(replace(load_detector(resolve(path), trusted=trusted), language=language))

    def active(self, name: str | None = None) -> Detector:
        """Return the active version of a detector, of the default one if no name is given.

        Raises:
            ConfigError: There is no detector of that name.
        """
        detector = self._active.get(name or self._default)
        if detector is None:
            raise ConfigError(f"There is no detector {name!r}. There is {', '.join(self._active)}.")
        return detector
