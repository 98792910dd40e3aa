"""Command-line flags made from `TrainConfig`: a setting is declared once, there."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from models.errors import TableError
from models.tables import ReadOptions
from training.config import TrainConfig


class OneLineParser(argparse.ArgumentParser):
    """A parser that complains in one line and exits with 2."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit."""
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting of `TrainConfig`, in its groups."""
    hints = get_type_hints(TrainConfig)
    groups: dict[str, Any] = {}
    for setting in fields(TrainConfig):
        group = setting.metadata["group"]
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        kind, many = _argument_type(hints[setting.name])
        choices = setting.metadata.get("choices")
        help_text = setting.metadata["help"]
        if setting.default is not None and setting.default != () and not many:
            help_text += f" (default: {setting.default})"
        if choices:
            help_text += "".join(f"\n  {name:<13} {summary}" for name, summary in choices.items())
        groups[group].add_argument(
            f"--{setting.name.replace('_', '-')}",
            dest=setting.name,
            type=kind,
            nargs="+" if many else None,
            choices=list(choices) if choices else None,
            default=setting.default,
            metavar=None if choices else _metavar(setting.name, kind),
            help=help_text.replace("%", "%%"),
        )


def config_of(arguments: argparse.Namespace, **overrides: Any) -> TrainConfig:
    """Return the settings that the flags give.

    Raises:
        ConfigError: A setting is outside its limits.
    """
    values = {name: getattr(arguments, name) for name in TrainConfig.names()}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return TrainConfig(**(values | overrides))


def add_reading_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how a text file is written."""
    group = parser.add_argument_group("reading (what is not given is detected and reported)")
    group.add_argument("--delimiter", help="character between the cells of a text file; 'tab' for a tab")
    group.add_argument("--decimal", choices=[".", ","], help="decimal mark of a text file")
    group.add_argument("--encoding", help="character encoding of a text file, such as latin-1")
    group.add_argument(
        "--column-names",
        nargs="+",
        metavar="NAME_OR_FILE",
        help="names of the columns of a file without a header line; a file gives one name a line (its first cell)",
    )


def read_options_of(arguments: argparse.Namespace) -> ReadOptions:
    """Return what the flags say about how a text file is written."""
    names = None if arguments.column_names is None else tuple(_names(arguments.column_names))
    delimiter = "\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter
    return ReadOptions(delimiter=delimiter, decimal=arguments.decimal, encoding=arguments.encoding, header=names)


def _names(given: list[str]) -> list[str]:
    names: list[str] = []
    for name_or_file in given:
        path = Path(name_or_file)
        if not path.is_file():
            names += [name.strip() for name in name_or_file.split(",")]
            continue
        lines = [line.split(",")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        names += [line for line in lines if line]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(f"--column-names: {twice!r} is given twice; each column needs a name of its own.")
    return names


def _argument_type(hint: Any) -> tuple[Any, bool]:
    """Return the type of one value, and whether there can be many."""
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    return (get_args(hint)[0], True) if get_origin(hint) is tuple else (hint, False)


def _metavar(name: str, kind: type) -> str:
    if kind is str:
        return "VALUE" if name == "anomaly_values" else "COLUMN"
    return "N" if kind is int else "X"
