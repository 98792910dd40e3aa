"""Columns of coordinates with letters are named as such, with what to do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.tables.table import Table
from training.data.prepare import prepare
from training.settings.config import TrainConfig

LATITUDES = np.random.default_rng(3).uniform(-80, 80, 120)


def decimal(degrees: float) -> str:
    return f"{abs(degrees):.5f} {'NS'[int(degrees < 0)]}"


def in_front(degrees: float) -> str:
    return f"{'EW'[int(degrees < 0)]}{abs(degrees):.2f}°".replace(".", ",")


def sixtieths(degrees: float) -> str:
    size = abs(degrees)
    return f"{int(size)}°{int(size * 60 % 60):02d}'{size * 3600 % 60:.1f}\"{'NS'[int(degrees < 0)]}"


@pytest.mark.parametrize("form", [decimal, in_front, sixtieths])
def test_coordinates_are_left_out_with_how_to_write_them(form):
    texts = [form(degrees) for degrees in LATITUDES]
    table = Table(data=pa.table({"load": LATITUDES * 2, "lat": texts}))
    [said] = [str(finding) for finding in prepare(table, TrainConfig()).findings if finding.columns == ("lat",)]
    assert "coordinates such as" in said
    assert "north and east positive, south and west negative" in said
    assert "identifier" not in said


def test_ids_of_a_letter_and_digits_are_no_coordinates():
    table = Table(data=pa.table({"load": LATITUDES, "key": [f"{'NS'[row % 2]}{row}" for row in range(120)]}))
    [said] = [str(finding) for finding in prepare(table, TrainConfig()).findings if finding.columns == ("key",)]
    assert "identifier" in said
