"""Who a caller is: the owner of a key, found by the key, in constant time."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from models.errors import ConfigError
from service.access.keys import Key, id_of, parse_keys, read_keys, sha256_of
from service.access.roles import Role
from service.settings import spelt

_NOBODY: Final = "0" * 64  # is compared with the hash of a key whose id nobody has: it takes as long

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False, kw_only=True)
class Caller:
    """One who may send requests.

    Args:
        id: Names the caller in logs and metrics; no secret.
        name: The same, for people.
        role: What it may do.
        roles: That one, and those before it.
        expires: Seconds since 1970 from which on it is refused, None where there is no end.
    """

    id: str
    name: str
    role: Role
    roles: tuple[Role, ...]
    expires: float | None = None

    @classmethod
    def of(cls, key: Key) -> Caller:
        """Return the owner of a key."""
        expires = None if key.expires is None else key.expires.timestamp()
        return cls(id=key.id, name=key.name, role=key.role, roles=key.role.covered(), expires=expires)


@final
class KeyRing:
    """The keys that are valid, and whose each is.

    Args:
        keys: All of them.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self._owners = {key.id: (key.sha256, Caller.of(key)) for key in keys}

    def __len__(self) -> int:
        return len(self._owners)

    def owner_of(self, key: bytes) -> Caller | None:
        """Return the owner of a key, None if it is no valid key."""
        sha256, caller = self._owners.get(id_of(key) or "", (_NOBODY, None))
        return caller if hmac.compare_digest(sha256_of(key), sha256) else None


@final
class KeyFile:
    """A file of keys that may change while the service runs.

    Args:
        path: The file.

    Raises:
        ConfigError: It cannot be read, or its content is not as it should be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()
        self.ring = KeyRing(read_keys(path))

    def changed(self) -> KeyRing | None:
        """Return the new keys if the file was changed, None if it was not, or cannot be read: the old ones stay."""
        if (state := self._state()) == self._seen:
            return None
        self._seen = state
        try:
            self.ring = KeyRing(read_keys(self._path))
        except ConfigError as error:
            log.error("the keys stay as they were: %s", error)
            return None
        log.info("%s has changed: %d keys", self._path, len(self.ring))
        return self.ring

    def _state(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def keys_of_variable(text: str) -> KeyRing:
    """Return the keys that the setting `keys_json` holds.

    Raises:
        ConfigError: They are not as a file of keys has them.
    """
    return KeyRing(parse_keys(text.encode(), source=spelt("keys_json")))
