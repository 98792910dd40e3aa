"""The fitting rows: generated, correlated, standardised, the same for all methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

_FACTORS: Final = 5
_OWN: Final = 0.3  # standard deviation of the independent part of each column
_HELD_OUT: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Standardised rows.

    Args:
        fitting: `(n, d)`.
        held_out: Rows that no method fits on `(n // 5, d)`, at most 20,000.
    """

    fitting: NDArray[np.float32]
    held_out: NDArray[np.float32]


def standardised(rows: int, columns: int) -> Rows:
    """Return fitting rows, and others to measure the error on."""
    X = correlated(rows + min(20_000, int(_HELD_OUT * rows)), columns)
    fitting = X[:rows]
    Z = (X - fitting.mean(axis=0)) / fitting.std(axis=0)
    return Rows(fitting=Z[:rows], held_out=Z[rows:])


def correlated(rows: int, columns: int) -> NDArray[np.float32]:
    """Return rows of a few factors, their sines, and noise `(n, d)`."""
    draw = np.random.default_rng(0)
    factors = draw.normal(size=(rows, _FACTORS)).astype(np.float32)
    mixed = factors @ draw.normal(size=(_FACTORS, columns)).astype(np.float32)
    bent: NDArray[np.float32] = mixed + np.sin(mixed)
    bent += np.float32(_OWN) * draw.standard_normal(size=bent.shape, dtype=np.float32)
    return bent


def write(path: Path, rows: int, columns: int) -> None:
    """Write such rows as a file, of CSV or Parquet by its name."""
    X = correlated(rows, columns)
    table = pa.table({f"x{i}": X[:, i] for i in range(columns)})
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
