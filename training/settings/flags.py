"""Command-line flags made from the fields of `TrainConfig`, and flags of a command in a file, `--config FILE.toml`."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from models.errors import ConfigError, did_you_mean
from models.limits import Interval, Limit
from models.programs.cli import OneLineParser
from training.settings.config import TrainConfig
from training.settings.limits import LIMITS


def add_config_flags(
    parser: argparse.ArgumentParser, *, only: str | None = None, without: Collection[str] = ()
) -> None:
    """Add a flag for each setting of `TrainConfig`, by group: only of one group, and without some settings."""
    hints = get_type_hints(TrainConfig)
    groups: dict[str, Any] = {}
    for setting in fields(TrainConfig):
        group = setting.metadata["group"]
        if only not in (None, group) or setting.name in without:
            continue
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        kind, many = _argument_type(hints[setting.name])
        limit = LIMITS.get(setting.name)
        choices = limit if isinstance(limit, Mapping) else None
        groups[group].add_argument(
            f"--{setting.name.replace('_', '-')}",
            dest=setting.name,
            type=kind,
            nargs="+" if many else None,
            action="extend" if many and kind is str else "store",
            choices=list(choices) if choices else None,
            default=list(setting.default) if setting.default == () else setting.default,
            metavar=None if choices else _METAVARS.get(setting.name, _METAVARS_OF_TYPES[kind]),
            help=_help(setting, limit).replace("%", "%%"),
        )


def _help(setting: Field[Any], limit: Limit | None) -> str:
    """Return the help text with the interval, the default and the choices."""
    notes = [str(limit)] if isinstance(limit, Interval) else []
    if setting.default not in (None, ()):
        notes.append(f"default: {setting.default}")
    text = str(setting.metadata["help"])
    if notes:
        text = f"{text[:-1]}; {notes[0]})" if text.endswith(")") else f"{text} ({', '.join(notes)})"
    if isinstance(limit, Mapping):
        text += "".join(f"\n  {name:<13} {summary}" for name, summary in limit.items())
    return text


def config_of(arguments: argparse.Namespace, **overrides: Any) -> TrainConfig:
    """Return the settings that the flags give, with overrides.

    Raises:
        ConfigError: A setting is outside its limits.
    """
    values = {f.name: getattr(arguments, f.name) for f in fields(TrainConfig) if hasattr(arguments, f.name)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return TrainConfig(**(values | overrides))


def _argument_type(hint: Any) -> tuple[Any, bool]:
    """Return the type of one value, and whether the setting takes several."""
    if isinstance(hint, UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    return (get_args(hint)[0], True) if get_origin(hint) is tuple else (hint, False)


_METAVARS: Final = {
    "anomaly_values": "VALUE",
    "kind": "COLUMN=KIND",
    "date_order": "[COLUMN=]ORDER",
    "missing_values": "[COLUMN=]VALUE",
    "keep_words": "[COLUMN=]WORD",
}
_METAVARS_OF_TYPES: Final = {str: "COLUMN", int: "N", float: "X"}


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
    actions = {action.dest: action for action in parser._actions if action.dest not in ("help", "config")}
    positional: list[str] = []
    words: list[str] = []
    switches: dict[str, bool] = {}
    for key, value in _read(path).items():
        name = key.replace("-", "_")
        if name not in actions:
            raise ConfigError(f"{path}: there is no flag for the key {key!r}.{did_you_mean(name, actions)}")
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
