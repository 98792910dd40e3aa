"""Numbers of a column, some of which say that there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.schema import Column
from models.schema.cells import missing_cells


def with_gaps(column: Column, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Return n numbers with NaN for those that the column takes for a missing value.

    Example:
        >>> from models.schema import Kind
        >>> with_gaps(Column(name="load", kind=Kind.NUMERIC, missing=("-200",)), np.array([-200.0, 7.5]))
        array([nan, 7.5])
    """
    numbers = np.asarray(numbers, np.float64)
    if not column.missing:
        return numbers
    gone = [cell for cell in missing_cells(column) if isinstance(cell, float)]
    return np.where(np.isin(numbers, np.array(gone)), np.nan, numbers)
