"""Cells of .xlsx with a percent format are read as the percentage that people see, in training and in scoring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from models.columns.from_tables import columns_of_table
from models.schema import Column, FeatureSchema, Kind
from models.tables.files import read_table
from models.tables.percent_cells import Percent
from models.tables.table import Table
from training.columns.infer_schema import infer_schema
from training.columns.roles import Roles

RATES = (0.07, 0.0712, 0.5, 1.2, 0.01741, 0)


def workbook(path: Path, cells: list[tuple[Any, str]], *, above: int = 0) -> Table:
    """Read a sheet of numbers x and of cells with their formats, in the column rate."""
    book = openpyxl.Workbook()
    book.create_sheet("empty", 0)
    sheet = book.worksheets[1]
    for row, values in enumerate([("x", "rate"), *((n + 0.5, value) for n, (value, _) in enumerate(cells))]):
        for column, value in enumerate(values):
            sheet.cell(row + 1 + above, column + 2, value)
    for row, (_, form) in enumerate(cells):
        sheet.cell(row + 2 + above, 3).number_format = form
    book.save(path)
    return read_table([path])


def learned(table: Table) -> FeatureSchema:
    return infer_schema(table, Roles(), fitting=np.ones(len(table), bool))[0]


@pytest.mark.parametrize("form", ["0%", "0.00%", "#,##0.0 %", "[Red]0%;-0%"])
@pytest.mark.parametrize("above", [0, 3])
def test_percentages_are_read_as_they_are_seen(tmp_path: Path, form: str, above: int) -> None:
    table = workbook(tmp_path / "in.xlsx", [(rate, form) for rate in RATES], above=above)
    schema = learned(table)
    assert [(column.name, column.unit) for column in schema.columns] == [("x", None), ("rate", "%")]
    assert columns_of_table(schema, table)["rate"].tolist() == [7.0, 7.12, 50.0, 120.0, 1.741, 0.0]
    assert "'rate': shown in percent by the sheet (0.07 as 7 %)" in table.repairs


@pytest.mark.parametrize("form", ["General", "0.00", '0.0"%"', r"0\%", "@"])
def test_other_formats_leave_numbers_as_they_are(tmp_path: Path, form: str) -> None:
    table = workbook(tmp_path / "in.xlsx", [(rate, form) for rate in RATES])
    schema = learned(table)
    assert [column.unit for column in schema.columns] == [None, None]
    assert columns_of_table(schema, table)["rate"].tolist() == list(map(float, RATES))


def test_a_detector_of_percent_in_text_reads_the_cells_and_one_of_fractions_keeps_them(tmp_path: Path) -> None:
    table = workbook(tmp_path / "in.xlsx", [(rate, "0%") for rate in RATES])
    numbers = tuple(Column(name=name, kind=Kind.NUMERIC) for name in ("x", "rate"))
    fractions = FeatureSchema(columns=numbers)
    percent = FeatureSchema(columns=(numbers[0], replace(numbers[1], unit="%", decimal=",", thousands=".")))
    assert columns_of_table(fractions, table)["rate"].tolist() == list(map(float, RATES))
    assert columns_of_table(percent, table)["rate"].tolist()[:3] == [7.0, 7.12, 50.0]
    parts = [columns_of_table(percent, part)["rate"].tolist() for part in table.chunks(4)]
    assert parts == [[7.0, 7.12, 50.0, 120.0], [1.741, 0.0]]


def test_missing_words_and_blanks_stand_beside_percentages(tmp_path: Path) -> None:
    cells = [(0.07, "0%"), ("n/a", "0%"), (None, "0%"), (0.5, "0%"), (0.1, "0%")]
    table = workbook(tmp_path / "in.xlsx", cells)
    values = columns_of_table(learned(table), table)["rate"]
    np.testing.assert_array_equal(values, [7.0, np.nan, np.nan, 50.0, 10.0])


def test_percentages_beside_texts_are_read_as_they_are_seen(tmp_path: Path) -> None:
    cells = [(0.07, "0%"), (0, "General"), ("9 %", "General"), (0.01741, "0.0%"), (0.5, "0%")]
    table = workbook(tmp_path / "in.xlsx", [cells[0], *cells[2:]])
    assert columns_of_table(learned(table), table)["rate"].tolist() == [7.0, 9.0, 1.741, 50.0]
    table = workbook(tmp_path / "in.xlsx", [*cells[:2], *cells[3:]])
    assert columns_of_table(learned(table), table)["rate"].tolist() == [7.0, 0.0, 1.741, 50.0]


def test_percentages_beside_other_numbers_are_asked_about(tmp_path: Path) -> None:
    table = workbook(tmp_path / "in.xlsx", [(0.07, "0%"), (8, "General"), (0.5, "0%"), (0.12, "0%")])
    assert learned(table).dropped["rate"].startswith("numbers in '%', but '8' has no unit")


def test_files_of_which_some_show_percent_are_read_as_stored(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", [(rate, "0%") for rate in RATES])
    workbook(tmp_path / "b.xlsx", [(rate, "General") for rate in RATES])
    table = read_table([tmp_path / "a.xlsx", tmp_path / "b.xlsx"])
    assert table.percent == frozenset()
    assert table.data["rate"].to_pylist() == [*RATES, *RATES]


def test_arrow_takes_them_as_numbers() -> None:
    assert pa.array([Percent(0.07), 1, None]).to_pylist() == [0.07, 1.0, None]
