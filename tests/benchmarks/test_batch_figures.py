"""The benchmark of the batch program: its files, real processes on small ones, and ratios of the same round."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from benchmarks.batch.__main__ import run
from benchmarks.batch.files import SCHEMA, tables, write_csv, write_parquet
from benchmarks.batch.table import Measured, Run, figures_by_name, page_of


def runs(*seconds: float, peak: float = 100.0) -> tuple[Run, ...]:
    return tuple(Run(seconds=one, cpu_seconds=2 * one, peak_mb=peak) for one in seconds)


FOUND = Measured(
    rows=1_000,
    runs={
        "parquet_fast": runs(2, 10, 3),
        "csv_fast": runs(4, 4, 4),
        "parquet_arrow": runs(1, 2, 3),  # 0.5 is the median of the ratios, 2/3 the ratio of the medians
        "parquet_arrow_pieces": runs(2, 20, 3),
        "csv_arrow": runs(4, 5, 3),
    },
    memory={1_000: runs(1, peak=100.0)[0], 4_000: runs(2, peak=120.0)[0]},
)


def test_figures_are_medians_of_the_ratios_of_the_same_rounds() -> None:
    assert figures_by_name(FOUND) == {
        "parquet_fast_over_arrow": 0.5,
        "parquet_fast_over_arrow_pieces": 1.0,
        "csv_fast_over_arrow": 1.0,
        "peak_mb_at_1000_rows": 100.0,
        "peak_mb_at_4000_rows": 120.0,
        "memory_growth": 1.2,
    }
    json.dumps(figures_by_name(FOUND))


def test_the_page_has_ours_beside_arrow_with_the_ends_of_the_ratios() -> None:
    page = page_of(FOUND)
    assert "| parquet, fast | 0.50 (0.20–1.00) | 1.00 (1.00–2.00) | 333 | 6000.00 | 100 |" in page
    assert "| parquet, arrow |  |  | 500 |" in page
    assert "| 4,000 | 120 | 2,000 |" in page


def test_files_are_the_same_from_a_seed_and_hold_the_same_in_both_formats(tmp_path: Path) -> None:
    read = pq.read_table(write_parquet(tmp_path / "a.parquet", 140_000))
    assert read.schema.equals(SCHEMA)
    assert read.equals(pa.concat_tables(tables(140_000)))
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 2
    text = pa.csv.read_csv(write_csv(tmp_path / "a.csv", 1_000))
    [same] = tables(1_000)
    np.testing.assert_allclose(text["x1"].to_numpy(), same["x1"].to_numpy(), rtol=1e-6)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("how", ["", "_pieces"])
def test_arrow_alone_writes_the_scores_in_a_process_of_its_own(tmp_path: Path, form: str, how: str) -> None:
    source = {"parquet": write_parquet, "csv": write_csv}[form](tmp_path / f"in.{form}", 1_000)
    scores = pa.table({"anomaly_score": np.arange(1_000.0)})
    pq.write_table(scores, tmp_path / "scores.parquet")
    took = run(f"arrow_{form}{how}", source, tmp_path / "out", tmp_path / "scores.parquet")
    assert 0 < took.seconds < 60
    assert took.peak_mb > 20
    read = pq.read_table if form == "parquet" else pa.csv.read_csv
    assert read(tmp_path / "out")["anomaly_score"].to_pylist() == list(range(1_000))
