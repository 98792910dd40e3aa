"""The detectors in a folder, as `python -m service.admin` changes them."""

from __future__ import annotations

from pathlib import Path
from typing import final

from models.bundle import TrustedKeys
from service.registry import Registry
from service.registry.changes import remove_alias, roll_back, set_alias
from service.registry.table import Entry
from service.served import ServedDetector


@final
class ServedFolder:
    """The detectors in a folder, whose aliases are kept there.

    Args:
        path: A detector's folder, or a folder of detectors.
        trusted: The keys of which one must have signed each bundle; None where none need be signed.
    """

    def __init__(self, path: Path, *, trusted: TrustedKeys | None = None) -> None:
        self._registry = Registry.open(path, trusted=trusted, load=False)

    def detectors(self) -> list[ServedDetector]:
        """Return all detectors; none is loaded."""
        return [self._served(entry) for entry in self._registry.table.entries.values()]

    def set_alias(self, detector: str, alias: str, version: str) -> ServedDetector:
        """Move an alias to a version, which is loaded and checked before."""
        set_alias(self._registry, detector, alias, version)
        return self._served(self._registry.table.entry(detector))

    def remove_alias(self, detector: str, alias: str) -> ServedDetector:
        """Remove an alias."""
        remove_alias(self._registry, detector, alias)
        return self._served(self._registry.table.entry(detector))

    def roll_back(self, detector: str) -> ServedDetector:
        """Make the version that was active before champion again."""
        roll_back(self._registry, detector)
        return self._served(self._registry.table.entry(detector))

    def _served(self, entry: Entry) -> ServedDetector:
        return ServedDetector(
            name=entry.name,
            version=entry.active,
            versions=entry.versions,
            aliases=entry.aliases,
            state=self._registry.table.state(entry.name),
            problem=entry.problem,
        )
