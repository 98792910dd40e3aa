from __future__ import annotations

import csv
import gzip
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import active_count
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from models.bundle import load_detector
from models.detector import Detector, Verdicts
from models.errors import ConfigError, TableError
from models.tables.formats import OUTPUT_FORMATS, format_of
from models.tables.read_options import ReadOptions
from models.tables.table import Table
from models.tables.writers import new_file
from service.batch import main
from service.files.rows_bar import RowsBar, estimated_rows
from service.files.score_files import prepare, score_files
from service.files.scored_rows import ScoredRows

NAMES = ("machine", "temperature", "load", "mode", "running", "at")


def generated(rows: int, seed: int = 0) -> pa.Table:
    """Mixed rows with an id that must stay text, and text that must be quoted."""
    rng = np.random.default_rng(seed)
    load = rng.normal(50, 10, rows)
    temperature = 20 + 0.5 * load + rng.normal(0, 1, rows)
    return pa.table(
        {
            "machine": [f"{number:05d}" for number in range(rows)],
            "temperature": pa.array([None if rng.random() < 0.1 else float(t) for t in temperature]),
            "load": load,
            "mode": rng.choice(["idle", 'say "go"', "fast, hot"], rows).tolist(),
            "running": [bool(value) for value in load > 50],
            "at": [datetime(2024, 1, 1) + timedelta(minutes=7 * number) for number in range(rows)],
        }
    )


def cells(table: pa.Table) -> list[list[Any]]:
    def text(value: Any) -> Any:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "" if value is None else value.isoformat() if isinstance(value, datetime) else value

    return [[text(value) for value in row.values()] for row in table.to_pylist()]


def write_csv(table: pa.Table, path: Path, *, header: bool = True) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(([table.column_names] if header else []) + cells(table))
    return path


def write_jsonl(table: pa.Table, path: Path) -> Path:
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist()))
    return path


def write_parquet(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path, row_group_size=23)
    return path


def write_arrow(table: pa.Table, path: Path) -> Path:
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table, max_chunksize=19)
    return path


def write_gzip(table: pa.Table, path: Path) -> Path:
    plain = write_csv(table, path.with_suffix(".plain"))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


INPUTS: dict[str, Callable[[pa.Table, Path], Path]] = {
    "in.csv": write_csv,
    "in.csv.gz": write_gzip,
    "in.jsonl": write_jsonl,
    "in.parquet": write_parquet,
    "in.arrow": write_arrow,
}


READ_TYPED: dict[str, Callable[[Path], pa.Table]] = {
    "parquet": pq.read_table,
    "arrow": lambda path: pa.ipc.open_file(path.read_bytes()).read_all(),
}


def read_output(path: Path) -> list[dict[str, Any]]:
    """Rows of an output of any format, contributions flat or nested."""
    if format_of(path) in READ_TYPED:
        rows: list[dict[str, Any]] = READ_TYPED[format_of(path)](path).to_pylist()
        return rows
    if format_of(path) == "excel":
        names, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    if format_of(path) == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    rows = list(csv.DictReader(text.splitlines()))
    for row in rows:
        row["is_anomaly"] = {"true": True, "false": False}[row["is_anomaly"]]
        row |= {name: float(value) for name, value in row.items() if re.search("score|p_value|contribution", name)}
    return rows


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_csv(generated(400), folder / "train.csv")
    train(folder / "train.csv", folder / "bundle")
    return folder / "bundle"


@pytest.fixture(scope="session")
def trained_headless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("headless")
    write_csv(generated(400), folder / "train.csv", header=False)
    train(folder / "train.csv", folder / "bundle", "--column-names", *NAMES)
    return folder / "bundle"


def train(data: Path, output: Path, *flags: str) -> None:
    from training.train import main

    small = ("--id", "machine", "--epochs", "3", "--hidden-units", "8", "--latent-units", "3", "--quiet")
    assert main([str(data), "--output", str(output), *flags, *small]) == 0


@pytest.fixture(scope="session")
def detector(trained: Path) -> Detector:
    return load_detector(trained)


@pytest.fixture
def verdicts(detector: Detector) -> Verdicts:
    return detector.score_table(Table(data=generated(90, seed=1)))


def score(detector: Detector, inputs: list[Path], output: Path, *, top: int = 0, chunk_rows: int = 17) -> None:
    job = prepare(detector, inputs, output, top=top)
    score_files(detector, job, output, format_name=format_of(output), chunk_rows=chunk_rows)


def figures_of(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["anomaly_score"], row["p_value"], row["is_anomaly"]) for row in rows]


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    "output_name", ["out.csv", "out.xlsx", "out.csv.gz", "out.parquet", "out.feather", "out.jsonl", "out.ndjson.gz"]
)
def test_scores_are_those_of_the_detector_whatever_the_formats(
    detector: Detector, verdicts: Verdicts, tmp_path: Path, name: str, output_name: str
) -> None:
    data = generated(90, seed=1)
    output = tmp_path / output_name
    score(detector, [INPUTS[name](data, tmp_path / name)], output)
    rows = read_output(output)
    assert [row["machine"] for row in rows] == data["machine"].to_pylist()
    np.testing.assert_allclose([row["anomaly_score"] for row in rows], verdicts.anomaly_score, rtol=1e-5)
    assert [row["is_anomaly"] for row in rows] == verdicts.is_anomaly.tolist()
    assert list(rows[0]) == ["machine", "anomaly_score", "p_value", "is_anomaly"]


def test_all_output_formats_hold_the_same_numbers_to_the_last_bit(detector: Detector, tmp_path: Path) -> None:
    data = write_csv(generated(90, seed=1), tmp_path / "in.csv")
    answers = []
    for output_name in ("out.csv", "out.parquet", "out.arrow", "out.jsonl", "out.xlsx"):
        score(detector, [data], tmp_path / output_name)
        answers.append(figures_of(read_output(tmp_path / output_name)))
    assert all(answer == answers[0] for answer in answers)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=4), chunk_rows=st.integers(1, 50))
def test_each_row_is_scored_once_and_in_order_over_files_and_chunks(
    detector: Detector, tmp_path: Path, sizes: list[int], chunk_rows: int
) -> None:
    data = generated(sum(sizes), seed=2)
    starts = np.cumsum([0, *sizes])
    writers = [write_csv, write_parquet, write_csv, write_arrow]
    paths = [
        writers[number](data.slice(int(start), size), tmp_path / f"{number}.data")
        for number, (start, size) in enumerate(zip(starts, sizes, strict=False))
    ]
    score(detector, paths, tmp_path / "out.csv", chunk_rows=chunk_rows)
    rows = read_output(tmp_path / "out.csv")
    assert [row["machine"] for row in rows] == data["machine"].to_pylist()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n\r,"')), min_size=1),
    number=st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_csv_reads_back_as_it_was_written(detector: Detector, tmp_path: Path, ids: list[str], number: float) -> None:
    verdicts = detector.score_table(Table(data=generated(len(ids))))
    verdicts.p_value[:] = number
    rows = ScoredRows(ids=pa.table({"id": ids}), verdicts=verdicts)
    with new_file(tmp_path / "out.csv", rows.table().schema, format_name="csv") as writer:
        writer.ready(rows)()
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ids
    assert [float(row["anomaly_score"]) for row in rows] == verdicts.anomaly_score.tolist()
    assert {float(row["p_value"]) for row in rows} == {number}


def test_json_lines_explain_as_the_service_does(detector: Detector, verdicts: Verdicts, tmp_path: Path) -> None:
    score(detector, [write_parquet(generated(90, seed=1), tmp_path / "in.parquet")], tmp_path / "out.jsonl", top=99)
    for number, row in enumerate(read_output(tmp_path / "out.jsonl")):
        contributions = row["contributions"]
        always = {"feature", "contribution", "actual", "expected"}
        assert [set(c) - {"probability"} for c in contributions] == [always] * 5
        for c in contributions:
            alike = c["actual"] == c["expected"] and not isinstance(c["actual"], float)
            assert ("probability" in c) == (alike and c["feature"] != "at")
            assert 0 <= c.get("probability", 0) <= 1
        assert sum(c["contribution"] for c in contributions) == pytest.approx(row["anomaly_score"])
        assert contributions[0]["feature"] == verdicts.contributions(number, top=1)[0].feature


def test_flat_columns_explain_the_same_as_json_lines(detector: Detector, tmp_path: Path) -> None:
    data = write_csv(generated(90, seed=1), tmp_path / "in.csv")
    for output_name in ("out.csv", "out.parquet", "out.jsonl"):
        score(detector, [data], tmp_path / output_name, top=2)
    nested = read_output(tmp_path / "out.jsonl")
    flat_texts = read_output(tmp_path / "out.csv")
    flat = read_output(tmp_path / "out.parquet")
    assert any(row["top_1_actual"] is None for row in flat), "a missing value is null"
    for rows in zip(nested, flat_texts, flat, strict=True):
        for rank in (1, 2):
            wanted = rows[0]["contributions"][rank - 1]
            for row in rows[1:]:
                assert row[f"top_{rank}_feature"] == wanted["feature"]
                assert row[f"top_{rank}_contribution"] == wanted["contribution"]
                assert as_value(row[f"top_{rank}_actual"], wanted["actual"]) == wanted["actual"]
                expected, _, probability = (row[f"top_{rank}_expected"] or "").partition(" at ")
                assert probability == (f"{100 * wanted['probability']:.0f} %" if "probability" in wanted else "")
                if probability and wanted["expected"] is None:
                    assert expected == "missing"
                else:
                    assert as_value(expected or None, wanted["expected"]) == wanted["expected"]


def as_value(text: str | None, like: object) -> object:
    if isinstance(like, bool):
        return {"true": True, "false": False}[str(text)]
    return float(str(text)) if isinstance(like, float) else text or None


@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_an_input_without_rows_gives_an_output_without_rows(detector: Detector, tmp_path: Path, name: str) -> None:
    output = tmp_path / f"out{OUTPUT_FORMATS[name].suffixes[0]}"
    score(detector, [write_csv(generated(0), tmp_path / "in.csv")], output, top=1)
    assert read_output(output) == []


def broken(path: Path) -> Path:
    """Row 60 is wrong: in the fourth chunk of 17 rows."""
    rows = cells(generated(90))
    rows[59][1] = "hot"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([list(NAMES), *rows])
    return path


@pytest.mark.parametrize("output_name", ["out.csv", "out.csv.gz", "out.parquet", "out.arrow", "out.jsonl"])
def test_a_failure_in_a_later_chunk_leaves_the_old_output_and_nothing_else(
    detector: Detector, tmp_path: Path, output_name: str
) -> None:
    source = broken(tmp_path / "in.csv")
    output = tmp_path / output_name
    output.write_text("old")
    with pytest.raises(TableError, match=r"in\.csv: Column 'temperature', row 60: .*the text 'hot'.*Fix"):
        score(detector, [source], output)
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source, output])


@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunk_rows=st.integers(1, 3_000), threads=st.integers(1, 3), name=st.sampled_from(["in.csv", "in.parquet"]))
def test_the_output_is_the_same_for_any_chunks_and_threads(
    detector: Detector, tmp_path: Path, chunk_rows: int, threads: int, name: str
) -> None:
    data = generated(2_500, seed=4)
    whole = detector.score_table(Table(data=data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.files.score_files.allowed_threads", lambda: threads)
        score(detector, [INPUTS[name](data, tmp_path / name)], tmp_path / "out.parquet", chunk_rows=chunk_rows)
    rows = pq.read_table(tmp_path / "out.parquet")
    assert rows["machine"].equals(data["machine"])
    np.testing.assert_allclose(rows["anomaly_score"].to_numpy(), whole.anomaly_score, rtol=1e-5)
    # A score a rounding away from one of the calibration scores may have the next p-value.
    np.testing.assert_allclose(rows["p_value"].to_numpy(), whole.p_value, atol=0.02)


@pytest.mark.parametrize("name", ["in.csv", "in.parquet", "in.jsonl"])
def test_an_interrupt_between_two_chunks_leaves_the_old_output_and_no_thread(
    detector: Detector, tmp_path: Path, name: str
) -> None:
    source, output, threads = INPUTS[name](generated(900), tmp_path / name), tmp_path / "out.csv", active_count()
    output.write_text("old")

    def interrupt(rows: int) -> None:
        raise KeyboardInterrupt

    job = prepare(detector, [source], output)
    with pytest.raises(KeyboardInterrupt):
        score_files(detector, job, output, format_name="csv", chunk_rows=17, on_rows=interrupt)
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source, output])
    assert active_count() == threads


def test_a_table_of_many_columns_is_held_in_fewer_rows(detector: Detector, tmp_path: Path) -> None:
    source = write_csv(generated(700), tmp_path / "in.csv")
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.files.score_files._CHUNK_CELLS", 5 * 300)
        job = prepare(detector, [source], tmp_path / "out.csv")
        score_files(detector, job, tmp_path / "out.csv", format_name="csv", on_rows=told.append)
    assert told == [300, 300, 100]


def test_rows_are_counted_within_their_own_file(detector: Detector, tmp_path: Path) -> None:
    first = write_csv(generated(40), tmp_path / "a.csv")
    with pytest.raises(TableError, match=r"in\.csv: .*row 60"):
        score(detector, [first, broken(tmp_path / "in.csv")], tmp_path / "out.csv")


def test_an_output_is_replaced_when_the_new_one_is_complete(detector: Detector, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    (tmp_path / "link.csv").symlink_to(output)
    score(detector, [write_csv(generated(3), tmp_path / "in.csv")], tmp_path / "link.csv")
    assert len(read_output(output)) == 3
    assert (tmp_path / "link.csv").is_symlink()


def test_an_interrupted_job_leaves_nothing(trained: Path, tmp_path: Path) -> None:
    source = write_csv(generated(2_000), tmp_path / "in.csv")
    header, _, rows = source.read_text().partition("\n")
    source.write_text(f"{header}\n{rows * 400}")
    (tmp_path / "in").mkdir()
    for number in range(20):  # so that the job cannot end before it is interrupted, however busy the machine is
        (tmp_path / "in" / f"{number}.csv").symlink_to(source)
    inputs = [str(path) for path in (tmp_path / "in").iterdir()]
    command = [sys.executable, "-m", "service.batch", str(trained), *inputs, "--output", str(tmp_path / "out.csv")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as job:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) == 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        said = job.communicate(timeout=60)[1]
    assert job.returncode == 130, said
    assert said == "error: interrupted, nothing was written\n"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "in", source]


def test_a_file_of_another_shape_is_refused_before_anything_is_scored(detector: Detector, tmp_path: Path) -> None:
    good = write_csv(generated(3), tmp_path / "a.csv")
    other = write_csv(generated(3).rename_columns([*NAMES[:2], "weight", *NAMES[3:]]), tmp_path / "b.csv")
    with pytest.raises(TableError, match=r"b\.csv: .*Missing: 'load'; not known to the detector: 'weight'"):
        prepare(detector, [good, other], tmp_path / "out.csv")


def test_columns_are_taken_by_name(detector: Detector, verdicts: Verdicts, tmp_path: Path) -> None:
    data = generated(90, seed=1).select(NAMES[::-1])
    score(detector, [write_csv(data, tmp_path / "in.csv")], tmp_path / "out.csv")
    scores = [row["anomaly_score"] for row in read_output(tmp_path / "out.csv")]
    np.testing.assert_allclose(scores, verdicts.anomaly_score, rtol=1e-5)


def test_an_absent_id_is_named(detector: Detector, tmp_path: Path) -> None:
    source = write_csv(generated(3).drop_columns(["machine"]), tmp_path / "in.csv")
    with pytest.raises(TableError, match=r"in\.csv: lacks the id column 'machine'"):
        prepare(detector, [source], tmp_path / "out.csv")


def test_ids_of_two_types_become_text_in_a_typed_file(detector: Detector, tmp_path: Path) -> None:
    numbers = generated(3).set_column(0, "machine", pa.array([7, 8, None]))
    paths = [write_csv(generated(2), tmp_path / "a.csv"), write_parquet(numbers, tmp_path / "b.parquet")]
    score(detector, paths, tmp_path / "out.parquet")
    ids = [row["machine"] for row in read_output(tmp_path / "out.parquet")]
    assert ids == ["00000", "00001", "7", "8", None]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pa.array([1, None], pa.int64()), [1, None]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["a", "a"]).dictionary_encode(), ["a", "a"]),
        (pa.array([b"a", b"b"]), ["a", "b"]),
        (pa.array([None, None]), [None, None]),
        (pa.array([1, 2], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001", "1970-01-01 00:00:00.000000002"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_ids_of_any_plain_type_are_kept(detector: Detector, tmp_path: Path, values: Any, wanted: list[Any]) -> None:
    data = generated(2).set_column(0, "machine", values)
    for output_name in ("out.jsonl", "out.csv", "out.parquet"):
        score(detector, [write_parquet(data, tmp_path / "in.parquet")], tmp_path / output_name)
    assert [row["machine"] for row in read_output(tmp_path / "out.jsonl")] == wanted
    texts = ["" if value is None else str(value) for value in wanted]
    assert [row["machine"] for row in read_output(tmp_path / "out.csv")] == texts
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2


def test_an_id_that_is_a_list_is_refused(detector: Detector, tmp_path: Path) -> None:
    data = generated(2).set_column(0, "machine", pa.array([[{"a": 1}], []]))
    with pytest.raises(TableError, match=r"id column 'machine' is of type list"):
        prepare(detector, [write_parquet(data, tmp_path / "in.parquet")], tmp_path / "out.csv")


def test_an_id_that_changes_its_type_does_not_fit_a_typed_file(detector: Detector, tmp_path: Path) -> None:
    data = write_jsonl(generated(40), tmp_path / "in.jsonl")
    lines = data.read_text().splitlines()
    data.write_text("\n".join(line.replace('"000', "1").replace('",', ",", 1) for line in lines[:20]) + "\n")
    with data.open("a") as file:
        file.write("\n".join(lines[20:]).replace('"000', '"m'))
    with pytest.raises(TableError, match=r"'machine' changes its type from int64 to string.*--format csv or jsonl"):
        score(detector, [data], tmp_path / "out.parquet")
    score(detector, [data], tmp_path / "out.csv")
    assert [row["machine"] for row in read_output(tmp_path / "out.csv")][18:22] == ["118", "119", "m20", "m21"]


def test_an_id_called_like_an_output_column_is_refused(detector: Detector, tmp_path: Path) -> None:
    renamed = replace(detector, schema=replace(detector.schema, ids=("p_value",)))
    source = write_csv(generated(2).rename_columns(["p_value", *NAMES[1:]]), tmp_path / "in.csv")
    with pytest.raises(ConfigError, match="'p_value' has the name of a column of the output"):
        prepare(renamed, [source], tmp_path / "out.csv")


def test_nanoseconds_are_no_obstacle(detector: Detector, verdicts: Verdicts, tmp_path: Path) -> None:
    path = write_parquet(exact_times(generated(90, seed=1)), tmp_path / "in.parquet")
    score(detector, [path], tmp_path / "out.parquet")
    scores = [row["anomaly_score"] for row in read_output(tmp_path / "out.parquet")]
    np.testing.assert_allclose(scores, verdicts.anomaly_score, rtol=1e-5)


def test_two_columns_of_one_name_are_refused(detector: Detector, tmp_path: Path) -> None:
    data = generated(3)
    twice = data.append_column("load", data["load"])
    with pytest.raises(TableError, match=r"in\.parquet: .*more than one column 'load'"):
        prepare(detector, [write_parquet(twice, tmp_path / "in.parquet")], tmp_path / "out.csv")


# --- headers --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def headless(trained_headless: Path) -> Detector:
    return load_detector(trained_headless)


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=["same order", "other order"])
@pytest.mark.parametrize("header", [True, False])
def test_names_given_at_training_are_used_where_there_is_no_header_line(
    headless: Detector, tmp_path: Path, order: tuple[str, ...], header: bool
) -> None:
    if not header and order != NAMES:
        pytest.skip("without a header line the order is all there is")
    data = generated(30, seed=1)
    score(headless, [write_csv(data.select(order), tmp_path / "in.csv", header=header)], tmp_path / "out.csv")
    rows = read_output(tmp_path / "out.csv")
    assert [row["machine"] for row in rows] == data["machine"].to_pylist()


def test_a_headless_file_with_other_columns_asks_for_names(headless: Detector, tmp_path: Path) -> None:
    source = write_csv(generated(30).drop_columns(["mode"]), tmp_path / "in.csv", header=False)
    with pytest.raises(TableError, match=r"has 5 columns .* 6 names were given .* --column-names"):
        prepare(headless, [source], tmp_path / "out.csv")


def test_a_headless_file_asks_for_names_where_training_had_a_header(detector: Detector, tmp_path: Path) -> None:
    source = write_csv(generated(30), tmp_path / "in.csv", header=False)
    with pytest.raises(TableError, match=r"has no header line.*--column-names"):
        prepare(detector, [source], tmp_path / "out.csv")
    options = ReadOptions(header=NAMES)
    assert prepare(detector, [source], tmp_path / "out.csv", options=options).inputs.options == options


# --- the command line -----------------------------------------------------------------------------------


@pytest.fixture
def run(trained: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str]]]:
    def call(*arguments: str | Path) -> tuple[int, str]:
        try:
            code = main([str(trained), *map(str, arguments)])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return call


def test_the_command_line_scores_and_says_so_in_one_line(run: Any, tmp_path: Path) -> None:
    source = write_csv(generated(60), tmp_path / "in.csv")
    code, said = run(source, "--output", tmp_path / "out.csv")
    assert code == 0
    assert re.fullmatch(
        r"60 rows scored, \d+ flagged \(\d+\.\d\d%\), [\d,]+ rows/s, by train version 1: .*out\.csv\n", said
    )
    assert len(read_output(tmp_path / "out.csv")) == 60


@pytest.mark.parametrize(("early", "is_noted"), [(60, True), (20, True), (3, False), (0, False)])
def test_rows_of_an_archive_are_noted_with_the_flag_for_a_backtest(
    run: Any, tmp_path: Path, early: int, is_noted: bool
) -> None:
    data = generated(60)
    at = [moment - timedelta(days=400 * (row < early)) for row, moment in enumerate(data.column("at").to_pylist())]
    source = write_csv(data.set_column(data.column_names.index("at"), "at", pa.array(at)), tmp_path / "in.csv")
    code, said = run(source, "--output", tmp_path / "out.csv")
    assert code == 0
    note = f"noted: 'at': {early} of 60 rows are older than all training rows (from 2024-01-01T"
    assert (note in said) == is_noted
    assert ("--exclude at" in said) == is_noted


def test_a_column_in_another_unit_is_named_where_it_flags_all_rows(run: Any, tmp_path: Path) -> None:
    data = generated(60)
    source = write_csv(data.set_column(2, "load", pa.array(1000 * data["load"].to_numpy())), tmp_path / "in.csv")
    code, said = run(source, "--output", tmp_path / "out.csv")
    assert code == 0
    assert said.count("noted: 60 of 60 rows are flagged, mostly for 'load': its values are from ") == 1
    assert "Is it written in another unit?" in said


def test_patterns_are_read_in_order(run: Any, tmp_path: Path) -> None:
    data = generated(60)
    for number in range(3):
        write_csv(data.slice(20 * number, 20), tmp_path / f"part-{number}.csv")
    assert run(tmp_path / "part-*.csv", "--output", tmp_path / "out.parquet", "--quiet") == (0, "")
    assert [row["machine"] for row in read_output(tmp_path / "out.parquet")] == data["machine"].to_pylist()


def test_unknown_columns_are_ignored_and_named_once(run: Any, tmp_path: Path) -> None:
    data = generated(6).append_column("note", pa.array(["x"] * 6))
    paths = [write_csv(data, tmp_path / "a.csv"), write_csv(data, tmp_path / "b.csv")]
    code, said = run(*paths, "--output", tmp_path / "out.csv")
    assert code == 0
    assert said.splitlines()[:-1] == ["ignored: 'note', which the detector does not know"]


def test_format_overrides_the_name(run: Any, tmp_path: Path) -> None:
    source = write_csv(generated(6), tmp_path / "in.csv")
    assert run(source, "--output", tmp_path / "out.txt", "--format", "jsonl", "--quiet")[0] == 0
    assert len([json.loads(line) for line in (tmp_path / "out.txt").read_text().splitlines()]) == 6


def test_reading_flags_are_those_of_training(run: Any, tmp_path: Path) -> None:
    data = generated(6)
    path = tmp_path / "in.txt"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter="|").writerows(
            [str(cell).replace(".", ",") if isinstance(cell, float) else cell for cell in row] for row in cells(data)
        )
    flags = ("--delimiter", "|", "--decimal", ",", "--encoding", "utf-8", "--column-names", *NAMES)
    assert run(path, "--output", tmp_path / "out.csv", "--quiet", *flags) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("in.csv", "--output", "out.xls"), "does not say which format is wanted. End it in .csv, "),
        (("in.csv", "--output", "out.parquet.gz"), "does not say which format is wanted"),
        (("in.csv", "--output", "none/out.csv"), "there is no folder"),
        (("in.csv", "--output", "."), "is no file"),
        (("in.csv", "--output", "in.csv"), "is an input file"),
        (("*.csv", "--output", "in.csv"), "is an input file"),
        (("gone.csv", "--output", "out.csv"), "there is no such file"),
        (("broken.csv", "--output", "out.csv"), "row 60"),
        (("in.csv",), "--output"),
        (("in.csv", "--output", "out.csv", "--format", "xml"), "xml"),
        (("in.csv", "--output", "out.csv", "--explain", "-1"), "at least 0, got '-1'"),
        (("in.csv", "--output", "out.csv", "--explain", "few"), "whole number"),
        (("in.csv", "--output", "out.csv", "--column-names", "a", "a"), "'a' is given twice"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], complaint: str
) -> None:
    write_csv(generated(6), tmp_path / "in.csv")
    broken(tmp_path / "broken.csv")
    monkeypatch.chdir(tmp_path)
    code, said = run(*arguments)
    assert code == 2
    assert said.startswith("error: ")
    assert complaint in said
    assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.csv", "in.csv"]


def test_a_missing_detector_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = write_csv(generated(6), tmp_path / "in.csv")
    assert main([str(tmp_path / "none"), str(source), "--output", str(tmp_path / "out.csv")]) == 2
    assert re.fullmatch(r"error: .*there is no such folder.*\n", capsys.readouterr().err)


def test_debug_shows_the_traceback(run: Any, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        run(tmp_path / "gone.csv", "--output", tmp_path / "out.csv", "--debug")


RUN_AND_TELL = """
import runpy, sys

class NoPandas:  # Arrow would import it where it is installed; the image of the service has none
    def find_spec(self, name, *_):
        if name == "pandas":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoPandas())
try:
    runpy.run_module("service.batch", run_name="__main__", alter_sys=True)
except SystemExit as exit:
    assert exit.code == 0, exit.code
print(*sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None}))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run_and_tell(*arguments: str | Path) -> tuple[set[str], int]:
    """Run the program in a process of its own; return the packages it has loaded and its peak memory in kB."""
    command = [sys.executable, "-c", RUN_AND_TELL, *map(str, arguments)]
    loaded, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return set(loaded.split()), int(peak)


def exact_times(data: pa.Table) -> pa.Table:
    """The same rows with instants to the nanosecond, which Python cannot hold."""
    instants = [int(at.timestamp() * 1e9) + 1 for at in data["at"].to_pylist()]
    return data.set_column(5, "at", pa.array(instants, pa.timestamp("ns")))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_batch_program_needs_no_pandas_no_training_and_no_web_framework(trained: Path, tmp_path: Path) -> None:
    source = write_parquet(exact_times(generated(6)), tmp_path / "in.parquet")
    loaded, _ = run_and_tell(trained, source, "--output", tmp_path / "out.csv", "--explain", "2")
    heavy = {"tensorflow", "keras", "onnx", "sklearn", "scipy", "fastapi", "starlette", "pydantic", "uvicorn"}
    assert loaded & (heavy | {"pandas", "training"}) == set()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("flags", "lines"), [((), 1_000_001), (("--top", "50"), 51)])
def test_memory_does_not_grow_with_the_file(trained: Path, tmp_path: Path, flags: tuple[str, ...], lines: int) -> None:
    peaks = []
    for copies in (100, 500):
        source = write_csv(pa.concat_tables([generated(2_000)] * copies), tmp_path / f"{copies}.csv")
        _, peak = run_and_tell(trained, source, "--output", tmp_path / "out.csv", *flags)
        peaks.append(peak)
    with (tmp_path / "out.csv").open() as file:
        assert sum(1 for _ in file) == lines
    assert peaks[1] < 1.4 * peaks[0]  # read as a whole it would be three times as much


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.parquet", "in.csv.gz", "in.arrow"])
def test_the_number_of_rows_is_told_or_guessed_or_left_open(tmp_path: Path, name: str) -> None:
    guess = estimated_rows(INPUTS[name](generated(500), tmp_path / name))
    assert guess is None if name in ("in.csv.gz", "in.arrow") else guess == pytest.approx(500, abs=1)


def test_the_bar_says_how_far_it_is(tmp_path: Path) -> None:
    shown = io.StringIO()
    path = write_parquet(generated(500), tmp_path / "in.parquet")
    with RowsBar(Console(file=shown, force_terminal=True, width=120), [path], doing="scoring", quiet=False) as bar:
        bar(250)
        bar(250)
    assert "100% 500 rows" in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown.getvalue())
