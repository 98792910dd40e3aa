"""Texts that a spreadsheet would run get an apostrophe where that is asked for, and read back as they are else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from conftest import Trained
from samples import machine_records, write_csv

from service.batch import main

IDS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", "-5", "+49", "a-b", "=1"]


@pytest.mark.parametrize("flags", [(), ("--spreadsheet",)])
def test_ids_are_written_as_they_came_unless_the_file_is_for_a_spreadsheet(
    trained: Trained, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    records = [record | {"serial": name} for record, name in zip(machine_records(9, seed=3), IDS, strict=True)]
    source = write_csv(tmp_path / "in.csv", records)
    output = tmp_path / "out.csv"
    assert main([str(trained.bundle), str(source), "--output", str(output), "--quiet", *flags]) == 0
    with output.open(newline="", encoding="utf-8") as file:
        written = [row["serial"] for row in csv.DictReader(file)]
    plain = ("-5", "+49", "a-b")
    assert written == ([name if name in plain else f"'{name}" for name in IDS] if flags else IDS)


def test_formats_for_programs_alone_refuse_the_flag(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_csv(tmp_path / "in.csv", machine_records(9, seed=3))
    command = [str(trained.bundle), str(source), "--output", str(tmp_path / "out.parquet"), "--spreadsheet"]
    assert main(command) == 2
    assert "--spreadsheet is for CSV" in capsys.readouterr().err
