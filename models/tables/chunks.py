"""Puts batches of any size together to chunks of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def regroup(batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Put record batches of any size together to tables of `chunk_rows` rows, at least one."""
    held: list[pa.RecordBatch] = []
    rows = 0
    any_yet = False
    for batch in batches:
        rest = batch
        while rows + rest.num_rows >= chunk_rows:
            cut = chunk_rows - rows
            yield pa.Table.from_batches([*held, rest.slice(0, cut)], schema)
            any_yet = True
            held, rows, rest = [], 0, rest.slice(cut)
        if rest.num_rows:
            held.append(rest)
        rows += rest.num_rows
    if rows or not any_yet:
        yield pa.Table.from_batches(held, schema)
