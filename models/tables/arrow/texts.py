"""How many bytes the texts of Arrow's columns have if each cell has a copy of its own, which dictionaries save."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.tables.arrow.dictionaries import runs_of

__all__ = ["is_text", "shared_text_bytes", "text_bytes"]


def is_text(kind: pa.DataType) -> bool:
    """Return whether cells are texts, in whatever way Arrow stores them."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def text_bytes(data: pa.Table) -> NDArray[np.int64]:
    """Return the bytes of the texts of each row of a flat table `(n,)`."""
    total = np.zeros(len(data), np.int64)
    for column in data.columns:
        start = 0
        for lengths in _lengths(column):
            total[start : start + len(lengths)] += lengths
            start += len(lengths)
    return total


def shared_text_bytes(data: pa.Table) -> int:
    """Return the bytes of the texts of dictionaries and views of a flat table."""
    shared = [column for column in data.columns if _is_coded(column.type) or pa.types.is_string_view(column.type)]
    return sum(int(lengths.sum()) for column in shared for lengths in _lengths(column))


def _lengths(column: pa.ChunkedArray) -> Iterator[NDArray[np.int64]]:
    """Yield the bytes of each text `(n,)` of the parts of a column, 0 of a missing one; nothing where it has none."""
    if not _is_coded(column.type):
        yield from map(_lengths_of, column.chunks if is_text(column.type) else ())
    elif is_text(column.type.value_type):
        for codes, dictionary in runs_of(column):
            yield np.append(_lengths_of(dictionary), 0)[codes]


def _lengths_of(cells: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_string_view(cells.type):
        views = np.frombuffer(cells.buffers()[1], np.uint32).reshape(-1, 4)  # the first of each is the length
        return views[cells.offset : cells.offset + len(cells), 0].astype(np.int64)
    lengths = pc.binary_length(cells).cast(pa.int64())
    filled: NDArray[np.int64] = lengths.fill_null(0).to_numpy(zero_copy_only=False)
    return filled


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))
