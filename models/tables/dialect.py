"""How a text file is written: what the caller says, and what is told from its first lines for the rest."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import TableError
from models.tables.source import Source
from models.tables.table import ReadOptions
from models.values import is_decimal_comma, is_missing_text, parse_number

_SAMPLE_BYTES: Final = 1 << 18
_SAMPLE_LINES: Final = 200
_DELIMITERS: Final = (",", ";", "\t", "|")
_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a text file is written.

    Args:
        delimiter: The character between the cells.
        decimal: The decimal mark.
        encoding: The character encoding.
        names: Names of the columns, each different and none empty.
        header_rows: Lines before the first row; 0 where there is no header line.
        repairs: One line for each thing that was detected or repaired.
    """

    delimiter: str
    decimal: str
    encoding: str
    names: tuple[str, ...]
    header_rows: int
    repairs: tuple[str, ...]


def detect_dialect(source: Source, options: ReadOptions) -> Dialect:
    """Tell how a text file is written from its first lines; what the options say is taken.

    Raises:
        TableError: The file is empty, or what was not said cannot be told for sure.
    """
    with source.open_stream() as stream:
        sample = stream.read(_SAMPLE_BYTES)
    if not sample.strip():
        raise TableError(f"{source.name}: the file is empty.")
    if options.delimiter and not (len(options.delimiter) == 1 and options.delimiter.isascii()):
        raise TableError(f"delimiter must be one ASCII character (or 'tab'), got {options.delimiter!r}.")
    if options.delimiter and options.delimiter in '\r\n"':
        raise TableError(f"delimiter must be no quote and no line end, got {options.delimiter!r}.")
    repairs: list[str] = []
    encoding = options.encoding or _detect_encoding(sample, repairs)
    try:
        text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    except LookupError as error:
        raise TableError(f"{source.name}: there is no encoding {encoding!r}.") from error
    if not text.strip():
        raise TableError(f"{source.name}: the file is empty.")
    lines = text.splitlines(keepends=True)
    if len(sample) == _SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # cut off in the middle
    delimiter = options.delimiter or _detect_delimiter(source, lines[:_SAMPLE_LINES])
    rows = list(_cells_of(lines[:_SAMPLE_LINES], delimiter))
    blank = next(number for number, row in enumerate(rows) if row)
    rows = [row for row in rows if row]
    if delimiter != ",":
        repairs.append(f"cells are separated by {delimiter!r}")
    names, has_header = _detect_header(source, rows, options, repairs)
    body = rows[int(has_header) :]
    decimal = options.decimal or _detect_decimal(body, delimiter)
    if decimal == ",":
        repairs.append("decimal comma")
    return Dialect(
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        names=names,
        header_rows=blank + 1 if has_header else 0,  # blank lines above it are none of the rows
        repairs=tuple(repairs),
    )


def _detect_encoding(sample: bytes, repairs: list[str]) -> str:
    for mark, encoding in _BOMS.items():
        if sample.startswith(mark):
            repairs.append(f"byte-order mark removed ({encoding.removesuffix('-sig')})")
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        repairs.append("not UTF-8: read as Latin-1 (say --encoding if it is another one)")
        return "latin-1"
    return "utf-8"


def _detect_delimiter(source: Source, lines: Sequence[str]) -> str:
    """Take the delimiter that gives most lines the same number of cells, and more than one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _cells_of(lines, delimiter) if row]
        usual = max(set(widths), key=widths.count)
        return (widths.count(usual) / len(widths) if usual > 1 else 0.0, usual)

    scores = {delimiter: agreement(delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best][0] == 0.0:
        return ","  # one column
    rivals = [d for d in _DELIMITERS if d != best and scores[d] == scores[best]]
    if rivals:
        raise TableError(
            f"{source.name}: cells could be separated by {best!r} or {rivals[0]!r}; say which: --delimiter '{best}'."
        )
    return best


def _cells_of(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO("".join(lines), newline=None), delimiter=delimiter)


def _detect_header(
    source: Source, rows: Sequence[Sequence[str]], options: ReadOptions, repairs: list[str]
) -> tuple[tuple[str, ...], bool]:
    first = [cell.strip() for cell in rows[0]]
    if options.header is not None:
        if len(set(first) & set(options.header)) > len(first) / 2:  # names, maybe in another order: a header line
            return _names_of(first, repairs), True
        if len(options.header) == len(first):
            repairs.append(f"no header line: {len(first)} names were given")
            return options.header, False
        if not any(_is_number(cell) for cell in first):
            return _names_of(first, repairs), True
        raise TableError(
            f"{source.name}: has {len(first)} columns, {len(options.header)} names were given for them. Add the "
            f"missing names behind the others: --column-names {' '.join(_shown(options.header))} NAME …"
            if len(options.header) < len(first)
            else f"{source.name}: has {len(first)} columns and no header line, but {len(options.header)} names were "
            "given for them. Give one name for each column: --column-names NAME NAME …"
        )
    numbers = [cell for cell in first if _is_number(cell)]
    if numbers:
        raise TableError(
            f"{source.name}: has no header line: its first line holds numbers ({', '.join(numbers[:3])}). Name its "
            f"{len(first)} columns: --column-names NAME NAME … or --column-names FILE with one name a line."
        )
    return _names_of(first, repairs), True


def _names_of(cells: Sequence[str], repairs: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell or f"column_{number}"
        if not cell:
            repairs.append(f"column {number} has no name: called {name!r}")
        if name in names:
            copy = next(f"{name}_{k}" for k in range(2, len(cells) + 2) if f"{name}_{k}" not in names)
            repairs.append(f"column {number} is called {name!r} like another: called {copy!r}")
            name = copy
        names.append(name)
    return tuple(names)


def _detect_decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    cells = [cell for row in rows for cell in row]
    commas = sum(map(is_decimal_comma, cells))
    points = sum("." in cell and _is_number(cell) for cell in cells)
    return "," if commas > points else "."


def _is_number(text: str) -> bool:
    try:
        return not is_missing_text(text) and parse_number(text, decimal=",") is not None
    except ValueError:
        return False


def _shown(names: Sequence[str]) -> list[str]:
    return list(names[:2]) + (["…"] if len(names) > 2 else [])
