"""What a Parquet or Arrow table of a stranger may hold: plain types, and texts no longer than they look."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.errors import RecordError

_PLAIN_TYPES: Final = (
    *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null),
    *(pa.types.is_timestamp, pa.types.is_date, pa.types.is_time, pa.types.is_duration),
)


def require_plain(name: str, kind: pa.DataType) -> None:
    """Check that a column is of a type that can be scored or echoed.

    Raises:
        RecordError: It is not.
    """
    if pa.types.is_struct(kind):
        for inner in kind:
            require_plain(f"{name}.{inner.name}", inner.type)
        return
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not is_text(plain) and not any(is_kind(plain) for is_kind in _PLAIN_TYPES):
        raise RecordError(
            f"is of type {kind}.",
            record=None,
            field=name,
            remedy="Send texts, numbers, truth values, dates, times, durations or timestamps.",
        )


def shared_text_bytes(data: pa.Table) -> int:
    """Return how many bytes the texts that are stored once for many cells have when each cell has its own copy.

    These are the texts of dictionaries, and views.
    """
    total = 0
    for column in data.columns:
        is_dictionary = pa.types.is_dictionary(column.type)
        if not pa.types.is_string_view(column.type) and not (is_dictionary and is_text(column.type.value_type)):
            continue
        for chunk in column.chunks:
            lengths = _lengths(chunk.dictionary).take(chunk.indices) if is_dictionary else _lengths(chunk)
            total += pc.sum(lengths).as_py() or 0
    return total


def is_text(kind: pa.DataType) -> bool:
    """Return True if a column of this type holds texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _lengths(texts: pa.Array) -> pa.Array:
    if not pa.types.is_string_view(texts.type):
        return pc.binary_length(texts)
    views = np.frombuffer(texts.buffers()[1], np.uint32).reshape(-1, 4)  # the first of each is the length
    return pa.array(views[texts.offset : texts.offset + len(texts), 0], pa.int64())
