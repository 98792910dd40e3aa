"""Between Arrow's arrays and NumPy's, without pandas, which Arrow's own ways import where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def floats_of(numbers: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return n numbers of Arrow's type double, NaN for those that are missing; not to be written to.

    Example:
        >>> floats_of(pa.chunked_array([[1.5, None], [2.0]]))
        array([1.5, nan, 2. ])
    """
    pieces = [_piece(chunk) for chunk in numbers.chunks if len(chunk)]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [np.empty(0)])


def arrow_of(figures: NDArray[Any]) -> pa.Array:
    """Return n floats or truth values as Arrow's.

    Example:
        >>> arrow_of(np.array([True, False])).to_pylist(), arrow_of(np.array([0.5])).to_pylist()
        ([True, False], [0.5])
    """
    if figures.dtype == np.bool_:
        kind, held = pa.bool_(), np.packbits(figures, bitorder="little")
    else:
        kind, held = pa.float64(), np.ascontiguousarray(figures, np.float64)
    return pa.Array.from_buffers(kind, len(figures), [None, pa.py_buffer(held)])


def _piece(numbers: pa.Array) -> NDArray[np.float64]:
    plain = pc.fill_null(numbers, float("nan")) if numbers.null_count else numbers
    return np.frombuffer(plain.buffers()[1], np.float64, count=len(plain), offset=8 * plain.offset)
