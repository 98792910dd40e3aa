"""Keys of each role, and the file that holds what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.access.keys import Key, new_key, write_keys
from service.access.roles import Role

NOW = datetime.now(UTC)


def made_keys(path: Path, roles: Sequence[Role] = tuple(Role), **fields: Any) -> dict[Role, str]:
    """Write a file with a key of each role; return the keys."""
    made = {role: new_key(f"the-{role}", role, now=NOW) for role in roles}
    write_keys(path, [replace(key, **fields) for _, key in made.values()])
    return {role: text for role, (text, _) in made.items()}


def expired_key() -> tuple[str, Key]:
    """Return a key that has expired."""
    return new_key("late", Role.OPERATE, now=NOW - timedelta(days=2), expires=NOW - timedelta(days=1))


def bearer(key: str) -> dict[str, str]:
    """Return the header of a request with a key."""
    return {"Authorization": f"Bearer {key}"}
