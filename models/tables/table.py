"""Tables: rows as they were read, with what was detected on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from models.errors import TableError
from models.tables.plain_columns import plain_columns

__all__ = ["Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they were read.

    Args:
        data: The cells; those of a text file are text.
        decimal: The decimal mark of numbers that are written as text.
        thousands: The mark between their thousands, empty where there is none.
        repairs: One line for each thing that was detected or repaired.
        header: The names that were given to a file without a header line.
        left_out: Names of the columns that were not read, because they were not asked for.
    """

    data: pa.Table
    decimal: str = "."
    thousands: str = ""
    repairs: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.data.column_names)

    def chunks(self, rows: int) -> Iterator[Table]:
        """Yield the rows in order, at most so many at a time; nothing is copied."""
        for start in range(0, len(self), rows):
            yield replace(self, data=self.data.slice(start, rows))


def table_of(data: object) -> Table:
    """Return the table of a data frame (pandas, polars, anything that exports Arrow) or an Arrow table.

    Raises:
        TableError: A column holds values of kinds that cannot stand together.
    """
    try:
        if isinstance(data, pa.Table):
            return Table(data=plain_columns("The table", data))
        if hasattr(data, "to_numpy") and hasattr(data, "iloc"):
            return Table(data=plain_columns("The data frame", pa.Table.from_pandas(data, preserve_index=False)))
        return Table(data=plain_columns("The data frame", pa.table(data)))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise TableError(f"The data frame cannot be read as a table: {error}. Give each column one type.") from error
