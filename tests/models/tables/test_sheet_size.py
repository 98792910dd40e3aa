"""A workbook whose few cells span a grid that no memory holds is refused before it is made."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from models.errors import TableError
from models.tables.files import read_table
from models.tables.sheet_size import require_filled_grids
from models.tables.source import Source


def xlsx(cells, *, sheets=1):
    book = openpyxl.Workbook()
    for _ in range(sheets - 1):
        book.create_sheet()
    for name, value in cells.items():
        book.worksheets[-1][name] = value
    book.worksheets[-1]["XFD1048576"].font = openpyxl.styles.Font(bold=True)  # a format, and nothing in it
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(content):
    return read_table([Source(name="book.xlsx", content=content)])


def archive_of(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return zipfile.ZipFile(out)


@pytest.mark.parametrize("sheets", [1, 2])
def test_a_stray_value_at_the_end_of_a_sheet_is_refused_by_its_cell(sheets):
    with pytest.raises(TableError, match="reaches to cell XFD1048576, but only 2 of its 17,179,869,184 cells have"):
        read(xlsx({"A1": "a", "XFD1048576": 5}, sheets=sheets))


def test_a_format_at_the_end_of_a_sheet_is_no_value():
    assert read(xlsx({"A1": "a", "B1": "b", "A2": 1, "B2": 2})).data.to_pydict() == {"a": [1], "b": [2]}


def test_a_stray_value_beside_a_sheet_that_fits_is_read():
    assert len(read(xlsx({"A1": "a", "A2": 1, "A3000": 2}))) == 2_999


@pytest.mark.parametrize(
    "sheet",
    [
        "<row r='1048576'><c><v>1</v></c></row><row r='1'><c r='XFD1'><v>1</v></c></row>",
        "<x:row><x:c t='n'\n r = \"xfd1048576\" s='1'><x:v>1</x:v></x:c></x:row>",
        f"<row><c r='A1'><v>1</v></c><c s='{' ' * 3_000_000}' r='XFD1048576'><is><t>a</t></is></c></row>",
    ],
)
def test_a_cell_is_found_however_it_is_written(sheet):
    text = f"<worksheet xmlns='urn:a' xmlns:x='urn:b'><sheetData>{sheet}</sheetData></worksheet>"
    with pytest.raises(TableError, match="cell XFD1048576"):
        require_filled_grids(archive_of("xl/worksheets/sheet1.xml", text))


@pytest.mark.parametrize(
    "rows",
    [
        "<t:row-group><t:table-row t:number-rows-repeated='9000000'><t:table-cell o:value-type='float' o:value='1'/>"
        "</t:table-row></t:row-group>",
        "<t:table-row><t:table-cell t:number-columns-repeated='9000000'/><t:table-cell o:value-type='string'/>"
        "</t:table-row>",
    ],
)
def test_cells_of_ods_that_are_repeated_count_as_often_as_they_are(rows):
    text = f"<o:body xmlns:o='urn:o' xmlns:t='urn:t'><t:table>{rows}</t:table></o:body>"
    with pytest.raises(TableError, match="a sheet reaches to cell"):
        require_filled_grids(archive_of("content.xml", text))


def test_empty_rows_that_are_repeated_to_the_end_of_ods_are_no_cells():
    filled = "<t:table-row><t:table-cell o:value-type='float'/></t:table-row>"
    rest = (
        "<t:table-row t:number-rows-repeated='1048575'><t:table-cell t:number-columns-repeated='16384'/></t:table-row>"
    )
    text = f"<o:body xmlns:o='urn:o' xmlns:t='urn:t'><t:table>{filled}{rest}</t:table></o:body>"
    require_filled_grids(archive_of("content.xml", text))
