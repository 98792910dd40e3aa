"""Makes columns plain: nested fields become columns, and types that only say how values are stored are removed."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from models.errors import TableError


def plain_columns(name: str, data: pa.Table) -> pa.Table:
    """Return a table whose nested fields are columns with dotted names, and whose values have plain types.

    Args:
        name: Name of the source in errors.
        data: n rows.

    Raises:
        TableError: A nested field has the name of another column.
    """
    before = Counter(data.column_names)
    while any(pa.types.is_struct(field.type) for field in data.schema):
        data = data.flatten()
    repeated = next((n for n, count in Counter(data.column_names).items() if count > max(1, before[n])), None)
    if repeated is not None:
        raise TableError(f"{name}: has two fields {repeated!r}, one of them inside another. Rename one.")
    for index, field in enumerate(data.schema):
        column = _plain(data.column(index))
        if column.type != field.type:
            data = data.set_column(index, field.name, column)
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
