"""Lines of a file that are no records: blank ones, the header again, units, totals. No row may be lost in silence."""

from __future__ import annotations

import io

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from in_process import in_process
from samples import WRITERS, FakeEngine, numbers_preprocessor

from models.calibration import Calibration
from models.detector import Detector
from models.errors import TableError
from models.programs.inputs import check_inputs
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import parse_number
from models.scoring import Scorer
from models.tables.files import iter_table, read_table
from models.tables.read_options import ReadOptions, rows_to_skip
from models.tables.source import Source
from models.tables.table import Table
from training.data.prepare import prepare
from training.settings.config import TrainConfig

ONE_COLUMN = "a\n1.5\n\n2.5\n\n3.5\n"
VALUES = [1.5, None, 2.5, None, 3.5]


def source(content):
    return Source(name="rows.csv", content=content.encode())


def numbers_detector(*names):
    """A detector of columns of numbers, whose network answers half of what it is given."""
    preprocessor = numbers_preprocessor(*[1.0] * len(names))
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in names))
    return Detector(
        name="numbers",
        version="1",
        schema=schema,
        scorer=Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


# --- blank lines of a file of one column (cases/second, 10) ------------------------------------------------


@pytest.mark.parametrize("said", [{}, {"numbers": frozenset("a")}, {"comment": "#"}], ids=["fast", "numbers", "exact"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_blank_line_of_one_column_is_a_missing_value(said, end):
    [table] = iter_table(source(ONE_COLUMN.replace("\n", end)), ReadOptions(**said), format="csv")
    assert [float(cell) if cell else None for cell in table.data["a"].to_pylist()] == VALUES
    assert table.repairs == ("blank lines are missing values, as there is one column",)


def test_blank_lines_far_below_the_first_are_counted_too():
    table = read_table([source("a\n" + "1.5\n" * 1000 + "\n\n" + "2.5\n")], format="csv")
    assert len(table) == 1003
    assert table.repairs == ("2 rows hold no value at all",)


def test_blank_lines_above_the_header_and_between_several_columns_are_no_rows():
    assert read_table([source("\n\na\n1.5\n")], format="csv").data.to_pydict() == {"a": ["1.5"]}
    several = read_table([source("a,b\n1,2\n\n3,4\n")], format="csv")
    assert several.data.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blank_lines_of_one_column_are_scored_in_a_request():
    with in_process(numbers_detector("a")) as client:
        found = client.post(ONE_COLUMN, content_type="text/csv").json()["results"]
        expected = client.post("[" + ",".join(f'{{"a": {"null" if v is None else v}}}' for v in VALUES) + "]").json()
    assert [item["anomaly_score"] for item in found] == [item["anomaly_score"] for item in expected["results"]]


# --- the header again, units, totals (cases/second, 25 and 27) ----------------------------------------------

HEADER = "temp,load,mode"


def sensor_lines(rows, seed=1):
    rng = np.random.default_rng(seed)
    temp = rng.normal(50, 5, rows)
    return [f"{t:.2f},{2 * t + rng.normal():.2f},{rng.choice(['idle', 'run'])}" for t in temp]


def prepared(*lines, **said):
    table = read_table([source("\n".join([HEADER, *lines, ""]))], ReadOptions(**said), format="csv")
    return prepare(table, TrainConfig())


def with_header_again():
    lines = sensor_lines(120)
    return [*lines[:60], HEADER, *lines[60:], HEADER]


def test_a_header_line_that_comes_again_is_named_with_the_flag_that_leaves_it_out():
    with pytest.raises(TableError, match=r"Rows 61 and 122 repeat the header line\. .* say --skip-rows header\."):
        prepared(*with_header_again())


def test_without_the_header_lines_the_columns_are_what_they_are():
    found = prepared(*with_header_again(), **rows_to_skip(["header"]))
    assert len(found.table) == 120
    assert {column.name: str(column.kind) for column in found.schema.columns} == {
        "temp": "numeric",
        "load": "numeric",
        "mode": "categorical",
    }
    assert "rows that repeat the header line left out" in "; ".join(found.table.repairs)


def test_a_line_of_units_stops_training_in_one_line_and_is_left_out_by_its_number():
    lines = ["Deg C,%,", *sensor_lines(120)]
    with pytest.raises(TableError) as caught:
        prepared(*lines)
    assert str(caught.value) == (
        "Row 1 holds words where all others hold numbers: 'Deg C' in 'temp', '%' in 'load'; if it is no record (units, "
        "totals), say --skip-rows 1; if the words stand for missing values, say --missing-values 'Deg C' %."
    )
    found = prepared(*lines, **rows_to_skip(["1"]))
    assert len(found.table) == 120
    assert found.schema.names == ("temp", "load", "mode")


def test_one_sensor_that_fails_with_a_word_stops_nothing():
    temp, load, mode = sensor_lines(1)[0].split(",")
    found = prepared(*sensor_lines(120), f"err,{load},{mode}", f"{temp},{load},{mode}")
    assert found.schema.names == ("load", "mode")
    assert "'err' (row 121)" in found.schema.dropped["temp"]


def test_totals_are_noted_with_the_flag_that_leaves_them_out():
    found = prepared(*sensor_lines(120), "6000,12000,Total")
    [noted] = [str(finding) for finding in found.findings if "totals" in str(finding)]
    assert noted == "'mode': 'Total': row 121 may hold totals, and no record; if so: --skip-rows 121"


def with_ids(ids, last, **said):
    lines = [f"{key},{line}" for key, line in zip(ids, sensor_lines(120), strict=True)]
    table = read_table([source("\n".join([f"no,{HEADER}", *lines, last, ""]))], format="csv")
    return prepare(table, TrainConfig(**said))


@pytest.mark.parametrize("word", ["Total", "Summe", "TOTAL", "Grand total"])
def test_a_word_for_a_total_among_ids_that_are_numbers_stops_training(word):
    with pytest.raises(TableError) as caught:
        with_ids(range(120), f"{word},6000,12000,", id=("no",))
    assert str(caught.value) == (
        f"Row 121 holds {word!r} where all other ids in 'no' are numbers; if it is a total, and no record, say "
        "--skip-rows 121; if it is an id, take the column out of --id."
    )


@pytest.mark.parametrize("said", [{"id": ("no",)}, {"exclude": ("no",)}, {"include": ("temp", "load", "mode")}])
def test_totals_are_noted_wherever_the_word_stands(said):
    found = with_ids([f"A-{row}" for row in range(120)], "Total,6000,12000,", **said)
    [noted] = [str(finding) for finding in found.findings if "totals" in str(finding)]
    assert noted == "'no': 'Total': row 121 may hold totals, and no record; if so: --skip-rows 121"


def test_other_words_among_ids_are_ids():
    assert len(with_ids(range(120), "B7,51,102,run", id=("no",)).table) == 121


def test_rows_of_several_files_are_named_with_their_files():
    files = [
        Source(name=f"day{day}.csv", content="\n".join([HEADER, "Deg C,%,", *sensor_lines(60, seed=day)]).encode())
        for day in (1, 2)
    ]
    with pytest.raises(TableError, match=r"^Row 1 of day1.csv and row 1 of day2.csv hold words .* --skip-rows 1;"):
        prepare(read_table(files, format="csv"), TrainConfig())
    assert len(prepare(read_table(files, ReadOptions(**rows_to_skip(["1"]))), TrainConfig()).table) == 120


def test_rows_are_left_out_of_files_of_every_format(tmp_path):
    records = [{"a": row, "b": 2.5 * row} for row in range(1, 41)]
    for name, (file, write) in WRITERS.items():
        [table] = iter_table(write(tmp_path / file, records), ReadOptions(**rows_to_skip(["1", "3-38"])), chunk_rows=99)
        assert [float(value) for value in table.data["a"].to_pylist()] == [2, 39, 40], name


def test_rows_are_left_out_over_http_and_a_header_line_among_them_is_explained():
    body = "a,b\n1.5,2\na,b\n2.5,3\n"
    with in_process(numbers_detector("a", "b")) as client:
        refused = client.post(body, content_type="text/csv")
        kept = client.post(body, "/score?skip-rows=header", content_type="text/csv")
        same = client.post(body, "/score?skip-rows=2", content_type="text/csv")
        wrong = client.post(body, "/score?skip-rows=x", content_type="text/csv")
    assert refused.status_code == wrong.status_code == 422
    assert "rows such as 1 or 200-205" in wrong.text
    assert len(kept.json()["results"]) == 2
    assert kept.json()["results"] == same.json()["results"]


def test_a_file_for_scoring_names_the_header_line_and_the_flag():
    table = read_table([source("a,b\n1.5,2\na,b\n2.5,3\n")], format="csv")
    with pytest.raises(TableError, match=r"Column 'a', row 2: .* say --skip-rows header\."):
        numbers_detector("a", "b").score_table(table)


def test_a_longer_first_line_is_answered_with_the_lines_to_skip():
    station = "TOA5,Site,CR1000,1,Std,CPU"
    with pytest.raises(TableError, match="If the table begins in line 2, say --skip-lines 1"):
        read_table([source("\n".join([station, HEADER, *sensor_lines(20)]))], format="csv")


def test_missing_words_are_read_in_any_case():
    assert {parse_number(text) for text in ("NAN", "nan", "NaN", "Na", "n/A", "NULL", "Null", "NONE", "#n/a")} == {None}
    [table] = iter_table(source("a,b\n1,x\nNAN,y\n"), ReadOptions(numbers=frozenset("a")), format="csv")
    assert table.data["a"].to_pylist() == [1.0, None]


# --- numbers of rows where some are left out already --------------------------------------------------------

FIX = "Fix the cell, or leave it empty for a missing value."
UNITS_AND_TOTAL = ["Deg C,%,", *sensor_lines(120), "Total,Total,"]


def test_rows_keep_their_numbers_when_others_are_left_out_and_the_flag_names_them_all():
    with pytest.raises(TableError, match=r"^Row 122 holds words .* say --skip-rows 1 122; "):
        prepared(*UNITS_AND_TOTAL, **rows_to_skip(["1"]))
    assert len(prepared(*UNITS_AND_TOTAL, **rows_to_skip(["1", "122"])).table) == 120


def test_the_flag_for_header_lines_names_the_rows_that_are_left_out_already():
    with pytest.raises(TableError, match=r"^Rows 61 and 122 repeat .* say --skip-rows 1 header\."):
        prepared(*with_header_again(), **rows_to_skip(["1"]))


def test_rows_of_several_files_keep_their_numbers_in_their_files():
    lines = ["Deg C,%,", *sensor_lines(60), "Total,Total,"]
    files = [Source(name=f"day{day}.csv", content="\n".join([HEADER, *lines]).encode()) for day in (1, 2)]
    table = read_table(files, ReadOptions(**rows_to_skip(["1"])), format="csv")
    with pytest.raises(TableError, match=r"^Row 62 of day1.csv and row 62 of day2.csv hold .* --skip-rows 1 62;"):
        prepare(table, TrainConfig())
    with pytest.raises(
        TableError, match=r"Column 'temp', row 62 of day1\.csv: expected a number, got the text 'Total'"
    ):
        numbers_detector("temp").score_table(table)


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_scoring_in_chunks_counts_the_rows_that_are_left_out(chunk_rows, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\nV,A\n1.5,2\n2.5,3\nTotal,5\n", encoding="utf-8")
    detector = numbers_detector("a", "b")
    inputs = check_inputs(detector.schema, [path], options=ReadOptions(**rows_to_skip(["1"])))
    with pytest.raises(TableError, match=r"Column 'a', row 4: .* If the row is no record, say --skip-rows 1 4\."):
        for chunk in inputs.chunks(chunk_rows=chunk_rows):
            detector.score_table(chunk.table, first_row=chunk.first_row)


def test_over_http_records_keep_their_numbers_and_the_parameter_names_all_rows():
    body = "a,b\nV,A\n1.5,2\n2.5,3\nTotal,5\n"
    with in_process(numbers_detector("a", "b")) as client:
        first = client.post(body, content_type="text/csv").json()
        second = client.post(body, "/score?skip-rows=1", content_type="text/csv").json()
        kept = client.post(body, "/score?skip-rows=1,4", content_type="text/csv").json()
        wrong = client.post(body, "/score?skip-rows=1%204", content_type="text/csv").json()
    assert [error["record"] for error in first["errors"]] == [0, 0, 3]
    assert [error["record"] for error in second["errors"]] == [3]
    assert second["errors"][0]["remedy"].endswith("If the row is no record, say ?skip-rows=1,4.")
    assert "say ?skip-rows=1,4." in second["detail"]
    assert len(kept["results"]) == 2
    assert "several have a comma between them" in wrong["detail"]


def test_a_parquet_body_is_not_told_of_a_parameter_that_it_does_not_take():
    body = io.BytesIO()
    pq.write_table(pa.table({"a": ["1.5", "Total"]}), body)
    with in_process(numbers_detector("a")) as client:
        refused = client.post(body.getvalue(), content_type="application/vnd.apache.parquet").json()
    assert [(error["record"], error["remedy"]) for error in refused["errors"]] == [(1, "Send a number, or null.")]


def test_a_data_frame_has_no_flag_that_leaves_out_rows():
    with pytest.raises(TableError) as caught:
        numbers_detector("a").score_table(Table(data=pa.table({"a": ["1.5", "Total"]})))
    assert str(caught.value).endswith("row 2: expected a number, got the text 'Total'. " + FIX)


# --- blank rows of a sheet ----------------------------------------------------------------------------------


def sheet(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_blank_rows_of_a_sheet_of_several_columns_are_skipped_as_blank_lines_are(tmp_path):
    rows = [["a", "b"], [1.5, 2.5], [None, None], [3.5, None], [None, None], [4.5, 5.5], [None, None]]
    path = sheet(tmp_path / "rows.xlsx", rows)
    table = read_table([path])
    assert table.data.to_pydict() == {"a": [1.5, 3.5, 4.5], "b": [2.5, None, 5.5]}
    assert table.repairs == ("blank rows skipped",)
    assert "read: blank rows skipped" in check_inputs(numbers_detector("a", "b").schema, [path]).notes


def test_blank_rows_of_a_sheet_of_one_column_are_missing_values(tmp_path):
    table = read_table([sheet(tmp_path / "rows.xlsx", [["a"], [1.5], [None], [2.5]])])
    assert table.data.to_pydict() == {"a": [1.5, None, 2.5]}
    assert "blank rows are missing values, as there is one column" in table.repairs
