"""The flags for reading text files and sheets, the same for every command that reads one."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.errors import Set, TableError
from models.schema import THOUSANDS
from models.schema.names import one_form
from models.tables.read_options import HEADER_AGAIN, RAGGED_ROWS, ReadOptions, rows_to_skip, words_to_skip

_LONGEST_NAME: Final = 255  # of a file, in most file systems
_NONE: Final = "none"
_CHARACTERS: Final = {"tab": "\t", "\\t": "\t", "space": " ", _NONE: ""}
_WORDS_OF_CHARACTERS: Final = {" ": "space"}


def add_reading_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags for reading text files and sheets."""
    group = parser.add_argument_group("reading (what is not given is detected and reported)")
    group.add_argument("--delimiter", help="character between the cells of a text file; 'tab' or 'space' for these")
    group.add_argument("--decimal", choices=[".", ","], help="decimal mark of numbers in texts")
    group.add_argument(
        "--thousands",
        choices=[*(_WORDS_OF_CHARACTERS.get(mark, mark) for mark in THOUSANDS), _NONE],
        help="mark between the thousands of numbers in texts",
    )
    group.add_argument("--encoding", help="character encoding of a text file, such as cp1252 or utf-16-le")
    group.add_argument("--quote", metavar="CHARACTER", help="character around the cells of a text file, or 'none'")
    group.add_argument(
        "--comment", metavar="PREFIX", help="what lines of a text file begin with that are no rows, or 'none'"
    )
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether the first row of a text file or sheet holds the names of its columns",
    )
    group.add_argument(
        "--column-names",
        nargs="+",
        metavar="NAME_OR_FILE",
        help="names of the columns of a file without a header line; a file gives one name a line (its first cell)",
    )
    group.add_argument(
        "--skip-lines", type=_lines, default=0, metavar="N", help="lines above the table in a text file or sheet"
    )
    group.add_argument(
        "--skip-rows",
        nargs="+",
        type=_rows,
        default=[],
        metavar="ROWS",
        help="rows of each file that are no records (units, totals), counted from 1 below the header, such as 1 or "
        f"200-205; '{HEADER_AGAIN}' for rows that repeat the header line",
    )
    group.add_argument(
        "--ragged-rows",
        choices=RAGGED_ROWS,
        default=RAGGED_ROWS[0],
        help="what becomes of rows of a text file that lack cells at their end (default: %(default)s)",
    )
    group.add_argument("--sheet", metavar="NAME", help="sheet of a spreadsheet file")


def read_options_of(arguments: argparse.Namespace) -> ReadOptions:
    """Return the reading options that the flags give; see `column_names` for errors."""
    return ReadOptions(
        delimiter=_character(arguments.delimiter),
        decimal=arguments.decimal,
        thousands=_character(arguments.thousands),
        encoding=arguments.encoding,
        quote=_character(arguments.quote),
        comment="" if arguments.comment == _NONE else arguments.comment,
        header=None if arguments.column_names is None else column_names(arguments.column_names),
        has_header=arguments.header,
        skip_lines=arguments.skip_lines,
        ragged_rows=arguments.ragged_rows,
        sheet=arguments.sheet,
        **rows_to_skip(arguments.skip_rows),
    )


def flags_of(options: ReadOptions) -> tuple[str, ...]:
    """Return the words of a command line that give reading options again; names of columns a detector knows itself.

    Example:
        >>> flags_of(ReadOptions(delimiter=" ", has_header=False, skip_lines=2))
        ('--delimiter', 'space', '--no-header', '--skip-lines', '2')
    """
    words = {character: word for word, character in reversed(_CHARACTERS.items())}
    given: dict[str, str | int | bool | None] = {
        "delimiter": options.delimiter,
        "decimal": options.decimal,
        "thousands": options.thousands,
        "encoding": options.encoding,
        "quote": options.quote,
        "comment": options.comment,
        "header": options.has_header,
        "skip_lines": options.skip_lines or None,
        "ragged_rows": None if options.ragged_rows == RAGGED_ROWS[0] else options.ragged_rows,
        "sheet": options.sheet,
    }
    rows = words_to_skip(options)
    flags = [Set(name, words.get(value, value) if isinstance(value, str) else value) for name, value in given.items()]
    flags += [Set("skip_rows", rows)] if rows else []
    return tuple(word for flag in flags if flag.value is not None for word in shlex.split(str(flag)))


def column_names(given: Sequence[str]) -> tuple[str, ...]:
    """Return names given one by one, or in files with one a line (its first cell); a `TableError` for one twice."""
    names: list[str] = []
    for name_or_file in given:
        path = Path(name_or_file)
        if len(name_or_file) > _LONGEST_NAME or not path.is_file():
            names += [one_form(name.strip()) for name in name_or_file.split(",")]
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise TableError(Set("column_names"), f": {path} cannot be read as UTF-8 text: {error}.") from error
        lines = [line.split(",")[0].strip() for line in text.splitlines()]
        names += [one_form(line) for line in lines if line]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(Set("column_names"), f": {twice!r} is given twice; each column needs a name of its own.")
    return tuple(names)


def _character(given: str | None) -> str | None:
    """Return the character that a word such as "tab" names; a character stays as it is."""
    return None if given is None else _CHARACTERS.get(given, given)


def _rows(text: str) -> str:
    try:
        rows_to_skip([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be {error}, got {text!r}") from error
    return text


def _lines(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)
