"""A duration is its seconds by its type and in every text of it, in training and in scoring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from samples import WRITERS, arrow_table

from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table
from models.schema import DURATION, Column, FeatureSchema, Kind
from models.tables.files import read_table
from models.tables.table import Table, table_of
from training.columns.infer_schema import Finding
from training.data.prepare import prepare
from training.settings.config import TrainConfig

SECONDS = np.random.default_rng(3).integers(5, 200_000, 150).tolist()
RECORDS: list[dict[str, Any]] = [
    {"took": None if row == 7 else timedelta(seconds=seconds), "load": float(seconds % 97)}
    for row, seconds in enumerate(SECONDS)
]
FRAME = pd.DataFrame({"took": pd.to_timedelta([record["took"] for record in RECORDS]), "load": 1.0})
TEXTS: dict[str, Callable[[timedelta], str]] = {
    "clock": lambda took: f"{took // timedelta(hours=1)}:{took.seconds // 60 % 60:02}:{took.seconds % 60:02}",
    "Python": str,
    "pandas": lambda took: str(pd.Timedelta(took)),
    "ISO 8601": lambda took: pd.Timedelta(took).isoformat(),
    "JSON of msgspec": lambda took: msgspec.json.decode(msgspec.json.encode(took), type=str),
    "seconds": lambda took: f"{took.total_seconds():.0f}",
}


def from_file(name: str) -> Callable[[Path], Table]:
    file, write = WRITERS[name]
    return lambda folder: read_table([write(folder / file, RECORDS)])


TYPED: dict[str, Callable[[Path], Table]] = {
    "parquet": from_file("parquet"),
    "arrow": from_file("arrow"),
    "sheet": from_file("excel"),
    "pandas": lambda folder: table_of(FRAME),
    "pandas, categories": lambda folder: table_of(FRAME.astype({"took": "category"})),
    "pandas, nanoseconds": lambda folder: table_of(FRAME.astype({"took": "timedelta64[ns]"})),
    "polars": lambda folder: table_of(pytest.importorskip("polars").DataFrame(RECORDS)),
    "pyarrow": lambda folder: table_of(arrow_table(RECORDS)),
}
WANTED = [np.nan if record["took"] is None else record["took"].total_seconds() for record in RECORDS]
SCHEMA = FeatureSchema(columns=(Column(name="took", kind=Kind.NUMERIC, layout=DURATION),))


def texts(write: Callable[[timedelta], str]) -> list[dict[str, Any]]:
    return [record | {"took": record["took"] and write(record["took"])} for record in RECORDS]


@pytest.mark.parametrize("door", TYPED)
def test_typed_durations_are_learned_in_seconds_and_this_is_said(door: str, tmp_path: Path) -> None:
    found = prepare(TYPED[door](tmp_path), TrainConfig())
    assert found.schema.columns[0] == SCHEMA.columns[0]
    np.testing.assert_array_equal(found.columns["took"], WANTED)
    assert Finding(columns=("took",), what="durations, in seconds") in found.findings


@pytest.mark.parametrize("door", TYPED)
def test_who_learned_from_texts_reads_typed_durations(door: str, tmp_path: Path) -> None:
    learned = prepare(table_of(pd.DataFrame(texts(TEXTS["ISO 8601"]))), TrainConfig())
    np.testing.assert_array_equal(columns_of_table(learned.schema, TYPED[door](tmp_path))["took"], WANTED)


@pytest.mark.parametrize("form", TEXTS)
def test_who_learned_from_types_reads_texts(form: str) -> None:
    records = texts(TEXTS[form])
    np.testing.assert_array_equal(columns_of_table(SCHEMA, table_of(pd.DataFrame(records)))["took"], WANTED)
    np.testing.assert_array_equal(columns_of_records(SCHEMA, records)["took"], WANTED)


def test_durations_of_python_are_seconds_in_a_column_of_plain_numbers_too() -> None:
    plain = FeatureSchema(columns=(Column(name="took", kind=Kind.NUMERIC),))
    np.testing.assert_array_equal(columns_of_records(plain, RECORDS)["took"], WANTED)
    np.testing.assert_array_equal(columns_of_table(plain, table_of(FRAME))["took"], WANTED)
