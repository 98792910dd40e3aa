"""Integers of more than 64 bits, which Arrow cannot take: their column becomes one of texts, digit for digit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from models.errors import TableError

_LEAST, _MOST = -(2**63), 2**63 - 1
_TYPES_OF_128_BITS: Final = ("Int128", "UInt128")  # of polars


def without_large_integers(data: Any) -> Any:
    """Return a frame (pandas, polars) or dict of columns that Arrow cannot take, with texts for large integers.

    Returns:
        The same object where no column has such integers.

    Raises:
        TableError: A column has such integers beside other things than numbers and texts.
    """
    if type(data).__module__.split(".")[0] == "polars":
        names = [name for name, kind in data.schema.items() if str(kind) in _TYPES_OF_128_BITS]
        return data.cast(dict.fromkeys(names, str)) if names else data
    if isinstance(data, dict):
        texts = {name: found for name, cells in data.items() if (found := _texts(name, cells)) is not None}
        return {**data, **texts} if texts else data
    changed = data
    for position, kind in enumerate(data.dtypes if hasattr(data, "iloc") else ()):
        if kind == object:  # noqa: E721 - a dtype
            found = _texts(data.columns[position], data.iloc[:, position])
            if found is not None:
                changed = data.copy(deep=False) if changed is data else changed
                changed.isetitem(position, np.array(found, object))
    return changed


def _texts(name: object, cells: Iterable[Any]) -> list[str | None] | None:
    """Return a column with large integers as texts; None for any other column."""
    if isinstance(cells, pa.Array | pa.ChunkedArray):
        return None
    values = [None if _is_missing(cell) else cell for cell in cells]
    if not any(isinstance(value, int) and not _LEAST <= value <= _MOST for value in values):
        return None
    kinds = {type(value) for value in values if value is not None}
    if bool in kinds or not all(issubclass(kind, (int, float, Decimal, str, np.integer)) for kind in kinds):
        listed = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TableError(
            f"Column {str(name)!r} has integers of more than 64 bits beside other values (its types: {listed}). Make "
            "it a column of texts: column.astype(str), or dtype=str where it is read from a file."
        )
    return [None if value is None else str(value) for value in values]


def _is_missing(cell: Any) -> bool:
    return cell is None or type(cell).__name__ == "NAType" or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124
