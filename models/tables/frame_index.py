"""The index of a data frame of pandas: a named one is a column like any other, one without a name is none."""

from __future__ import annotations

import re
from typing import Any, Final

import pyarrow as pa

from models.messages import phrase

LEFT_OUT: Final = phrase("the index of a data frame, which has no name, is left out")
"""What is said of a table that was written with such an index."""

_UNNAMED: Final = re.compile(r"__index_level_\d+__")  # as pandas and Arrow call it


def with_named_index(data: Any) -> Any:
    """Return a data frame of pandas whose index, or the levels of it, are its first columns as far as they have names.

    A level that is called like a column is none, as where pandas writes a file. Anything else stays as it is.
    """
    if not (hasattr(data, "iloc") and hasattr(data, "columns")) or getattr(data.columns, "nlevels", 1) > 1:
        return data
    taken = set(map(str, data.columns))
    named = [i for i, name in enumerate(data.index.names) if name is not None and str(name) not in taken]
    return data.reset_index(level=named, allow_duplicates=True) if named else data


def unnamed_index(data: pa.Schema | pa.Table) -> list[str]:
    """Return the columns that hold an index without a name, as pandas writes it to Parquet and Arrow."""
    names = data.names if isinstance(data, pa.Schema) else data.column_names
    return [name for name in names if _UNNAMED.fullmatch(name)]
