"""API keys: how they are made, and the file that holds what is kept of them.

A key is the text `ad_<id>_<secret>`. It is shown once; the file holds its id and its SHA-256. The secret has 256 random
bits, so a fast hash is enough: nobody can try that many, while a slow one, which passwords need, would take
milliseconds of the event loop for each wrong key.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from models.errors import ConfigError
from models.strict_json import from_plain, parse_json
from service.access.roles import Role

PREFIX: Final = "ad"
MOST_BYTES: Final = 16 << 20
"""Largest file of keys, for about 60,000 of them."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ID: Final = re.compile(r"[0-9a-f]{12}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PRIVATE: Final = 0o600  # of a new file


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is kept of a key.

    Args:
        id: Twelve hexadecimal digits, which stand in the key as well.
        name: Whose it is, for people.
        role: What it may do.
        sha256: Of the whole key, in hexadecimal digits.
        made: When, with its time zone.
        expires: From when on it is refused.
        rate: Requests a second that it may send, if it has a limit of its own.
        concurrent: Requests at the same time, if it has a limit of its own.
    """

    id: str
    name: str
    role: Role
    sha256: str
    made: datetime
    expires: datetime | None = None
    rate: float | None = None
    concurrent: int | None = None

    def __post_init__(self) -> None:
        """Check the fields; what is wrong is a `ValueError`, as those of types are."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: got {self.name[:80]!r}, send up to 64 letters, digits, '.', '_', '@' and '-'")
        if not _ID.fullmatch(self.id):
            raise ValueError("id: is not twelve hexadecimal digits")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256: is not 64 hexadecimal digits")
        if any(when is not None and when.tzinfo is None for when in (self.made, self.expires)):
            raise ValueError("made and expires: have no time zone (2027-01-31T00:00:00Z has one)")
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise ValueError(f"rate: got {self.rate:g}, say a number of requests a second above 0")
        if self.concurrent is not None and self.concurrent < 1:
            raise ValueError(f"concurrent: got {self.concurrent}, say a number of requests from 1 on")


def new_key(
    name: str,
    role: Role,
    *,
    now: datetime,
    expires: datetime | None = None,
    rate: float | None = None,
    concurrent: int | None = None,
) -> tuple[str, Key]:
    """Return a new key as its owner gets it, and what is kept of it.

    Raises:
        ConfigError: The name has other characters than letters, digits, `.`, `_`, `@` and `-`, or a limit is not
            above 0.
    """
    key_id = secrets.token_hex(6)
    text = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
    made = now.astimezone(UTC).replace(microsecond=0)
    try:
        key = Key(
            id=key_id,
            name=name,
            role=role,
            sha256=sha256_of(text.encode()),
            made=made,
            expires=expires,
            rate=rate,
            concurrent=concurrent,
        )
        return text, key
    except ValueError as error:
        raise ConfigError(f"{error}.") from error


def sha256_of(key: bytes) -> str:
    """Return the hash of a key, as the file has it."""
    return hashlib.sha256(key).hexdigest()


def id_of(key: bytes) -> str | None:
    """Return the id that stands in a key, None if it is none of ours.

    Example:
        >>> id_of(b"ad_00c0ffee0000_secret"), id_of(b"secret")
        ('00c0ffee0000', None)
    """
    prefix, _, rest = key.decode("latin-1").partition("_")
    key_id, _, secret = rest.partition("_")
    return key_id if prefix == PREFIX and secret and _ID.fullmatch(key_id) else None


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file.

    Raises:
        ConfigError: It cannot be read, or its content is not as `write_keys` writes it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the keys cannot be read ({error.strerror}).") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: the file of keys has more than {MOST_BYTES:,} bytes.")
    return parse_keys(content, source=str(path))


def parse_keys(content: bytes, *, source: str) -> tuple[Key, ...]:
    """Return the keys of a JSON text `{"keys": […]}`.

    No error shows what stands in it: it may be a key that somebody put there by mistake.

    Raises:
        ConfigError: The content is not as `write_keys` writes it.
    """
    remedy = "Make keys with python -m service.admin key."
    try:
        plain = parse_json(content)
    except ValueError:
        raise ConfigError(f"{source}: is not JSON. {remedy}") from None
    rows = plain.get("keys") if isinstance(plain, dict) and set(plain) == {"keys"} else None
    if not isinstance(rows, list):
        raise ConfigError(f'{source}: is not {{"keys": […]}}. {remedy}')
    keys = tuple(_key_of(row, f"{source}: key {index}") for index, row in enumerate(rows))
    ids = [key.id for key in keys]
    if twice := next((one for one in ids if ids.count(one) > 1), None) if len(set(ids)) < len(ids) else None:
        raise ConfigError(f"{source}: the id {twice} stands there twice. {remedy}")
    return keys


def _key_of(row: Any, where: str) -> Key:
    try:
        return from_plain(row, Key)
    except ValueError as error:
        field = re.search(r"`\$\.(\w+)`|field `(\w+)`|^(\w[\w ]*):", str(error))
        named = next(filter(None, field.groups()), "") if field else ""
        raise ConfigError(
            f"{where}: {named or 'a field'} is missing, unknown or not as it should be (id, name, role of "
            f"{', '.join(Role)}, sha256, made, expires, rate, concurrent). Make keys with python -m service.admin key."
        ) from None


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """Write a file of keys at once: who reads it sees the old or the new one.

    Raises:
        ConfigError: It cannot be written.
    """
    rows = [{name: value for name, value in asdict(key).items() if value is not None} for key in keys]
    text = json.dumps({"keys": rows}, indent=2, default=_plain) + "\n"
    target = path.resolve()  # a link stays one
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else _PRIVATE
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        unfinished = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.chmod(mode)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: the keys cannot be written ({error.strerror}).") from error


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
