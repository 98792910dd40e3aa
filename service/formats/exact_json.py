"""Decodes what has a schema's columns and ids, and nothing else, straight into their order.

Without dictionaries between, which would take longer, and only for that: whatever else comes is for
`json_bodies`, which gives the same cells where both give some. The cells of columns of numbers are known to be
numbers or null then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import GenericAlias
from typing import Any, Final, Literal, TypeVar

import msgspec

from models.schema import FeatureSchema
from models.strict_json import repeats_key

Cells = tuple[Any, ...]
T = TypeVar("T")

_MOST_COLUMNS: Final = 1_000
_NOT_OURS: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


@lru_cache(maxsize=16)
def exact_records(schema: FeatureSchema) -> ExactRecords:
    """Return the decoder for a schema."""
    return ExactRecords(schema)


class ExactRecords:
    """Decoders that are made for a schema.

    Args:
        schema: The columns that are wanted.

    Attributes:
        names: These columns, and the ids.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.names = names = tuple(dict.fromkeys([*schema.read_names, *schema.ids]))
        self._usable = len(names) <= _MOST_COLUMNS and set(names) != {"columns", "rows"}  # these mean a table
        if not self._usable:
            return
        numbers = frozenset(schema.numbers)
        kinds: list[Any] = [float | None if name in numbers else Any for name in names]
        fields = {f"cell_{place}": name for place, name in enumerate(names)}
        members = list(zip(fields, kinds, strict=True))
        record = msgspec.defstruct("Record", members, rename=fields, forbid_unknown_fields=True, gc=False)
        own_names = GenericAlias(tuple, tuple(Literal[name] for name in names))
        rows = GenericAlias(list, (GenericAlias(tuple, tuple(kinds)),))
        table = msgspec.defstruct("Table", [("columns", own_names), ("rows", rows)], forbid_unknown_fields=True)
        self._record = msgspec.json.Decoder(record)
        self._records = msgspec.json.Decoder(GenericAlias(list, (record,)))
        self._table: msgspec.json.Decoder[Any] = msgspec.json.Decoder(table)

    def rows(self, content: bytes, *, most: int) -> Sequence[Cells] | None:
        """Return the cells of a record, a list of records, or a table whose columns are `names`, in their order.

        Args:
            content: The body.
            most: Most rows that may come.

        Returns:
            None where it is another body: one with more or other members, or another order of columns.
        """
        if not self._usable:
            return None
        is_list = content.lstrip()[:1] == b"["
        if not is_list and (record := _decoded(self._record, content)) is not None:
            return self._rows_of(content, [record])
        if content.count(b"{") > most or content.count(b"[") > most + 2:
            return None  # before objects are made
        if is_list:
            return self._rows_of(content, _decoded(self._records, content))
        table = _decoded(self._table, content)
        if table is None or not table.rows or repeats_key(content, {"columns": self.names, "rows": table.rows}):
            return None
        rows: list[Cells] = table.rows
        return rows if len(rows) <= most else None

    def lines(self, content: bytes, *, most: int) -> Sequence[Cells] | None:
        """Return the cells of records, one a line, as `rows` does; empty lines are left out."""
        lines = [line for line in content.split(b"\n") if line.strip()]
        if not self._usable or len(lines) > most:
            return None
        try:
            records = list(map(self._record.decode, lines))
        except _NOT_OURS:
            return None
        return self._rows_of(content, records)

    def _rows_of(self, content: bytes, records: Sequence[msgspec.Struct] | None) -> Sequence[Cells] | None:
        if not records:
            return None
        rows = list(map(msgspec.structs.astuple, records))
        # Each member has a colon, and all are there: with no more colons, none comes twice.
        more = content.count(b":") - len(self.names) * len(rows)
        return rows if not more or more == _colons_in_texts(content, rows) else None


def _decoded(decoder: msgspec.json.Decoder[T], content: bytes) -> T | None:
    try:
        return decoder.decode(content)
    except _NOT_OURS:
        return None


def _colons_in_texts(content: bytes, rows: Sequence[Cells]) -> int | None:
    """Return how many colons the texts of rows have as they were sent; None where something is escaped."""
    if b"\\" in content:
        return None
    return sum(cell.count(":") for cells in rows for cell in cells if type(cell) is str)
