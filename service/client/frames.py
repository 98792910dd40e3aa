"""Data frames of pandas, polars and Arrow, converted to Arrow and back; each library is imported when it is used."""

from __future__ import annotations

import io
from typing import Any, TypeVar

import pyarrow as pa

from models.errors import ServiceError

Frame = TypeVar("Frame")


def arrow_of(frame: Any) -> pa.Table:
    """Return a data frame as an Arrow table.

    Raises:
        ServiceError: A column mixes types that Arrow cannot hold in one column.
    """
    if isinstance(frame, pa.Table):
        return frame
    try:
        if hasattr(frame, "iloc"):
            return pa.Table.from_pandas(frame, preserve_index=False)
        return pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise ServiceError(f"The data frame cannot be sent: {error}. Give each column one type.") from error


def frame_like(frame: Frame, table: pa.Table) -> Frame:
    """Return a table as a data frame of the same library as another one, with its index."""
    found: Any = table
    if hasattr(frame, "iloc"):
        found = table.to_pandas()
        found.index = frame.index  # type: ignore[attr-defined]  # only pandas has iloc
    elif type(frame).__module__.split(".")[0] == "polars":
        import polars

        found = polars.from_arrow(table)
    result: Frame = found
    return result


def stream_of(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
