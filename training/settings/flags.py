"""Command-line flags made from the fields of `TrainConfig`, where each setting is declared once."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from dataclasses import Field, fields
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from models.limits import Interval, Limit
from training.settings.config import TrainConfig
from training.settings.limits import LIMITS


def add_config_flags(
    parser: argparse.ArgumentParser, *, only: str | None = None, without: Collection[str] = ()
) -> None:
    """Add a flag for each setting of `TrainConfig`, by group.

    Args:
        parser: The parser to extend.
        only: A group; None for all.
        without: Settings without a flag, which keep their defaults.
    """
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
            metavar=None if choices else _metavar(setting.name, kind),
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
}


def _metavar(name: str, kind: type) -> str:
    if kind is str:
        return _METAVARS.get(name, "COLUMN")
    return "N" if kind is int else "X"
