"""`--config FILE.toml`: flags of a command in a file; the command line overrides it."""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from models.errors import ConfigError
from models.programs.cli import OneLineParser

_NOT_IN_A_FILE: Final = ("help", "config")


def parse_with_config(parser: OneLineParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; flags that are not on it are taken from the file that ``--config`` names.

    A key of the file is the name of a flag, with dashes or underscores, or of the positional arguments. A list gives
    several values; true and false turn a switch on or off.

    Raises:
        ConfigError: The file cannot be read, or one of its keys is no flag or has a value of another type.
    """
    arguments = parser.parse_args(argv)
    if arguments.config is None:
        return arguments
    from_file = _from_file(parser, Path(arguments.config))
    merged = parser.parse_args(argv, argparse.Namespace(**vars(from_file)))  # sets what is on the command line only
    for action in parser._actions:
        if not action.option_strings and not getattr(merged, action.dest):  # positional arguments it always sets
            setattr(merged, action.dest, getattr(from_file, action.dest))
    return merged


def _from_file(parser: OneLineParser, path: Path) -> argparse.Namespace:
    actions = {action.dest: action for action in parser._actions if action.dest not in _NOT_IN_A_FILE}
    positional: list[str] = []
    words: list[str] = []
    switches: dict[str, bool] = {}
    for key, value in _read(path).items():
        name = key.replace("-", "_")
        if name not in actions:
            near = difflib.get_close_matches(name, actions, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{path}: there is no flag for the key {key!r}.{hint}")
        if actions[name].nargs == 0:
            if not isinstance(value, bool):
                raise ConfigError(f"{path}: {key} is a switch: give true or false, got {value!r}.")
            switches[name] = value
            continue
        values = value if isinstance(value, list) else [value]
        if any(isinstance(item, (bool, dict, list)) for item in values):
            raise ConfigError(f"{path}: {key} takes a text or a number, or a list of them, got {value!r}.")
        if len(values) != 1 and actions[name].nargs is None:
            raise ConfigError(f"{path}: {key} takes one value, got {value!r}.")
        if actions[name].option_strings:
            words += [actions[name].option_strings[0], *map(str, values)]
        else:
            positional += map(str, values)
    with parser.reading(path):
        return parser.parse_args([*positional, *words], argparse.Namespace(**switches))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"--config: {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config: {path} is not TOML ({error}).") from error
