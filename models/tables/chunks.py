"""Puts tables of any size together to tables of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


class Regrouping:
    """Takes tables of any size, all of the same columns, and gives tables of one size; nothing is copied.

    Args:
        chunk_rows: Rows of each table that is given, but for the last.
    """

    def __init__(self, chunk_rows: int) -> None:
        self._chunk_rows = chunk_rows
        self._buffer: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Take a table, and yield the full ones that there are now."""
        if len(table) or not self._buffer:
            self._buffer.append(table)
            self._rows += len(table)
        if self._rows >= self._chunk_rows:
            data = pa.concat_tables(self._buffer)
            full = len(data) - len(data) % self._chunk_rows
            self._buffer, self._rows = [data.slice(full)], len(data) - full
            for start in range(0, full, self._chunk_rows):
                yield data.slice(start, self._chunk_rows)

    def rest(self) -> pa.Table | None:
        """Return the rows that are left; None where no table came."""
        return pa.concat_tables(self._buffer) if self._buffer else None


def regroup(batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Put record batches of any size together to tables of `chunk_rows` rows, at least one."""
    grouping = Regrouping(chunk_rows)
    any_yet = False
    for batch in batches:
        for chunk in grouping.add(pa.Table.from_batches([batch], schema)):
            any_yet = True
            yield chunk
    rest = grouping.rest()
    if rest is not None and len(rest):
        yield rest
    elif not any_yet:
        yield schema.empty_table()
