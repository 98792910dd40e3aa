"""Dates with points have the day first, beside every way of writing dates that training may have seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Trained
from samples import machine_records, write_csv

from models.columns.from_tables import read_cells
from models.schema import Column, Kind
from models.schema.cells import parse_timestamp, parser_of
from service.batch import main
from training.estimator import AutoencoderDetector, DetectorWarning


def column(layout: str | None) -> Column:
    return Column(name="at", kind=Kind.DATETIME, layout=layout)


@pytest.mark.parametrize("layout", [None, "iso", "year_first", "day_month_name", "compact", "epoch_s"])
@pytest.mark.parametrize(
    ("text", "same"),
    [("31.08.2024", "2024-08-31"), ("01.06.2025 ", "2025-06-01"), ("1.6.2025 18:30", "2025-06-01T18:30")],
)
def test_points_mean_the_day_first(layout: str | None, text: str, same: str) -> None:
    expected = parse_timestamp(same, layout="iso")
    assert parser_of(column(layout))(text) == expected
    assert read_cells(column(layout), pa.chunked_array([[text, None]]))[0] == expected


def test_a_column_that_was_learned_with_the_month_first_is_read_as_learned() -> None:
    assert parser_of(column("month_first"))("02.03.2024") == parse_timestamp("2024-02-03", layout="iso")


def test_slashes_are_answered_with_what_is_read() -> None:
    with pytest.raises(ValueError, match=r"ISO 8601 .* or 26\.02\.2024 \(with slashes the first number may be day or"):
        parser_of(column("iso"))("31/08/2024")
    with pytest.raises(ValueError, match=r"^an ISO 8601 date and time such as 2024-02-26T01:50:07$"):
        parser_of(column("iso"))("soon")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_batch_says_how_they_were_read(trained: Trained, tmp_path: Path, capsys: Any, suffix: str) -> None:
    [name] = [found.name for found in trained.detector.schema.columns if found.kind is Kind.DATETIME]
    rows = machine_records(9, seed=3)
    written = {}
    for form in ("iso", "points"):
        for row in rows[1:]:
            year, month, day = str(row[name])[:10].split("-")
            row[name] = f"{year}-{month}-{day}" if form == "iso" else f"{day}.{month}.{year}"
        if suffix == ".csv":
            path = write_csv(tmp_path / f"{form}.csv", rows)
        else:
            path = tmp_path / f"{form}.parquet"
            pq.write_table(pa.table({key: [row[key] for row in rows] for key in rows[0]}), path)
        assert main([str(trained.bundle), str(path), "--output", str(tmp_path / "out.csv")]) == 0
        written[form] = (tmp_path / "out.csv").read_text()
        assert (f"read: '{name}': 8 dates with points, the day first" in capsys.readouterr().err) == (form == "points")
    assert written["iso"] == written["points"]


def test_the_estimator_warns_of_them() -> None:
    days = pd.date_range("2024-01-01", periods=120, freq="D")
    fitted = pd.DataFrame({"day": days, "load": np.random.default_rng(3).normal(50, 5, 120)})
    detector = AutoencoderDetector(preset="fast", epochs=1, alert_rate=0.2, random_state=0).fit(fitted)
    plain = detector.score_samples(fitted[40:49])
    with pytest.warns(DetectorWarning, match=r"'day': 9 dates with points, the day first, such as 26\.02\.2024"):
        pointed = detector.score_samples(fitted[40:49].assign(day=days[40:49].strftime("%d.%m.%Y")))
    np.testing.assert_array_equal(pointed, plain)
