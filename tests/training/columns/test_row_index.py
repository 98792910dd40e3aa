"""The row index that `to_csv` and others write is no quantity, however many files it begins anew in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.tables.files import read_table
from models.tables.source import Source
from models.tables.table import Table
from training.data.prepare import prepare
from training.settings.config import TrainConfig


def day(rows, seed):
    rng = np.random.default_rng(seed)
    lines = [f"{row},{value:.2f},{value * 2 + rng.normal():.2f}" for row, value in enumerate(rng.normal(50, 5, rows))]
    return Source(name=f"day{seed}.csv", content="\n".join([",temp,load", *lines]).encode())


def fate(name, index, *, first=True, **settings):
    """What becomes of a column of whole numbers beside one of measurements."""
    rng = np.random.default_rng(0)
    columns = {name: pa.array(index), "temp": pa.array(rng.normal(50, 5, len(index)))}
    table = Table(data=pa.table(columns if first else dict(reversed(columns.items()))))
    schema = prepare(table, TrainConfig(**settings)).schema
    return schema.dropped.get(name, "used")


def test_the_index_of_two_files_is_left_out_with_the_reason():
    """Case 11 of the second collection."""
    schema = prepare(read_table([day(150, 1), day(150, 2)], format="csv"), TrainConfig()).schema
    assert schema.names == ("temp", "load")
    assert schema.dropped == {"column_1": "identifier (counts the rows, in 2 runs)"}


@pytest.mark.parametrize("name", ["index", "Unnamed: 0", "level_0", "#", "__index_level_0__", "row.names", "Row No"])
@pytest.mark.parametrize("first", [True, False])
def test_an_index_under_a_name_of_its_own_is_left_out_too(name, first):
    assert fate(name, [*range(60), *range(1, 41)], first=first).startswith("identifier (counts the rows, in 2 runs)")
    assert fate(name, [*range(0, 300, 3)], first=first) == "identifier (counts the rows)"
    assert fate(name, [*range(100, 0, -1)], first=first) == "identifier (counts the rows backwards)"


def test_a_quantity_of_that_name_is_learned_from_and_so_is_an_index_that_is_asked_for():
    rng = np.random.default_rng(1)
    assert fate("index", rng.integers(0, 50, 100)) == "used"
    assert fate("index", [*range(50), *range(50)], include=("index", "temp")) == "used"
    assert fate("cycle", [*range(50), *range(50)]) == "used"


def test_a_column_without_a_name_that_counts_nothing_is_noted():
    rng = np.random.default_rng(1)
    lines = [f"{a},{b:.2f}" for a, b in zip(rng.integers(0, 50, 100), rng.normal(50, 5, 100), strict=True)]
    found = prepare(read_table([Source(name="x", content="\n".join([",b", *lines]).encode())]), TrainConfig())
    assert "'column_1': has no name in the file, and is learned from; if it is an index: --exclude column_1" in [
        str(finding) for finding in found.findings
    ]
