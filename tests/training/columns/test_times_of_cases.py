"""The second collection's files with times, folder by folder: how each is understood (5, 6, 13, 15, 17, 28, 29, 39)."""

from __future__ import annotations

import numpy as np
import pytest

from models.columns.from_tables import columns_of_table
from models.errors import TableError
from models.schema import Kind
from models.tables.files import read_table
from training.data.prepare import prepare
from training.settings.config import TrainConfig

SECOND = {
    "05-spark-int96/train.parquet": ("valid_to", "iso"),
    "06-open-ended-dates/train.parquet": ("valid_to", "iso"),
    "06-open-ended-dates/train.jsonl": ("valid_to", "iso"),
    "13-epoch-under-another-name/train.csv": ("zeit", "epoch_s"),
    "15-months/train.csv": ("period", "period"),
    "17-zone-missing/train.csv": ("at", "iso"),
    "28-hour-24/train.csv": ("interval_end", "iso"),
    "28-hour-24/split.csv": ("time", "time"),
    "29-export-in-italian/train.csv": ("istante", "day_month_name"),
    "39-sheet-that-begins-at-midnight/hourly.xlsx": ("at", "iso"),
}


@pytest.mark.parametrize("file", SECOND)
def test_the_column_of_times_is_one(cases, file):
    name, layout = SECOND[file]
    prepared = prepare(read_table([cases / "second" / file]), TrainConfig())
    [column] = [column for column in prepared.schema.columns if column.name == name]
    assert (column.kind, column.layout) == (Kind.DATETIME, layout)


@pytest.mark.parametrize("file", ["05-spark-int96/train.parquet", "06-open-ended-dates/train.parquet"])
def test_an_open_end_is_noted_and_the_flag_works(cases, file):
    table = read_table([cases / "second" / file])
    noted = [str(finding) for finding in prepare(table, TrainConfig()).findings]
    assert any("9999-12-31T00:00:00 (486 rows), far outside" in line for line in noted)
    prepared = prepare(table, TrainConfig(missing_values=("valid_to=9999-12-31",)))
    assert np.isnan(prepared.columns["valid_to"]).sum() == 486


@pytest.mark.parametrize(
    ("folder", "name", "scored"),
    [("13-epoch-under-another-name", "zeit", "score.csv"), ("15-months", "period", "score.csv")],
)
def test_the_time_of_later_rows_is_no_anomaly(cases, folder, name, scored):
    prepared = prepare(read_table([cases / "second" / folder / "train.csv"]), TrainConfig())
    later = columns_of_table(prepared.schema, read_table([cases / "second" / folder / scored]))
    [features] = [
        features
        for encoding, features in zip(prepared.preprocessor.encodings, prepared.preprocessor.slices, strict=True)
        if encoding.name == name
    ]
    assert (later[name] > prepared.columns[name].max()).all()
    elapsed = prepared.preprocessor.transform(later).Z[:, features][:, 0]
    assert (elapsed == 0).all()


def test_times_without_the_zone_of_training_are_refused(cases):
    folder = cases / "second" / "17-zone-missing"
    schema = prepare(read_table([folder / "train.csv"]), TrainConfig()).schema
    columns_of_table(schema, read_table([folder / "score_zoned.csv"]))
    with pytest.raises(TableError, match="'at', row 1: expected a time with its zone"):
        columns_of_table(schema, read_table([folder / "score_naive.csv"]))


def test_a_sheet_that_begins_at_midnight_has_the_times_of_its_csv(cases):
    folder = cases / "second" / "39-sheet-that-begins-at-midnight"
    by_csv, by_sheet = (
        prepare(read_table([folder / name]), TrainConfig()).columns for name in ("hourly.csv", "hourly.xlsx")
    )
    for name, values in by_csv.items():
        np.testing.assert_array_equal(by_sheet[name], values)
