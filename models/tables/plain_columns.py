"""Columns of plain types: nested fields get columns of their own, wrappers of storage are taken off."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from models.errors import TableError


def plain_columns(name: str, data: pa.Table) -> pa.Table:
    """Give nested fields columns of their own with dotted names, and values their plain types.

    Args:
        name: What errors call the source.
        data: n rows.

    Raises:
        TableError: A nested field has the name of another column.
    """
    before = Counter(data.column_names)
    while any(pa.types.is_struct(field.type) for field in data.schema):
        data = data.flatten()
    twice = next((n for n, count in Counter(data.column_names).items() if count > max(1, before[n])), None)
    if twice is not None:
        raise TableError(f"{name}: has two fields {twice!r}, one of them inside another. Rename one.")
    for place, field in enumerate(data.schema):
        column = _plain(data.column(place))
        if column.type != field.type:
            data = data.set_column(place, field.name, column)
    return data


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        stored = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        return _plain(stored)
    if pa.types.is_run_end_encoded(kind):
        return pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    return column
