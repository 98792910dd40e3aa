"""Timestamps of a column at once, where Arrow reads them as `cells.parse_instant` reads each of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.columns.arrow_arrays import floats_of
from models.schema import Column
from models.schema.cells import MISSING_TEXTS
from models.schema.timestamps import TIME_LAYOUTS

_PER_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6}
_MOST_SECONDS: Final = 9e9  # the years 1685 to 2255: there every count of microseconds is a float
_TYPES: Final = (pa.timestamp("us"), pa.timestamp("us", "UTC"))  # texts without a zone, with one each


def instants_at_once(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return seconds since 1970-01-01 UTC `(n,)`, NaN where there is none, or None where a cell needs the slow way.

    Args:
        column: Of instants.
        cells: n cells, at most to the microsecond.
    """
    layout = column.layout or "iso"
    if column.missing or layout == "time" or TIME_LAYOUTS[layout].per_second is not None:
        return None
    if pa.types.is_date(cells.type):
        return _seconds(cells.cast(pa.timestamp("ms")))
    if pa.types.is_timestamp(cells.type):
        return _seconds(cells)
    if pa.types.is_string(cells.type) and layout == "iso":
        return _seconds_of_texts(cells)
    return None


def _seconds(instants: pa.ChunkedArray) -> NDArray[np.float64] | None:
    counts = floats_of(pc.cast(instants.cast(pa.int64()), pa.float64(), safe=False))
    seconds: NDArray[np.float64] = counts / _PER_SECOND[instants.type.unit]
    return None if (np.abs(seconds) > _MOST_SECONDS).any() else seconds


def _seconds_of_texts(texts: pa.ChunkedArray) -> NDArray[np.float64] | None:
    instants = _cast(texts, _TYPES[:1])
    if instants is None:
        trimmed = pc.utf8_trim_whitespace(texts)
        missing = pc.is_in(trimmed, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))
        instants = _cast(pc.if_else(missing, pa.scalar(None, pa.string()), trimmed), _TYPES)
    return None if instants is None else _seconds(instants)


def _cast(texts: pa.ChunkedArray, kinds: tuple[pa.DataType, ...]) -> pa.ChunkedArray | None:
    for kind in kinds:
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None
