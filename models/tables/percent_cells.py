"""Numbers that a sheet of .xlsx shows in percent, by the format of their cells: 0.07 as 7 %."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, final

from models.schema.cells import is_missing_text
from models.tables.sheet_size import index_of, read_elements

_BUILT_IN: Final = frozenset({"9", "10"})  # 0% and 0.00%
_NO_MARK: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')  # of a format: what is written as it stands, colours
_PLACE: Final = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")


@final
class Percent(float):
    """A number as it is stored, which the sheet shows times a hundred, with the mark %."""

    @property
    def text(self) -> str:
        """The number with its mark, all its digits and no three of them alone behind the point, as thousands have.

        Example:
            >>> Percent(0.07).text, Percent(0.01741).text, Percent(12).text
            ('7%', '1.7410%', '1200%')
        """
        digits = f"{Decimal(repr(float(self))).scaleb(2).normalize():f}"
        return f"{digits}{'0' * (len(digits.partition('.')[2]) == 3)}%"


def mark_percent(rows: Sequence[list[Any]], content: bytes, sheet: str, *, first: tuple[int, int]) -> bool:
    """Make the numbers of a sheet that it shows in percent `Percent`, in place; return whether there are any.

    Args:
        rows: Cells of the sheet.
        content: The file; nothing is done where it is no .xlsx.
        sheet: Name of the sheet.
        first: Row and column of the first cell, from 0.
    """
    if not content.startswith(b"PK"):
        return False
    any_yet = False
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for column, numbers in _percent_places(archive, sheet).items():
            for number in numbers:
                if 0 <= number - first[0] < len(rows) and 0 <= column - first[1] < len(rows[number - first[0]]):
                    cells = rows[number - first[0]]
                    value = cells[column - first[1]]
                    if type(value) in (int, float):
                        cells[column - first[1]] = Percent(value)
                        any_yet = True
    return any_yet


def all_in_percent(cells: Sequence[Any]) -> bool:
    """Return whether all numbers of a column are shown in percent, and nothing is beside them but zeros and gaps."""
    given = [cell for cell in cells if not (isinstance(cell, str) and is_missing_text(cell))]
    others = [cell for cell in given if not isinstance(cell, Percent)]
    return len(others) < len(given) and all(type(cell) in (int, float) and cell == 0 for cell in others)


def _percent_places(archive: zipfile.ZipFile, sheet: str) -> dict[int, array[int]]:
    """Return the rows of the cells with a percent format, by column, both from 0."""
    styles = _percent_styles(archive)
    path = _path_of(archive, sheet) if styles else None
    if path is None:
        return {}
    found: dict[int, array[int]] = {}
    row = column = -1
    for name, attributes in read_elements(archive, path):
        if name == "row":
            number = attributes.get("r", "")
            row, column = int(number) - 1 if re.fullmatch(r"\d{1,7}", number) else row + 1, -1
        elif name == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            column = column + 1 if place is None else index_of(place[1]) - 1
            row = row if place is None else int(place[2]) - 1
            if attributes.get("s") in styles:
                found.setdefault(column, array("l")).append(row)
    return found


def _percent_styles(archive: zipfile.ZipFile) -> frozenset[str]:
    """Return the numbers of the cell styles that show percent."""
    formats, styles, of_cells = set(_BUILT_IN), [], False
    for name, attributes in read_elements(archive, "xl/styles.xml"):
        if name == "numFmt" and "%" in _NO_MARK.sub("", attributes.get("formatCode", "")):
            formats.add(attributes.get("numFmtId", ""))
        elif name in ("cellStyleXfs", "cellXfs", "cellStyles"):
            of_cells = name == "cellXfs"
        elif name == "xf" and of_cells:
            styles.append(attributes.get("numFmtId"))
    return frozenset(str(style) for style, number in enumerate(styles) if number in formats)


def _path_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the name of the part that has a sheet."""
    ids = [each.get("id") for name, each in read_elements(archive, "xl/workbook.xml") if _is_sheet(name, each, sheet)]
    for name, attributes in read_elements(archive, "xl/_rels/workbook.xml.rels"):
        if name == "Relationship" and attributes.get("Id") in ids:
            return posixpath.normpath(posixpath.join("/xl", attributes.get("Target", ""))).lstrip("/")
    return None


def _is_sheet(name: str, attributes: dict[str, str], sheet: str) -> bool:
    return name == "sheet" and attributes.get("name") == sheet
