"""`python -m service.admin list`, `promote`, `rollback`, `alias`: which version of a detector answers.

They work on the folder of the detectors, which a running service follows, or ask a running service (`--url`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from models.errors import ConfigError
from service.administration.command import Command
from service.served import ServedDetector

_CHAMPION: Final = "champion"
_PATH: Final = "DETECTOR_PATH"
_TRUSTED: Final = "DETECTOR_TRUSTED_KEYS"


class Served(Protocol):
    """What serves detectors: a folder, or a service that runs."""

    def detectors(self) -> list[ServedDetector]:
        """Return all detectors."""
        ...

    def set_alias(self, detector: str, alias: str, version: str) -> ServedDetector:
        """Move an alias to a version, which is loaded and checked before."""
        ...

    def remove_alias(self, detector: str, alias: str) -> ServedDetector:
        """Remove an alias."""
        ...

    def roll_back(self, detector: str) -> ServedDetector:
        """Make the version that was active before champion again."""
        ...


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Served]:
    if arguments.url is not None:
        try:
            from service.client import ServiceOperator
        except ModuleNotFoundError as error:
            raise ConfigError(f"--url needs the package {error.name!r}: pip install '.[client]'.") from error
        with ServiceOperator(arguments.url, key=arguments.key) as service:
            yield service
        return
    if arguments.detector is None and not os.environ.get(_PATH):
        raise ConfigError(f"Whose versions? Say --detector FOLDER, set {_PATH}, or say --url ADDRESS.")
    from models.bundle import TrustedKeys  # with these comes what scores
    from service.administration.folder import ServedFolder

    keys = os.environ.get(_TRUSTED)
    trusted = None if not keys else TrustedKeys.from_file(Path(keys))
    yield ServedFolder(arguments.detector or Path(os.environ[_PATH]), trusted=trusted)


def _add_where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--detector",
        type=Path,
        metavar="FOLDER",
        help=f"a detector's folder, or a folder of detectors (default: {_PATH})",
    )
    where.add_argument("--url", metavar="ADDRESS", help="a service that runs, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="API key of the service, of the role operate (default: DETECTOR_KEY)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the detector")


def _add_to_promote(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("version", metavar="VERSION", help="the version that is to answer")
    _add_where(parser)


def _add_to_roll_back(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    _add_where(parser)


def _add_to_alias(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("alias", metavar="ALIAS", help="champion, challenger, or a name of your own")
    parser.add_argument("version", metavar="VERSION", nargs="?", help="the version that it is to mean")
    parser.add_argument("--remove", action="store_true", help="remove the alias")
    _add_where(parser)


def _list(arguments: argparse.Namespace) -> None:
    with _opened(arguments) as served:
        found = served.detectors()
    if arguments.json:
        print(json.dumps({"detectors": [_report(one) for one in found]}))
        return
    rows = [("name", "active", "versions", "aliases"), *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]).rstrip())
    for one in found:
        if one.problem is not None:
            print(f"{one.name}: {one.problem}")


def _report(one: ServedDetector) -> dict[str, Any]:
    """Return the report that ``--json`` prints; its keys are an interface."""
    return {
        "name": one.name,
        "version": one.version,
        "versions": list(one.versions),
        "aliases": dict(one.aliases),
        "state": one.state,
        "problem": one.problem,
    }


def _row(one: ServedDetector) -> tuple[str, str, str, str]:
    aliases = ", ".join(f"{alias} {version}" for alias, version in one.aliases.items())
    return one.name, one.version, " ".join(one.versions), aliases or "–"


def _changing(change: Callable[[Served, argparse.Namespace], ServedDetector]) -> Callable[[argparse.Namespace], None]:
    """Return a command that makes a change and prints what is served now."""

    def run(arguments: argparse.Namespace) -> None:
        with _opened(arguments) as served:
            found = change(served, arguments)
        if arguments.json:
            print(json.dumps(_report(found)))
            return
        aliases = ", ".join(f"{alias} {version}" for alias, version in found.aliases.items())
        print(f"{found.name}: version {found.version} is active" + (f" ({aliases})" if aliases else ""))

    return run


def _alias(served: Served, arguments: Any) -> ServedDetector:
    if arguments.remove != (arguments.version is None):
        raise ConfigError("Say the version that the alias is to mean, or --remove, one of the two.")
    if arguments.remove:
        return served.remove_alias(arguments.name, arguments.alias)
    return served.set_alias(arguments.name, arguments.alias, arguments.version)


LIST: Final = Command(
    summary="list the detectors, their versions and aliases",
    description="List the detectors of a folder or of a service, with the version that is active and the aliases.",
    add_flags=_add_where,
    run=_list,
)
PROMOTE: Final = Command(
    summary="make a version of a detector the one that answers",
    description="Load and check a version, and make it the champion: it answers where no version is named. A service "
    "that runs takes the change of its folder within a second.",
    add_flags=_add_to_promote,
    run=_changing(lambda served, arguments: served.set_alias(arguments.name, _CHAMPION, arguments.version)),
)
ROLLBACK: Final = Command(
    summary="return to the version that was active before",
    description="Make the version that was active before the active one champion again, else the next older one.",
    add_flags=_add_to_roll_back,
    run=_changing(lambda served, arguments: served.roll_back(arguments.name)),
)
ALIAS: Final = Command(
    summary="set or remove an alias of a version",
    description="Move an alias to a version, which is loaded and checked before, or remove it.",
    add_flags=_add_to_alias,
    run=_changing(_alias),
)
