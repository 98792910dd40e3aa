"""Which rows a batch writes, in which order, with which columns of the input: for people and for programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Trained
from samples import arrow_table, machine_records, write_csv

from models.tables.files import read_table
from models.tables.formats import OUTPUT_FORMATS
from models.tables.workbook import workbook_writer
from models.tables.writers import PlainRows, new_file
from service.batch import main
from service.files import score_files

ROWS = 300


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = machine_records(ROWS, seed=8)
    for row, record in enumerate(records):
        record["note"] = f"=HYPERLINK({row})" if row % 2 else "é, <b> & \x0b_x0041_"
    return write_csv(tmp_path_factory.mktemp("chosen") / "in.csv", records)


@pytest.fixture(scope="module")
def scored(trained: Trained, source: Path) -> list[dict[str, Any]]:
    """All rows as a batch writes them without any choice."""
    output = source.with_name("all.parquet")
    assert main([str(trained.bundle), str(source), "--output", str(output), "--write", "scores,reason", "--quiet"]) == 0
    return pq.read_table(output).to_pylist()


def batch(trained: Trained, source: Path, output: Path, *flags: str) -> list[dict[str, Any]]:
    assert main([str(trained.bundle), str(source), "--output", str(output), "--quiet", *flags]) == 0
    if output.suffix == ".jsonl":
        return [json.loads(line) for line in output.read_text().splitlines()]
    return read_table([output]).data.to_pylist() if output.suffix != ".csv" else read_csv(output)


def read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", OUTPUT_FORMATS)
@pytest.mark.parametrize("chunk_rows", [7, 64, 4096])
def test_the_top_rows_are_those_of_all_rows_the_highest_first(
    trained: Trained, source: Path, scored: Any, tmp_path: Path, *, name: str, chunk_rows: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(score_files, "_CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(score_files, "_LEAST_ROWS", 1)
    highest = sorted(scored, key=lambda row: -row["anomaly_score"])[:12]
    rows = batch(trained, source, tmp_path / f"out{OUTPUT_FORMATS[name].suffixes[0]}", "--top", "12")
    assert [row["serial"] for row in rows] == [row["serial"] for row in highest]
    assert [row["reason"] for row in rows] == [row["reason"] for row in highest]
    assert [float(row["anomaly_score"]) for row in rows] == pytest.approx(
        [row["anomaly_score"] for row in highest], rel=1e-5
    )


def test_flagged_rows_keep_their_order_and_may_be_sorted(
    trained: Trained, source: Path, scored: Any, tmp_path: Path
) -> None:
    flagged = [row["serial"] for row in scored if row["is_anomaly"]]
    assert 0 < len(flagged) < ROWS
    rows = batch(trained, source, tmp_path / "flagged.parquet", "--only-flagged")
    assert [row["serial"] for row in rows] == flagged
    both = batch(trained, source, tmp_path / "sorted.jsonl", "--only-flagged", "--sort", "--explain", "1")
    assert sorted(row["serial"] for row in both) == sorted(flagged)
    assert [row["anomaly_score"] for row in both] == sorted((row["anomaly_score"] for row in both), reverse=True)
    assert len(both[0]["contributions"]) == 1
    few = batch(trained, source, tmp_path / "few.parquet", "--only-flagged", "--top", str(ROWS))
    assert [row["serial"] for row in few] == [row["serial"] for row in both]


def test_all_rows_can_be_sorted(trained: Trained, source: Path, scored: Any, tmp_path: Path) -> None:
    rows = batch(trained, source, tmp_path / "out.parquet", "--sort")
    assert list(rows[0]) == ["serial", "anomaly_score", "p_value", "is_anomaly"]
    ranked = sorted(scored, key=lambda row: -row["anomaly_score"])
    assert [row["serial"] for row in rows] == [row["serial"] for row in ranked]


def test_columns_of_the_input_are_kept_behind_the_others(trained: Trained, source: Path, tmp_path: Path) -> None:
    rows = batch(trained, source, tmp_path / "some.csv", "--keep", "flow,note", "--keep", "at")
    assert list(rows[0]) == ["serial", "anomaly_score", "p_value", "is_anomaly", "flow", "note", "at"]
    before = read_csv(source)
    assert [row["note"] for row in rows] == [row["note"] for row in before]
    assert [float(row["flow"] or 0) for row in rows] == [float(row["flow"] or 0) for row in before]
    every = batch(trained, source, tmp_path / "all.parquet", "--keep", "all", "--top", "3")
    assert list(every[0])[5:] == [name for name in before[0] if name != "serial"]
    by_serial = {row["serial"]: row for row in before}
    assert [row["note"] for row in every] == [by_serial[row["serial"]]["note"] for row in every]
    assert [row["pressure"] for row in every] == [float(by_serial[row["serial"]]["pressure"]) for row in every]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--keep", "flwo"), "did you mean 'flow'?"),
        (("--top", "0"), "must be a whole number of at least 1, got '0'"),
        (("--write", "embedding", "--only-flagged"), "--only-flagged is about a score: add scores to --write"),
        (("--write", "reason"), "--write reason is about a score: add scores to --write"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(
    trained: Trained, source: Path, tmp_path: Path, capsys: Any, *, flags: tuple[str, ...], complaint: str
) -> None:
    try:
        code = main([str(trained.bundle), str(source), "--output", str(tmp_path / "out.csv"), *flags])
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1)
    assert complaint.lower() in said.lower()
    assert list(tmp_path.iterdir()) == []


def test_a_kept_column_that_is_called_like_one_of_the_output_is_refused(
    trained: Trained, tmp_path: Path, capsys: Any
) -> None:
    records = [record | {"reason": "late"} for record in machine_records(9, seed=3)]
    path = write_csv(tmp_path / "in.csv", records)
    command = [str(trained.bundle), str(path), "--output", str(tmp_path / "o.csv"), "--keep", "all", "--top", "2"]
    assert main(command) == 2
    assert "'reason' has the name of a column of the output" in capsys.readouterr().err


def test_how_many_rows_were_written_is_said_and_reported(
    trained: Trained, source: Path, tmp_path: Path, capsys: Any
) -> None:
    assert main([str(trained.bundle), str(source), "--output", str(tmp_path / "o.csv"), "--top", "4", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["rows"], report["rows_written"]) == (ROWS, 4)
    assert report["written"] == ["serial", "anomaly_score", "p_value", "is_anomaly", "reason"]
    assert f"{ROWS} rows scored, {report['flagged']} flagged" in err
    assert ", 4 written, " in err


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_people_get_four_digits_and_no_formula_and_their_own_numbers_as_they_are(
    trained: Trained, source: Path, scored: Any, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    rows = batch(trained, source, output, "--spreadsheet", "--keep", "note,pressure", "--explain", "1")
    for row, exact in zip(rows, scored, strict=True):
        assert float(row["anomaly_score"]) == float(f"{exact['anomaly_score']:.4g}")
        assert float(row["p_value"]) == float(f"{exact['p_value']:.4g}")
        assert row["reason"] == exact["reason"]
    assert [float(row["pressure"]) for row in rows] == [float(row["pressure"]) for row in read_csv(source)]
    if suffix == ".csv":
        assert rows[1]["note"] == "'=HYPERLINK(1)"
    else:
        cells = openpyxl.load_workbook(output).active
        [column] = [cell.column for cell in cells[1] if cell.value == "note"]
        assert cells.cell(3, column).value == "=HYPERLINK(1)"
        assert cells.cell(3, column).data_type in ("s", "inlineStr")
        assert cells.freeze_panes == "A2"


def test_a_sheet_without_the_flag_is_exact(trained: Trained, source: Path, scored: Any, tmp_path: Path) -> None:
    rows = batch(trained, source, tmp_path / "out.xlsx")
    assert [row["anomaly_score"] for row in rows] == [row["anomaly_score"] for row in scored]


VALUES = {
    "text": ["a<b>&\"'", "  two\nlines\t ", "_x000D_", "\x00\r\ufffe", "", None],
    "number": [0.1 + 0.2, float("nan"), float("inf"), -1e300, None, 5.0],
    "whole": [1, 999_999_999_999_999, 12345678901234567, -3, None, 0],
    "flag": [True, False, None, True, False, True],
    "at": pa.array([0, 1, None, 3, 4, 5], pa.timestamp("ns")),
    "=name": ["=1+1", "+1", "-1", "@x", "-5", "5"],
}


def test_a_sheet_holds_any_value_for_both_readers(tmp_path: Path) -> None:
    path, table = tmp_path / "values.xlsx", pa.table(VALUES)
    with new_file(path, table.schema, format_name="excel") as writer:
        writer.ready(PlainRows(table.slice(0, 2)), PlainRows(table.slice(2, 1)))()
        writer.ready(PlainRows(table.slice(3)))()
    names, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    assert names == tuple(VALUES)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    assert columns["text"][0] == VALUES["text"][0]
    assert columns["text"][1] == VALUES["text"][1]
    assert columns["number"] == (0.1 + 0.2, "nan", "inf", -1e300, None, 5)
    assert columns["whole"] == (1, 999_999_999_999_999, "12345678901234567", -3, None, 0)
    assert columns["flag"] == (True, False, None, True, False, True)
    assert columns["=name"] == tuple(VALUES["=name"])
    again = read_table([path]).data
    assert again.column("text").to_pylist()[0] == VALUES["text"][0]
    assert again.column("at").to_pylist()[0] == "1970-01-01 00:00:00.000000000"


def test_a_sheet_that_would_be_too_large_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: Any) -> None:
    from models.errors import TableError
    from models.tables import workbook

    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    table = arrow_table(machine_records(5, seed=1)).select(["serial"])
    with (
        pytest.raises(TableError, match=r"holds at most 3 rows.*--top N or --only-flagged"),
        new_file(tmp_path / "o.xlsx", table.schema, format_name="excel") as writer,
    ):
        writer.ready(PlainRows(table))()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TableError, match="at most 16,384 columns"):
        workbook_writer(None, pa.schema([(f"c{i}", pa.int8()) for i in range(16_385)]))
