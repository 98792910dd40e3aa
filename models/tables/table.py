"""Rows as they were read, and what a caller may say about how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from models.errors import TableError
from models.tables.plain import plain_columns

RAGGED_ROWS: Final = ("error", "fill")
"""What becomes of a row of a text file that lacks cells at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the caller knows about a file; what is None is detected.

    Args:
        delimiter: The character between the cells of a text file; a space stands for one or more of them.
        decimal: The decimal mark of a text file, ``.`` or ``,``.
        thousands: The mark between thousands of a text file, one of `THOUSANDS`, or empty for none.
        encoding: The character encoding of a text file.
        quote: The character around cells of a text file, or empty for none.
        comment: What lines of a text file begin with that are no rows, or empty for none.
        header: Names of the columns of a text file or sheet that has no header line, in order.
        has_header: Whether the first row of a text file or sheet holds the names.
        skip_lines: Lines above the table in a text file, or rows above it in a sheet.
        ragged_rows: ``error``, or ``fill`` where a row of a text file may lack cells at its end.
        sheet: The sheet of a spreadsheet file, by name.
        numbers: Columns of a text file that may be read as numbers as long as each cell is one or is missing; the
            values are those that their texts stand for.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    quote: str | None = None
    comment: str | None = None
    header: tuple[str, ...] | None = None
    has_header: bool | None = None
    skip_lines: int = 0
    ragged_rows: str = RAGGED_ROWS[0]
    sheet: str | None = None
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they were read.

    Args:
        data: The cells; those of a text file are text.
        decimal: The decimal mark of numbers that are written as text.
        thousands: The mark between their thousands, empty where there is none.
        repairs: One line for each thing that was detected or repaired.
        header: The names that were given to a file without a header line.
    """

    data: pa.Table
    decimal: str = "."
    thousands: str = ""
    repairs: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.data.column_names)


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
