"""The grid that the cells of a sheet span, found before a reader takes memory for all of it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from models.errors import TableError

_MOST_CELLS: Final = 5_000_000  # of a grid that is nearly empty: 160 MB
_MOST_EMPTY: Final = 20  # cells of a larger grid for each that has a value
_CHUNK_BYTES: Final = 1 << 20
_ROW: Final = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br\s*=\s*[\"'](\d{1,10})")
_CELL: Final = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\br\s*=\s*[\"']([A-Za-z]{1,9})(\d{1,10})")


def require_filled_grids(archive: zipfile.ZipFile) -> None:
    """Refuse a workbook (.xlsx, .ods) one of whose sheets spans very many cells that are nearly all empty.

    Raises:
        TableError: A single value far from the others, as a rule; the error names the last cell.
    """
    for entry in archive.infolist():
        if entry.filename == "content.xml":
            sheets: _Worksheet | _OpenDocument = _OpenDocument()
        elif _may_be_large(archive, entry):
            sheets = _Worksheet()
        else:
            continue
        for name, attributes in read_elements(archive, entry):
            sheets.start(name, attributes)
        for grid in sheets.grids:
            if grid.cells > max(_MOST_CELLS, _MOST_EMPTY * grid.filled):
                raise TableError(
                    f"a sheet reaches to cell {_name(grid.columns)}{grid.rows}, but only {grid.filled:,} of its "
                    f"{grid.cells:,} cells have a value. Delete what stands far below or beside the table, or save it "
                    "as CSV."
                )


@dataclass(slots=True)
class _Grid:
    """Rows and columns up to the last ones with a value, and how many values are written."""

    rows: int = 0
    columns: int = 0
    filled: int = 0

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def add(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)
        self.filled += 1


@dataclass(slots=True)
class _Worksheet:
    """Takes the elements of a sheet of .xlsx."""

    grids: list[_Grid] = field(default_factory=lambda: [_Grid()])
    _row: int = 0
    _column: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row, self._column = _number(attributes.get("r"), self._row + 1), 0
        elif name == "c":
            place = re.fullmatch(r"([A-Za-z]{1,9})(\d{1,10})", attributes.get("r", ""))
            self._row = self._row if place is None else int(place[2])
            self._column = self._column + 1 if place is None else index_of(place[1])
        elif name in ("v", "is"):
            self.grids[0].add(self._row, self._column)


@dataclass(slots=True)
class _OpenDocument:
    """Takes the elements of all sheets of .ods, whose rows and cells may say that they are repeated."""

    grids: list[_Grid] = field(default_factory=lambda: [_Grid()])
    _row: int = 0
    _column: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table":
            self.grids.append(_Grid())
            self._row = self._column = 0
        elif name == "table-row":
            self._row, self._column = self._row + _number(attributes.get("number-rows-repeated"), 1), 0
        elif name in ("table-cell", "covered-table-cell"):
            self._column += _number(attributes.get("number-columns-repeated"), 1)
            if "value-type" in attributes or "formula" in attributes:
                self.grids[-1].add(self._row, self._column)


def _may_be_large(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Return whether a part of .xlsx may span many cells, also where all of them are empty: found quickly."""
    rows, columns = 0, 0
    kept = b""
    with archive.open(entry) as part:
        while chunk := part.read(_CHUNK_BYTES):
            text = kept + chunk
            found = _CELL.findall(text)
            rows = max([rows, *map(int, _ROW.findall(text)), *{int(row) for _, row in found}])
            columns = max([columns, *map(index_of, {name for name, _ in found})])
            kept = text[max(text.rfind(b"<"), 0) :]  # a tag that two chunks share
            if len(kept) > _CHUNK_BYTES:
                return True  # no tag that a program writes
    return rows * columns > _MOST_CELLS


def read_elements(archive: zipfile.ZipFile, part: str | zipfile.ZipInfo) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield name and attributes of each element of a part, without namespaces; none where there is no such part.

    What is wrong with the XML ends it, and is said by whoever reads the cells.
    """
    parser = expat.ParserCreate()
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((name.rpartition(":")[2], {key.rpartition(":")[2]: text for key, text in attributes.items()}))

    parser.StartElementHandler = start
    with suppress(expat.ExpatError, KeyError), archive.open(part) as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            parser.Parse(chunk)
            yield from found
            found.clear()
    yield from found  # before what is wrong


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"\d{1,10}", text) else otherwise


def index_of(letters: str | bytes) -> int:
    """Return the number of a column, from 1.

    Example:
        >>> index_of("A"), index_of("XFD"), _name(16_384)
        (1, 16384, 'XFD')
    """
    index = 0
    for letter in (letters if isinstance(letters, str) else letters.decode()).upper():
        index = 26 * index + ord(letter) - ord("A") + 1
    return index


def _name(index: int) -> str:
    letters = ""
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
