"""Columns of dictionaries, whose entries may be many more than the cells that stand for some of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["place_of", "runs_of", "used_codes", "validate"]


def validate(data: pa.Table) -> None:
    """Check all bytes of a flat or nested table, those of a dictionary once for all chunks that have it.

    Raises:
        pa.ArrowInvalid: Some are not what they should be: an offset leads out of a buffer, a text is no UTF-8.
    """
    data.validate()
    for column in data.columns:
        valid: tuple[int, ...] | None = None  # the dictionary that was checked last
        for chunk in column.chunks:
            if valid is None or place_of(chunk.dictionary) != valid or not _in_range(chunk):
                chunk.validate(full=True)
            valid = place_of(chunk.dictionary) if pa.types.is_dictionary(column.type) else None


def runs_of(column: pa.ChunkedArray) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """Yield codes `(n,)`, −1 for a missing cell, and their dictionary, for each run of chunks that have the same one.

    Arrow's reader gives the same dictionary to all record batches behind it: what is made of one is made once.
    """
    codes: list[NDArray[np.int64]] = []
    before: pa.Array | None = None
    for chunk in column.chunks:
        dictionary = chunk.dictionary
        if before is not None and place_of(before) != place_of(dictionary):
            yield np.concatenate(codes), before
            codes = []
        codes.append(_codes(chunk))
        before = dictionary
    if before is not None:
        yield np.concatenate(codes), before


def used_codes(codes: NDArray[np.int64], dictionary: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Return codes `(n,)` and their dictionary without the entries that none of them stands for.

    Example:
        >>> codes, words = used_codes(np.array([3, -1, 1, 3]), pa.array(["a", "b", "c", "d"]))
        >>> codes.tolist(), words.to_pylist()
        ([1, -1, 0, 1], ['b', 'd'])
    """
    if pa.types.is_string_view(dictionary.type):  # of which Arrow takes none
        dictionary = dictionary.cast(pa.large_string())
    used, places = np.unique(codes, return_inverse=True)
    missing = int(used[:1].sum() < 0)  # −1 is the first
    return places.reshape(codes.shape) - missing, dictionary.take(pa.array(used[missing:], pa.int64()))


def _in_range(cells: pa.DictionaryArray) -> bool:
    """Return whether all codes stand for an entry; the cells have been validated but for their bytes."""
    ends = pc.min_max(cells.indices).as_py()
    return ends["max"] is None or (ends["min"] >= 0 and ends["max"] < len(cells.dictionary))


def _codes(cells: pa.DictionaryArray) -> NDArray[np.int64]:
    # Polars counts categories without a sign, where −1 could not stand for a missing one.
    codes: NDArray[np.int64] = cells.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return codes


def place_of(cells: pa.Array) -> tuple[int, ...]:
    """Return where in memory an array is; nulls are nowhere."""
    return (cells.offset, len(cells), *(0 if buffer is None else buffer.address for buffer in cells.buffers()))
