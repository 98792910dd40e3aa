"""The flags that say how a text file is written, for every command that reads one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from models.errors import TableError
from models.tables import ReadOptions

_LONGEST_NAME = 255  # of a file, in most file systems


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
    """Return what the flags say about how a text file is written.

    Raises:
        TableError: A column name is given twice.
    """
    names = None if arguments.column_names is None else column_names(arguments.column_names)
    delimiter = "\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter
    return ReadOptions(delimiter=delimiter, decimal=arguments.decimal, encoding=arguments.encoding, header=names)


def column_names(given: Sequence[str]) -> tuple[str, ...]:
    """Return the names that are given one by one, or by files with one name a line (its first cell).

    Raises:
        TableError: A name is given twice.
    """
    names: list[str] = []
    for name_or_file in given:
        path = Path(name_or_file)
        if len(name_or_file) > _LONGEST_NAME or not path.is_file():
            names += [name.strip() for name in name_or_file.split(",")]
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise TableError(f"--column-names: {path} cannot be read as UTF-8 text: {error}.") from error
        lines = [line.split(",")[0].strip() for line in text.splitlines()]
        names += [line for line in lines if line]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(f"--column-names: {twice!r} is given twice; each column needs a name of its own.")
    return tuple(names)
