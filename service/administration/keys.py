"""`python -m service.admin key`: makes, lists and revokes API keys."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from models.errors import ConfigError
from service.access.keys import Key, new_key, read_keys, write_keys
from service.access.roles import Role
from service.administration.command import Command

_VARIABLE: Final = "DETECTOR_KEYS"


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="whose the new key is; or list, or revoke")
    parser.add_argument("id", metavar="ID", nargs="?", help="of revoke: the id of the key, or the key itself")
    parser.add_argument("--role", choices=[role.value for role in Role], help="what a new key may do")
    parser.add_argument("--expires", metavar="DATE", help="last day of a new key (UTC), such as 2027-01-31")
    parser.add_argument("--rate", type=float, metavar="N", help="requests a second of a new key, in each worker")
    parser.add_argument("--concurrent", type=int, metavar="N", help="its requests at the same time, in each worker")
    parser.add_argument("--keys", type=Path, metavar="FILE", help=f"file of the keys (default: {_VARIABLE})")


def _run(arguments: argparse.Namespace) -> None:
    path = arguments.keys or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
    if path is None:
        raise ConfigError(f"No file of keys is named: say --keys FILE, or set {_VARIABLE}.")
    _WORDS.get(arguments.name, _make)(path, arguments)


def _make(path: Path, arguments: argparse.Namespace) -> None:
    if arguments.id is not None:
        raise ConfigError("A new key has one name; two words came.")
    if arguments.role is None:
        raise ConfigError(f"A new key needs a role: --role {', '.join(Role)}; each may do what those before it may.")
    now = datetime.now(UTC)
    expires = None if arguments.expires is None else _end_of(arguments.expires, now)
    text, key = new_key(
        arguments.name,
        Role(arguments.role),
        now=now,
        expires=expires,
        rate=arguments.rate,
        concurrent=arguments.concurrent,
    )
    write_keys(path, [*(read_keys(path) if path.exists() else ()), key])
    print(text)


def _list(path: Path, arguments: argparse.Namespace) -> None:
    keys = read_keys(path)
    print(f"{'id':<12}  {'role':<7}  {'made':<10}  {'last day':<10}  {'rate':>6}  {'at once':>7}  name")
    for key in keys:
        last_day = "–" if key.expires is None else (key.expires - timedelta.resolution).date().isoformat()
        limits = f"{'–' if key.rate is None else f'{key.rate:g}':>6}  {key.concurrent or '–':>7}"
        print(f"{key.id}  {key.role:<7}  {key.made.date()}  {last_day:<10}  {limits}  {key.name}")


def _revoke(path: Path, arguments: argparse.Namespace) -> None:
    if arguments.id is None:
        raise ConfigError("Which key? Say its id: python -m service.admin key list has it.")
    keys = read_keys(path)
    kept = [key for key in keys if not _is_meant(key, arguments.id)]
    if len(kept) == len(keys):
        raise ConfigError(f"{path}: has no key of that id. It has {', '.join(key.id for key in keys) or 'none'}.")
    write_keys(path, kept)
    print(*(f"revoked {key.id} ({key.name})" for key in keys if key not in kept), sep="\n")


def _is_meant(key: Key, given: str) -> bool:
    return given == key.id or given.split("_")[1:2] == [key.id]


def _end_of(day: str, now: datetime) -> datetime:
    """Return the end of a day, which is the first moment that a key of it is refused."""
    try:
        end = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"--expires: got {day!r}, say a day such as 2027-01-31.") from error
    if end <= now:
        raise ConfigError(f"--expires: {day} is over.")
    return end


_WORDS: Final[dict[str, Callable[[Path, argparse.Namespace], None]]] = {"list": _list, "revoke": _revoke}

COMMAND: Final = Command(
    summary="make, list and revoke API keys",
    description="Make a key, which is printed once, or list the keys, or revoke one. A service that runs takes the "
    "change within a second.",
    add_flags=_add_flags,
    run=_run,
)
