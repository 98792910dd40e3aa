"""Changes of what is served: aliases are set and removed, a champion is rolled back. They outlive the process.

A version is loaded and checked before an alias is moved to it. What cannot be loaded or kept changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from models.errors import ConflictError, UnknownDetectorError
from service.registry.aliases import CHAMPION, Aliases, changing_aliases, require_alias, write_aliases
from service.registry.contents import entry_of
from service.registry.registry import Registry
from service.registry.table import Entry, listed

log = logging.getLogger(__name__)


def set_alias(registry: Registry, name: str, alias: str, version: str) -> None:
    """Move an alias to a version, which is loaded and checked before; moved to a champion, it answers from then on.

    Raises:
        ConfigError: The text can be no alias.
        UnknownDetectorError: There is no detector or version of that name.
        NotServedError: The version cannot be loaded.
        ConflictError: Aliases cannot be kept.
    """
    require_alias(alias)

    def change(entry: Entry) -> Aliases:
        wanted = entry.require(version)
        registry.take(entry, wanted, again=True)
        return entry.kept.with_alias(alias, wanted, active=entry.active)

    _change(registry, name, change)


def remove_alias(registry: Registry, name: str, alias: str) -> None:
    """Remove an alias; without a champion, the latest version that can be loaded answers.

    Raises:
        UnknownDetectorError: There is no detector or alias of that name.
        NotServedError: No version can be loaded.
        ConflictError: Aliases cannot be kept.
    """

    def change(entry: Entry) -> Aliases:
        version_of(entry, alias)
        return entry.kept.without(alias)

    _change(registry, name, change)


def roll_back(registry: Registry, name: str) -> None:
    """Make the version that was active before the active one champion again, else the next older one.

    Raises:
        UnknownDetectorError: There is no detector of that name.
        NotServedError: That version cannot be loaded.
        ConflictError: There is no such version, or aliases cannot be kept.
    """

    def change(entry: Entry) -> Aliases:
        kept = before_active(entry)
        registry.take(entry, kept.aliases[CHAMPION], again=True)
        return kept

    _change(registry, name, change)


def version_of(entry: Entry, alias: str) -> str:
    """Return the version of an alias.

    Raises:
        UnknownDetectorError: There is no such alias.
    """
    if alias not in entry.aliases:
        raise UnknownDetectorError(
            f"The detector {entry.name!r} has no such alias. It has {listed(entry.aliases) or 'none'}."
        )
    return entry.aliases[alias]


def before_active(entry: Entry) -> Aliases:
    """Return the aliases after a roll-back.

    Raises:
        ConflictError: There is no version to go back to.
    """
    before = [version for version in entry.kept.before if version in entry.versions]
    older = entry.versions[: entry.versions.index(entry.active)] if entry.active in entry.versions else ()
    if not (before or older):
        raise ConflictError(
            f"The detector {entry.name!r} has no version before {entry.active}. It has {listed(entry.versions)}."
        )
    version = before.pop() if before else older[-1]
    return replace(entry.kept, aliases={**entry.aliases, CHAMPION: version}, before=tuple(before))


def require_folder(entry: Entry) -> Path:
    """Return the folder in which the aliases of a detector are kept.

    Raises:
        ConflictError: It has none.
    """
    if entry.folder is None:
        raise ConflictError(
            f"The detector {entry.name!r} is served from a bundle alone, so it has no aliases. Start the service "
            "with the folder of its versions."
        )
    return entry.folder


def _change(registry: Registry, name: str, change: Callable[[Entry], Aliases]) -> None:
    with registry.changing(name) as served:
        folder = require_folder(served)
        with changing_aliases(folder) as kept:
            found = entry_of(name, folder) or served
            entry = replace(found, kept=kept, active=served.active, problem=None, blocked=None)
            new = replace(entry, kept=change(entry))
            is_loaded = registry.table.active(name) is not None
            settled = registry.settled(new, before=served.active if is_loaded else None)
            write_aliases(folder, settled.kept)
            registry.put(settled)
    if settled.active != served.active:
        log.info("version %s of the detector %r is active, %s was", settled.active, name, served.active)
