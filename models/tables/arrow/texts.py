"""How many bytes the texts of Arrow's columns have if each cell has a copy of its own, which dictionaries save."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["is_text", "shared_text_bytes", "text_bytes"]


def is_text(kind: pa.DataType) -> bool:
    """Return whether cells are texts, in whatever way Arrow stores them."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def text_bytes(data: pa.Table) -> NDArray[np.int64]:
    """Return the bytes of the texts of each row of a flat table `(n,)`."""
    total = np.zeros(len(data), np.int64)
    for column in data.columns:
        start = 0
        for chunk in column.chunks:
            if (lengths := _lengths(chunk)) is not None:
                total[start : start + len(chunk)] += lengths
            start += len(chunk)
    return total


def shared_text_bytes(data: pa.Table) -> int:
    """Return the bytes of the texts of dictionaries and views of a flat table."""
    shared = [column for column in data.columns if _is_coded(column.type) or pa.types.is_string_view(column.type)]
    lengths = (_lengths(chunk) for column in shared for chunk in column.chunks)
    return sum(int(of_chunk.sum()) for of_chunk in lengths if of_chunk is not None)


def _lengths(cells: pa.Array) -> NDArray[np.int64] | None:
    """Return the bytes of each text `(n,)`, 0 of a missing one; None for cells that are no texts."""
    if _is_coded(cells.type):
        lengths = _lengths(cells.dictionary)
        return None if lengths is None else _filled(pa.array(lengths).take(cells.indices))
    if pa.types.is_string_view(cells.type):
        views = np.frombuffer(cells.buffers()[1], np.uint32).reshape(-1, 4)  # the first of each is the length
        return views[cells.offset : cells.offset + len(cells), 0].astype(np.int64)
    return _filled(pc.binary_length(cells)) if is_text(cells.type) else None


def _filled(lengths: pa.Array) -> NDArray[np.int64]:
    filled: NDArray[np.int64] = lengths.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return filled


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))
