"""The files to score: 30 numbers a row, of any length, from a seed; and the detectors that score them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from models.errors import ConfigError

COLUMNS: Final = tuple(f"x{i}" for i in range(30))
SCHEMA: Final = pa.schema([(name, pa.float32() if i % 2 else pa.float64()) for i, name in enumerate(COLUMNS)])
"""Half of the columns are float32, as sensors give them."""

SHAPES: Final = {"fast": ("--hidden-units", "64", "32", "--latent-units", "8", "--activation", "relu"), "balanced": ()}
"""Further flags of each preset: the network that `benchmarks.serving` serves; none for the default."""

_GROUP_ROWS: Final = 131_072
_TRAINING_ROWS: Final = 20_000


def tables(rows: int, *, seed: int = 0) -> Iterator[pa.Table]:
    """Yield correlated numbers with four decimals, in groups of rows."""
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(8, len(COLUMNS)))
    for start in range(0, rows, _GROUP_ROWS):
        many = min(_GROUP_ROWS, rows - start)
        X = np.round(draw.normal(size=(many, 8)) @ mixing + draw.normal(size=(many, len(COLUMNS))), 4)
        columns = [pa.array(x.astype(kind.to_pandas_dtype())) for x, kind in zip(X.T, SCHEMA.types, strict=True)]
        yield pa.table(columns, schema=SCHEMA)


def write_parquet(path: Path, rows: int) -> Path:
    """Write so many rows."""
    with pa.parquet.ParquetWriter(path, SCHEMA) as out:
        for table in tables(rows):
            out.write_table(table)
    return path


def write_csv(path: Path, rows: int) -> Path:
    """Write so many rows."""
    with pa.csv.CSVWriter(path, SCHEMA) as out:
        for table in tables(rows):
            out.write_table(table)
    return path


def train_detectors(folder: Path, presets: list[str]) -> dict[str, Path]:
    """Train a detector of each preset; return its bundle by the preset's name.

    Raises:
        ConfigError: Training failed, and has said why.
    """
    from training.train import main

    data = write_parquet(folder / "training.parquet", _TRAINING_ROWS)
    bundles = {preset: folder / preset for preset in presets}
    for preset, bundle in bundles.items():
        shape = ("--preset", preset, *SHAPES[preset])
        if main([str(data), *shape, "--epochs", "3", "--quiet", "--output", str(bundle)]):
            raise ConfigError(f"No detector of the preset {preset!r} could be trained.")
    return bundles
