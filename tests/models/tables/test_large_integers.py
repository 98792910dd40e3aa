"""Integers of more than 64 bits keep all their digits behind every door of data frames."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from models.errors import TableError
from models.tables.files import read_table
from models.tables.table import table_of
from service.client.results import arrow_of
from training.data.prepare import prepare
from training.settings.config import TrainConfig

IDS = [90_000_000_000_000_000_000 + i for i in range(240)]
DEVICES = [90_123_456_789_012_345_678 + i % 3 for i in range(240)]
OTHERS = np.arange(240) % 7 / 2


def objects(cells):
    return pd.DataFrame({"id": pd.Series(cells, dtype=object), "x": OTHERS[: len(cells)]})


FORMS = {
    "pandas": objects,
    "pandas, another index": lambda cells: objects(cells).set_axis(range(100, 100 + len(cells))),
    "polars": lambda cells: pl.DataFrame({"id": pl.Series(cells, dtype=pl.Int128), "x": OTHERS[: len(cells)]}),
    "a dict of columns": lambda cells: {"id": cells, "x": list(OTHERS[: len(cells)])},
    "a dict with an Arrow column": lambda cells: {"id": cells, "x": pa.array(OTHERS[: len(cells)])},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cells", [IDS[:4], [None, *IDS[:2]], [-(2**70), 5, None], [2**63, -1]])
def test_integers_of_more_than_64_bits_are_texts_digit_for_digit(form, cells):
    made = FORMS[form](cells)
    data = table_of(made).data
    assert data.column("id").to_pylist() == [None if cell is None else str(cell) for cell in cells]
    assert data.column("x").to_pylist() == list(OTHERS[: len(cells)])


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_the_client_sends_them_so(form):
    assert arrow_of(FORMS[form](IDS[:3])).column("id").to_pylist() == [str(cell) for cell in IDS[:3]]


def test_the_frame_of_the_caller_stays_as_it_is():
    frame = objects(IDS[:3])
    table_of(frame)
    assert list(frame["id"]) == IDS[:3]


@pytest.mark.parametrize(
    "cells", [["a", IDS[0]], [IDS[0], "a"], [IDS[0], 1.5, np.nan], [1.5, pd.NA, IDS[0], Decimal(3)]]
)
def test_beside_texts_and_other_numbers_all_are_texts(cells):
    expected = [None if pd.isna(cell) else str(cell) for cell in cells]
    assert table_of(objects(cells)).data.column("id").to_pylist() == expected


@pytest.mark.parametrize("other", [True, b"a", [1]])
def test_beside_anything_else_the_column_and_the_remedy_are_named(other):
    with pytest.raises(TableError, match=r"Column 'id' has integers of more than 64 bits .*dtype=str"):
        table_of(objects([IDS[0], other]))


def test_what_fits_64_bits_stays_a_number():
    assert table_of(pd.DataFrame({"id": [2**63, 2**64 - 1]})).data.schema.field("id").type == pa.uint64()
    assert table_of(objects([1, -(2**63)])).data.schema.field("id").type == pa.int64()


def test_a_frame_is_learned_as_its_file(tmp_path):
    path = tmp_path / "events.csv"
    pd.DataFrame({"event": IDS, "device": DEVICES, "x": OTHERS}).to_csv(path, index=False)
    of_file = prepare(read_table([path]), TrainConfig())
    of_frame = prepare(table_of(pd.read_csv(path)), TrainConfig())
    assert of_frame.schema.columns == of_file.schema.columns
    assert of_frame.schema.dropped == of_file.schema.dropped
    assert list(of_frame.columns["device"]) == list(map(str, DEVICES))
