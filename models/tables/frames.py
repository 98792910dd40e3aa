"""Data frames of other libraries as Arrow tables: the same for training, scoring and the client."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import numpy as np
import pyarrow as pa

from models.errors import TableError
from models.tables.frame_index import unnamed_index, with_named_index
from models.tables.large_integers import without_large_integers
from models.tables.mixed_times import of_one_type

_SHOWN_TEXT: Final = 40  # characters of a cell


def arrow_of_frame(data: Any) -> pa.Table:
    """Return a data frame (pandas, polars, anything that exports Arrow) as an Arrow table.

    A named index of pandas is a column, one without a name is none. A column with integers of more than 64 bits is one
    of texts, as in a file.

    Raises:
        TableError: A column holds values of kinds that cannot stand together.
    """
    data = with_named_index(data)
    try:
        if hasattr(data, "to_numpy") and hasattr(data, "iloc"):
            data = pa.Table.from_pandas(_of_one_type(data), preserve_index=False)
        table = data if isinstance(data, pa.Table) else pa.table(data)
        return table.drop_columns(unnamed_index(table))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
        if (changed := without_large_integers(data)) is not data:
            return arrow_of_frame(changed)
        if mixed := _mixed_column(data):
            raise TableError(mixed) from error
        raise TableError(f"The data frame cannot be read as a table: {error}. Give each column one type.") from error


def _of_one_type(frame: Any) -> Any:
    """Return a data frame of pandas whose dates and times are of one type in each column."""
    mixed = {}
    for position, kind in enumerate(frame.dtypes):
        if getattr(kind, "name", "").startswith("period["):  # Arrow would take months as their numbers since 1970
            mixed[position] = frame.iloc[:, position].dt.to_timestamp()
        elif kind == object:  # noqa: E721 - a dtype
            cells = list(frame.iloc[:, position])
            if (same := of_one_type(cells)) is not cells:
                mixed[position] = np.array(same, object)
    if mixed:
        frame = frame.copy(deep=False)
        for position, cells in mixed.items():
            frame.isetitem(position, cells)
    return frame


def _mixed_column(frame: Any) -> str | None:
    """Return what is wrong with the first column of a data frame of pandas that holds values of several types."""
    for position, name in enumerate(frame.columns if hasattr(frame, "iloc") else ()):
        cells = frame.iloc[:, position].reset_index(drop=True).dropna()
        with suppress(pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pa.Array.from_pandas(cells)
            continue
        first: dict[str, str] = {}
        for row, cell in cells.items():
            first.setdefault(type(cell).__name__, f"{str(cell)[:_SHOWN_TEXT]!r} in row {row + 1:,} is of type ")
        if len(first) > 1:
            examples = ", ".join(what + kind for kind, what in list(first.items())[:2])
            column = f"X[{name!r}]"
            return (
                f"Column {str(name)!r} of the data frame mixes values of several types: {examples}. Give it one: "
                f"{column} = {column}.astype(str), whose numbers are still read as such, "
                f"or pandas.to_numeric({column}, errors='coerce') where all else is missing."
            )
    return None
