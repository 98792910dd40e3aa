"""Columns of the input that a batch keeps are written as the records have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Trained
from samples import machine_records

from models.programs.inputs import ALL
from models.tables.formats import OUTPUT_FORMATS
from models.tables.json_lines import read_json
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from service.batch import main
from service.files import score_files

ROWS = 24


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_files, "_CHUNK_ROWS", 5)
    monkeypatch.setattr(score_files, "_LEAST_ROWS", 1)


def records() -> list[dict[str, Any]]:
    """Records whose first rows do not show of which type a field is."""
    found = machine_records(ROWS, seed=8)
    for row, record in enumerate(found):
        late = row > 10
        record |= {"ms": row + 0.5 if late else row, "count": row if late else None, "ok": True if late else None}
        record |= {"text": "é" if late else None}
        if row > 15:
            record["late"] = row
    return found


def lines_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def batch(trained: Trained, *inputs: Path, output: Path, flags: tuple[str, ...] = ()) -> int:
    return main([str(trained.bundle), *map(str, inputs), "--output", str(output), "--quiet", "--keep", ALL, *flags])


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("flags", [(), ("--sort",)], ids=["as they come", "sorted"])
def test_values_of_json_stay_what_they_are(trained: Trained, tmp_path: Path, flags: tuple[str, ...]) -> None:
    output = tmp_path / "out.jsonl"
    assert batch(trained, lines_of(tmp_path / "in.jsonl", records()), output=output, flags=flags) == 0
    found = {row["serial"]: row for row in map(json.loads, output.read_text(encoding="utf-8").splitlines())}
    for row in records():
        for name in ("ms", "count", "ok", "text", "late"):
            value, written = row.get(name), found[row["serial"]][name]
            assert (written, isinstance(written, str)) == (value, isinstance(value, str)), name


@pytest.mark.usefixtures("small_chunks")
def test_typed_formats_have_the_type_of_all_records(trained: Trained, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    assert batch(trained, lines_of(tmp_path / "in.jsonl", records()), output=output) == 0
    schema = pq.read_schema(output)
    expected = {"ms": pa.float64(), "count": pa.int64(), "ok": pa.bool_(), "text": pa.string(), "late": pa.int64()}
    assert {name: schema.field(name).type for name in expected} == expected


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_every_format_takes_a_field_whose_type_changes_from_file_to_file(
    trained: Trained, tmp_path: Path, name: str
) -> None:
    rows = machine_records(ROWS, seed=8)
    first = lines_of(tmp_path / "1.jsonl", [row | {"code": 7, "ms": 13, "free": None} for row in rows])
    second = lines_of(tmp_path / "2.jsonl", [row | {"code": "x", "ms": 13.5, "free": 2} for row in rows])
    output = tmp_path / f"out{OUTPUT_FORMATS[name].suffixes[0]}"
    for flags in ((), ("--sort",)):
        assert batch(trained, first, second, output=output, flags=flags) == 0


def test_a_csv_holds_what_each_record_has(trained: Trained, tmp_path: Path) -> None:
    rows = machine_records(2, seed=8)
    path = lines_of(tmp_path / "in.jsonl", [rows[0] | {"ms": 13}, rows[1] | {"ms": 13.5}])
    assert batch(trained, path, output=tmp_path / "out.csv") == 0
    assert [line.rsplit(",", 1)[1] for line in (tmp_path / "out.csv").read_text().split()] == ["ms", "13", "13.5"]


def test_a_whole_number_that_no_float_is_stays_exact() -> None:
    lines = [{"a": 2**53 + 1}, {"a": 0.5}]
    source = Source(name="rows.jsonl", content="\n".join(map(json.dumps, lines)).encode())
    first, second = read_json(source, ReadOptions(), 1)
    assert [*first.data["a"].to_pylist(), *second.data["a"].to_pylist()] == [2**53 + 1, 0.5]


def test_lists_are_json_in_csv(trained: Trained, tmp_path: Path) -> None:
    rows = machine_records(2, seed=8)
    path = lines_of(tmp_path / "in.jsonl", [rows[0] | {"tags": [1, 2]}, rows[1] | {"tags": None}])
    assert batch(trained, path, output=tmp_path / "out.csv") == 0
    first, second = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert (first[-8:], second[-1]) == (',"[1,2]"', ",")
