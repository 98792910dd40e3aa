"""The table of detectors: immutable, replaced as a whole, so that a reader sees one state of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, final

from models.detector import Detector
from models.errors import UnknownDetectorError, did_you_mean, quoted
from service.registry.aliases import CHAMPION, Aliases

_LISTED: Final = 10  # names in a message

Key = tuple[str, str]
"""Name and version."""


@final
@dataclass(slots=True, eq=False)
class Loaded:
    """A detector in memory.

    Args:
        detector: Says its name and version as they are served.
        used: When it was last asked for, by the monotonic clock.
    """

    detector: Detector
    used: float = field(default_factory=time.monotonic)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of one detector, whether it is loaded or not.

    Args:
        name: Its name in addresses and answers.
        bundles: The bundle of each version, oldest first; empty for a detector that lives in memory alone.
        active: The version that answers where none is named.
        folder: The folder of its versions, where its aliases are kept; None where it has none.
        kept: Its aliases, and the versions that were active before.
        problem: Why another version than the wanted one is active, or why none can be loaded; None if all is well.
        blocked: Why it is not known which version is wanted; None if it is.
    """

    name: str
    bundles: Mapping[str, Path]
    active: str
    folder: Path | None = None
    kept: Aliases = field(default_factory=Aliases)
    problem: str | None = None
    blocked: str | None = None

    @property
    def aliases(self) -> Mapping[str, str]:
        """The version of each alias."""
        return self.kept.aliases

    @property
    def wanted(self) -> list[str]:
        """The versions that may become the active one, the first first."""
        champion = self.aliases.get(CHAMPION)
        return list(reversed(self.versions)) if champion is None else [champion]

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions, oldest first."""
        return tuple(self.bundles) or (self.active,)

    def require(self, named: str) -> str:
        """Return the version that a version or an alias means.

        Raises:
            UnknownDetectorError: There is no such version or alias.
        """
        version = self.aliases.get(named, named)
        if version not in self.versions:
            raise UnknownDetectorError(
                f"The detector {self.name!r} has no version {quoted(version)}. Name one of: {listed(self.versions)}."
            )
        return version


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All detectors.

    Args:
        entries: Each detector, by name.
        loaded: Those in memory, by name and version.
        default: Name of the one that answers where none is named; None where there is no such.
    """

    entries: Mapping[str, Entry]
    loaded: Mapping[Key, Loaded]
    default: str | None

    def entry(self, name: str | None = None) -> Entry:
        """Return a detector, the default one if no name is given.

        Raises:
            UnknownDetectorError: There is no detector of that name, or none is the default.
        """
        if name is None and self.default is None:
            raise UnknownDetectorError(
                f"None of the detectors is the default. Name one: /detectors/NAME/score; there is "
                f"{listed(self.entries)}. Or start the service with --default NAME."
            )
        entry = self.entries.get(str(self.default) if name is None else name)
        if entry is None:
            meant = did_you_mean(str(name), self.entries, spell=repr)
            raise UnknownDetectorError(
                f"There is no detector {quoted(str(name))}.{meant} Name one of: {listed(self.entries)}."
            )
        return entry

    def active(self, name: str | None = None) -> Loaded | None:
        """Return the active version of a detector; None if it is not loaded.

        Raises:
            UnknownDetectorError: There is no detector of that name, or none is the default.
        """
        entry = self.entry(name)
        return self.loaded.get((entry.name, entry.active))

    def state(self, name: str) -> Literal["loaded", "not loaded", "failed"]:
        """Return whether the active version of a detector is in memory, or could not be loaded."""
        entry = self.entries[name]
        if (name, entry.active) in self.loaded:
            return "loaded"
        return "not loaded" if entry.problem is None else "failed"

    @property
    def default_detector(self) -> Detector | None:
        """The active version of the default detector; None where there is no such."""
        return None if self.default is None or (found := self.active()) is None else found.detector

    def with_entry(self, entry: Entry) -> Table:
        """Return the table with another state of a detector; what was active before it is unloaded without an alias."""
        known = self.entries.get(entry.name)
        entries = {**self.entries, entry.name: entry}
        gone = {
            key
            for key in self.loaded
            if key[0] == entry.name and key[1] != entry.active and not self._stays(entry, known, key[1])
        }
        return replace(
            self,
            entries=entries if known else dict(sorted(entries.items())),
            loaded={key: loaded for key, loaded in self.loaded.items() if key not in gone},
        )

    @staticmethod
    def _stays(entry: Entry, before: Entry | None, version: str) -> bool:
        """Return whether a version that is not the active one stays in memory."""
        was_active = before is not None and version == before.active
        return version in entry.aliases.values() or (version in entry.versions and not was_active)

    def without(self, name: str) -> Table:
        """Return the table without a detector."""
        return replace(
            self,
            entries={other: entry for other, entry in self.entries.items() if other != name},
            loaded={key: loaded for key, loaded in self.loaded.items() if key[0] != name},
        )

    def with_loaded(self, found: Loaded, *, most: int) -> Table:
        """Return the table with a detector loaded; where too many are, without those that were used longest ago.

        The active version of the default detector, and detectors without a bundle, are never unloaded.

        Args:
            found: The detector.
            most: How many may be loaded.
        """
        key = (found.detector.name, found.detector.version)
        loaded = {**self.loaded, key: found}
        pinned = {key, *(entry_key for entry_key in loaded if self._is_pinned(entry_key))}
        old = sorted(loaded.keys() - pinned, key=lambda other: loaded[other].used)
        for other in old[: max(0, len(loaded) - most)]:
            del loaded[other]
        return replace(self, loaded=loaded)

    def _is_pinned(self, key: Key) -> bool:
        name, version = key
        entry = self.entries.get(name)
        if entry is None:
            return False
        return not entry.bundles or (name == self.default and version == entry.active)


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    first, more = [*names][:_LISTED], len([*names]) - _LISTED
    return ", ".join(first) + (f" and {more:,} more" if more > 0 else "")
