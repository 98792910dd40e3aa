"""The aliases of a detector's versions, kept in a file beside them, which is replaced as a whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from models.errors import BundleError, ConfigError, ConflictError, quoted
from models.strict_json import from_plain, parse_json
from models.unfinished import keep_mode, real_path, unfinished

try:
    import fcntl
except ImportError:  # Windows, where two programs that change aliases at once may lose one of the changes
    fcntl = None  # type: ignore[assignment]

ALIASES_FILE: Final = "aliases.json"
"""The file, in the folder of a detector's versions."""

CHAMPION: Final = "champion"
"""The alias of the version that answers where none is named; without it, that is the latest one that can be loaded."""

CHALLENGER: Final = "challenger"
"""The alias of the version that scores the same rows as the active one, for comparison alone."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VERSION: Final = re.compile(r"0|[1-9][0-9]{0,254}")  # as folders of versions are named
_MOST_BEFORE: Final = 100  # versions that one can roll back to
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliases:
    """What the file holds.

    Args:
        aliases: The version of each alias.
        before: The versions that were active before, oldest first, to roll back to.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    def with_alias(self, alias: str, version: str, *, active: str) -> Aliases:
        """Return them with an alias set; what was active before a new champion is remembered."""
        before = self.before
        if alias == CHAMPION and version != active:
            before = (*before, active)[-_MOST_BEFORE:]
        return replace(self, aliases={**self.aliases, alias: version}, before=before)

    def without(self, alias: str) -> Aliases:
        """Return them without an alias."""
        return replace(self, aliases={name: version for name, version in self.aliases.items() if name != alias})


def require_alias(text: str) -> str:
    """Return a text that can be an alias: it begins with a letter, so it is no version.

    Raises:
        ConfigError: It cannot.
    """
    if not _NAME.fullmatch(text):
        raise ConfigError(
            f"{quoted(text)} can be no alias. Begin with a letter (A-Z), then come up to 63 letters, digits, _ or -."
        )
    return text


def read_aliases(folder: Path) -> Aliases:
    """Return the aliases that are kept in a detector's folder; none where there is no file.

    Raises:
        BundleError: The file is not one that this program wrote.
    """
    path = folder / ALIASES_FILE
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return Aliases()
    except OSError as error:
        raise BundleError(f"{ALIASES_FILE} cannot be read ({error.strerror}).") from error
    try:
        plain = parse_json(content)
        aliases = from_plain(plain["aliases"], dict[str, str])
        before = from_plain(plain["before"], list[str])
        return Aliases(
            aliases={require_alias(name): _require_version(version) for name, version in aliases.items()},
            before=tuple(map(_require_version, before)),
        )
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise BundleError(
            f"{ALIASES_FILE} is not as this program writes it ({error!r:.100}). Mend it, or remove it to begin anew."
        ) from error


def _require_version(text: str) -> str:
    """Return a text that can be a version: it goes into logs and answers as it is."""
    if not _VERSION.fullmatch(text):
        raise ConfigError(f"{quoted(text)} is no version")
    return text


@contextmanager
def changing_aliases(folder: Path) -> Iterator[Aliases]:
    """Give the aliases that are kept, while no other program changes them.

    Raises:
        BundleError: The file is not one that this program wrote.
    """
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield read_aliases(folder)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def write_aliases(folder: Path, aliases: Aliases) -> None:
    """Replace the file by another state, as a whole, so that a power cut leaves the old one or the new one.

    Raises:
        ConflictError: Nothing can be written there; all is as it was.
    """
    target = real_path(folder / ALIASES_FILE)
    content = json.dumps(asdict(aliases), indent=1) + "\n"
    try:
        with unfinished(target, Path.touch) as path:
            keep_mode(path, target)
            with path.open("w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            path.replace(target)
    except OSError as error:
        raise ConflictError(
            f"The aliases cannot be kept ({error.strerror}), so nothing was changed. Make the folder of the detector "
            "one that can be written to."
        ) from error
