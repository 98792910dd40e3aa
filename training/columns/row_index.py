"""The row index that a program writes beside the data: without a name, or under one of its own, from 0 in each file."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.messages import phrase
from models.tables.table import Table

_NAMES: Final = re.compile(
    r"#|index|idx|unnamed: ?\d+(\.\d+)*|level_\d+|__index_level_\d+__|row[ ._]?(names?|index|idx|numbers?|num|nr|no)",
    re.IGNORECASE,
)
_MIN_ROWS: Final = 20  # from one start to the next, on average


def is_unnamed(name: str, table: Table) -> bool:
    """Return whether a column is the first of a file whose header line has no name for it."""
    return name == "column_1" == table.names[0] and table.header is None


def row_index(name: str, values: NDArray[np.float64], table: Table) -> str | None:
    """Return the reason to drop a column of n numbers that is called like a row index and counts rows; else None.

    It rises from row to row, and may begin again, as where several files were put together.
    """
    if not (is_unnamed(name, table) or _NAMES.fullmatch(name.strip())):
        return None
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return None
    restarts = int((np.diff(values) <= 0).sum())
    if len(values) >= _MIN_ROWS * (restarts + 1):
        if restarts:
            return phrase("identifier (counts the rows, in {runs} runs)", runs=restarts + 1)
        return phrase("identifier (counts the rows)")
    return (
        phrase("identifier (every value is different)") if len(np.unique(values)) == len(values) >= _MIN_ROWS else None
    )
