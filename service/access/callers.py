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
from service.access.limits import Limits, Meter
from service.access.roles import Role
from service.settings import spelt

_NO_LIMITS: Final = Limits()
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
        meter: Counts its requests against its limits, None where it has none.
    """

    id: str
    name: str
    role: Role
    roles: tuple[Role, ...]
    expires: float | None = None
    meter: Meter | None = None

    @classmethod
    def of(cls, key: Key, limits: Limits, meter: Meter | None) -> Caller:
        """Return the owner of a key.

        Args:
            key: What is kept of the key.
            limits: Those of keys that have none of their own.
            meter: The one that has counted the owner's requests until now.
        """
        expires = None if key.expires is None else key.expires.timestamp()
        own = Limits(
            limits.rate if key.rate is None else key.rate,
            limits.concurrent if key.concurrent is None else key.concurrent,
        )
        if own == _NO_LIMITS:
            meter = None
        elif meter is None:
            meter = Meter(own)
        else:
            meter.limits = own
        return cls(id=key.id, name=key.name, role=key.role, roles=key.role.covered(), expires=expires, meter=meter)


@final
class KeyRing:
    """The keys that are valid, and whose each is.

    Args:
        keys: All of them.
        limits: Those of keys that have none of their own.
        before: The keys until now: what is counted of their owners goes on.
    """

    def __init__(self, keys: Sequence[Key], limits: Limits = _NO_LIMITS, before: KeyRing | None = None) -> None:
        self._limits = limits
        meters = {} if before is None else before.meters()
        self._owners: dict[str, tuple[str, Caller]] = {
            key.id: (key.sha256, Caller.of(key, limits, meters.get(key.id))) for key in keys
        }

    def __len__(self) -> int:
        return len(self._owners)

    def meters(self) -> dict[str, Meter | None]:
        """Return the meter of each key's owner, by the key's id."""
        return {key_id: caller.meter for key_id, (_, caller) in self._owners.items()}

    def changed_to(self, keys: Sequence[Key]) -> KeyRing:
        """Return other keys, with the same limits."""
        return KeyRing(keys, self._limits, self)

    def owner_of(self, key: bytes) -> Caller | None:
        """Return the owner of a key, None if it is no valid key."""
        sha256, caller = self._owners.get(id_of(key) or "", (_NOBODY, None))
        return caller if hmac.compare_digest(sha256_of(key), sha256) else None


@final
class KeyFile:
    """A file of keys that may change while the service runs.

    Args:
        path: The file.
        limits: Those of keys that have none of their own.

    Raises:
        ConfigError: It cannot be read, or its content is not as it should be.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._seen = self._state()
        self.ring = KeyRing(read_keys(path), limits)

    def changed(self) -> KeyRing | None:
        """Return the new keys if the file was changed, None if it was not, or cannot be read: the old ones stay."""
        if (state := self._state()) == self._seen:
            return None
        self._seen = state
        try:
            self.ring = self.ring.changed_to(read_keys(self._path))
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


def keys_of_variable(text: str, limits: Limits) -> KeyRing:
    """Return the keys that the setting `keys_json` holds.

    Raises:
        ConfigError: They are not as a file of keys has them.
    """
    return KeyRing(parse_keys(text.encode(), source=spelt("keys_json")), limits)
