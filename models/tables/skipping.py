"""Rows that are left out while a table is read, because the caller says that they are no records."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.messages import Set, phrase
from models.tables.read_options import ReadOptions, words_to_skip
from models.tables.table import Table

_NUMBER_BEHIND: Final = re.compile(r"_\d+$")  # of a name that was there already
_SHOWN: Final = 10


class RowSkipper:
    """Leaves out the rows of one file, chunk by chunk, that the options name.

    Args:
        options: `skip_rows` counts the rows of the file from 1; `skip_header` names those that repeat the header line.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._intervals = options.skip_rows
        self._header = options.skip_header
        self._first = 1
        self._repairs = _repairs(options)
        self._words = words_to_skip(options)

    def kept(self, table: Table) -> Table:
        """Return the next chunk without the rows that are left out; those that stay keep their numbers."""
        if not self._words:
            return replace(table, skipped=())
        rows = np.arange(self._first, self._first + len(table))
        self._first += len(table)
        left_out = np.full(len(table), False)
        for first, last in self._intervals:
            left_out |= (rows >= first) & (rows <= last)
        if self._header:
            left_out |= repeats_header(table)
        data = table.data.filter(pa.array(~left_out)) if left_out.any() else table.data
        repairs = (*table.repairs, *self._repairs)
        return replace(table, data=data, repairs=repairs, skipped=self._words, numbers=rows[~left_out])


def repeats_header(table: Table) -> NDArray[np.bool_]:
    """Return which rows are the header line again `(n,)`: each cell is the name of its column, as the file has it."""
    again, named = np.full(len(table), True), np.full(len(table), False)
    for name, column in zip(table.names, table.data.columns, strict=True):
        if not (again.any() and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type))):
            return np.full(len(table), False)
        cells = pc.fill_null(pc.utf8_normalize(pc.utf8_trim_whitespace(column), form="NFC"), "")
        written = [name, _NUMBER_BEHIND.sub("", name), *([""] if name.startswith("column_") else [])]
        again &= pc.is_in(cells, pa.array(written, cells.type)).to_numpy()
        named |= pc.not_equal(cells, "").to_numpy()
    both: NDArray[np.bool_] = again & named
    return both


def _repairs(options: ReadOptions) -> tuple[str, ...]:
    repairs = []
    if options.skip_rows:
        rows = words_to_skip(replace(options, skip_header=False))
        some: str = ", ".join(rows[:_SHOWN])
        if len(rows) > _SHOWN:
            some = phrase("{listed} and {more:,} more", listed=some, more=len(rows) - _SHOWN)
        setting = Set("skip_rows")
        repairs.append(phrase("rows left out, as {setting} says: {rows}", setting=setting, rows=some))
    if options.skip_header:
        setting = Set("skip_rows")
        repairs.append(phrase("rows that repeat the header line left out, as {setting} says", setting=setting))
    return tuple(repairs)
