"""Reads one sheet of a spreadsheet file: .xlsx, .xls or .ods."""

from __future__ import annotations

import io
import itertools
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from models.errors import Message, Set, TableError, joined
from models.messages import phrase, plural, quoted
from models.tables.mixed_times import of_one_type
from models.tables.percent_cells import Percent, all_in_percent, mark_percent
from models.tables.read_options import ReadOptions
from models.tables.sheet_size import require_filled_grids
from models.tables.source import Source
from models.tables.table import Table
from models.tables.text.delimiter import Row
from models.tables.text.header import detect_header


def read_sheet(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read a sheet of a spreadsheet in chunks; a cell with a formula's error is missing."""
    repairs: list[str] = []
    with source.open_seekable() as opened:
        content = opened.read()
    sheet = _filled_sheet(source, content, options, repairs)
    if options.skip_lines:
        count = options.skip_lines
        repairs.append(
            plural("{count} row above the table skipped", "{count} rows above the table skipped", count=count)
        )
    top = sheet.start[0] if sheet.start else 0
    rows = sheet.to_python(skip_empty_area=True)[max(0, options.skip_lines - top) :]
    above = max(top, options.skip_lines)
    with _damage_said():
        any_percent = mark_percent(rows, content, sheet.name, first=(above, sheet.start[1] if sheet.start else 0))
    texts = [Row(cells=tuple(map(_text, cells)), above=above + number) for number, cells in enumerate(rows)]
    filled = [row for row in texts if any(row.cells)]
    if not filled:
        raise TableError(f"the sheet is empty{' below the lines that are skipped' if above else ''}.")
    header = detect_header(filled, options, repairs)
    first = filled[0].above - above + header.first_row_is_names
    used = len(header.names)
    body = [cells[:used] for cells in rows[first:]]
    while body and not any(cell != "" for cell in body[-1]):
        body.pop()  # rows with a format and nothing in them
    with_value = [cells for cells in body if any(cell != "" for cell in cells)]
    if len(with_value) < len(body):
        repairs.append(
            phrase("blank rows skipped")
            if used > 1
            else phrase("blank rows are missing values, as there is one column")
        )
        body = with_value if used > 1 else body
    percent = _in_percent(header.names, body) if any_percent else frozenset[str]()
    if percent:
        named = ", ".join(quoted(name) for name in header.names if name in percent)
        repairs.append(phrase("{columns}: shown in percent by the sheet (0.07 as 7 %)", columns=named))
    chunks: Iterable[list[Sequence[Any]]] = (
        body[start : start + chunk_rows] for start in range(0, max(1, len(body)), chunk_rows)
    )
    for chunk in chunks:
        columns = list(itertools.zip_longest(*chunk)) if chunk else [()] * used
        yield Table(
            data=pa.table(
                {
                    name: _column(cells, in_percent=name in percent)
                    for name, cells in zip(header.names, columns, strict=True)
                }
            ),
            percent=percent,
            repairs=tuple(repairs),
            header=header.names if header.given else None,
        )


def _filled_sheet(source: Source, content: bytes, options: ReadOptions, repairs: list[str]) -> Any:
    """Return the sheet to read: the one that the options name, or the only one that is not empty."""
    try:
        import python_calamine
    except ImportError as error:
        raise TableError("a spreadsheet needs the package python-calamine: pip install '.[excel]'.") from error
    _check_archive(source, content)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        if options.sheet is not None:
            if options.sheet not in book.sheet_names:
                names = ", ".join(map(repr, book.sheet_names))
                raise TableError(f"has no sheet {options.sheet!r}. Its sheets are {names}.")
            return book.get_sheet_by_name(options.sheet)
        sheets = [book.get_sheet_by_name(m.name) for m in book.sheets_metadata if "WorkSheet" in str(m.typ)]
    except (python_calamine.CalamineError, UnicodeError, ValueError) as error:
        raise TableError(f"the spreadsheet cannot be read: {error}.") from error
    filled = [sheet for sheet in sheets if sheet.height]
    if not filled:
        raise TableError("no sheet has anything in it.")
    if len(filled) > 1:
        named = joined([Message(Set("sheet", sheet.name)) for sheet in filled], by=" or ")
        raise TableError("several sheets have something in them; say which: ", named, ".")
    if len(book.sheet_names) > 1:
        repairs.append(phrase("sheet {name!r} read, the others are empty", name=filled[0].name))
    return filled[0]


def _check_archive(source: Source, content: bytes) -> None:
    """Refuse an archive that is damaged, or too large when it is decompressed or its cells are laid out."""
    if not content.startswith(b"PK"):
        return
    with _damage_said(), zipfile.ZipFile(io.BytesIO(content)) as archive:
        source.require_bytes(sum(entry.file_size for entry in archive.infolist()))
        require_filled_grids(archive)


@contextmanager
def _damage_said() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError) as error:
        raise TableError(f"the spreadsheet is damaged: {error}.") from error


def _in_percent(names: Sequence[str], body: Sequence[Sequence[Any]]) -> frozenset[str]:
    """Return the columns whose numbers are all shown in percent."""
    columns = itertools.zip_longest(*body, fillvalue="")
    return frozenset(name for name, cells in zip(names, columns, strict=False) if all_in_percent(cells))


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _column(cells: Sequence[Any], *, in_percent: bool) -> pa.Array:
    """Return a column of the type that its cells have, of texts where they have several, as some are in percent."""
    if not in_percent:
        cells = [cell.text if isinstance(cell, Percent) else cell for cell in cells]
    values = of_one_type([None if cell == "" else cell for cell in cells])
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())
