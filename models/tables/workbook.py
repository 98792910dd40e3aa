"""Writes one sheet as .xlsx (Office Open XML), row by row: texts are texts there, and no spreadsheet runs them."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, final

import pyarrow as pa

from models.errors import Set, TableError
from models.tables.writers import Rows, Writer, json_cells

MOST_ROWS: Final = 1_048_576
"""Rows of a sheet, the one with the names among them."""

_MOST_COLUMNS: Final = 16_384
_MOST_CHARACTERS: Final = 32_767  # of a cell
_MOST_BYTES: Final = 2**31 - 2**20  # of the sheet's text: above, the archive would need another format
_EXACT: Final = 10**15  # a spreadsheet has 15 digits: longer ids are written as texts
_SHEET: Final = "xl/worksheets/sheet1.xml"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS: Final = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="scores" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
"""The parts of the archive beside the sheet."""

_SHEET_START: Final = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_SHEET_END: Final = b"</sheetData></worksheet>"
_NO_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


def workbook_writer(out: Any, schema: pa.Schema) -> Writer:
    """Write a workbook of one sheet: at most 1,048,575 rows; times, and numbers of 16 digits and more, are texts.

    Raises:
        TableError: There are too many columns.
    """
    if len(schema) > _MOST_COLUMNS:
        raise TableError(
            f"A sheet has at most {_MOST_COLUMNS:,} columns, these are {len(schema):,}. Write .csv instead."
        )
    return _WorkbookWriter(out, schema.names)


@final
class _WorkbookWriter(Writer):
    """A sheet whose rows are written as they come."""

    def __init__(self, out: Any, names: Sequence[str]) -> None:
        self._archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, text in _PARTS.items():
            self._archive.writestr(name, _HEAD + text)
        self._sheet = self._archive.open(_SHEET, "w")
        self._rows = self._bytes = 0
        self._add(1, (_HEAD + _SHEET_START + _row([_cell(name) for name in names])).encode())

    def ready(self, *rows: Rows) -> Callable[[], None]:
        lines = []
        for part in rows:
            table = part.table()
            cells = [map(_cell, json_cells(column)) for column in table.columns]
            lines += [_row(row) for row in zip(*cells, strict=True)]
        return partial(self._add, len(lines), "".join(lines).encode())

    def finish(self) -> None:
        self._sheet.write(_SHEET_END)

    def close(self) -> None:
        self._sheet.close()
        self._archive.close()

    def _add(self, rows: int, content: bytes) -> None:
        self._rows += rows
        self._bytes += len(content)
        if self._rows > MOST_ROWS or self._bytes > _MOST_BYTES:
            raise TableError(
                f"A sheet holds at most {MOST_ROWS - 1:,} rows, and 2 GB of text. Write .csv, or fewer rows: ",
                Set("top", like="N"),
                " or ",
                Set("only_flagged", True),
                ".",
            )
        self._sheet.write(content)


def _row(cells: Sequence[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def _cell(value: Any) -> str:
    """Return a cell; a text is written in place and never read as a formula."""
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if (isinstance(value, int) and abs(value) < _EXACT) or (isinstance(value, float) and math.isfinite(value)):
        return f"<c><v>{value!r}</v></c>"
    text = str(value)
    if len(text) > _MOST_CHARACTERS:
        raise TableError(
            f"A cell of a sheet holds at most {_MOST_CHARACTERS:,} characters, not {len(text):,}. Write .csv instead."
        )
    written = _NO_XML.sub(_escape, text).translate(_ESCAPED)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c>'


def _escape(found: re.Match[str]) -> str:
    """Return a character that XML does not have as a sheet writes it."""
    return f"_x{ord(found[0]):04X}_"
