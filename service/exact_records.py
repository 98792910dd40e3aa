"""Decodes what has a schema's columns and ids, and nothing else, straight into their order: a record, or rows of cells.

Twice as fast as by way of a dictionary, and only for that: whatever else comes is for `service.json_bodies`, which
gives the same cells where both give some. The cells of columns of numbers are known to be numbers or null then.
"""

from __future__ import annotations

from functools import lru_cache
from types import GenericAlias
from typing import Any, Final, Literal

import msgspec

from models.schema import FeatureSchema
from service.json_bodies import has_twins

_MOST_COLUMNS: Final = 1_000


@lru_cache(maxsize=16)
def exact_records(schema: FeatureSchema) -> ExactRecords:
    """Return the decoder for a schema."""
    return ExactRecords(schema)


class ExactRecords:
    """A decoder that is made for a schema.

    Args:
        schema: The columns that are wanted.

    Attributes:
        names: These columns, and the ids.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.names = names = tuple(dict.fromkeys([*schema.read_names, *schema.ids]))
        self._decoder: msgspec.json.Decoder[msgspec.Struct] | None = None
        self._table_decoder: msgspec.json.Decoder[Any] | None = None
        if len(names) > _MOST_COLUMNS or set(names) == {"columns", "rows"}:  # these mean a table
            return
        numbers = frozenset(schema.numbers)
        kinds: list[Any] = [float | None if name in numbers else Any for name in names]
        fields = {f"cell_{place}": name for place, name in enumerate(names)}
        record = msgspec.defstruct("Record", list(zip(fields, kinds, strict=True)), rename=fields)
        self._decoder = msgspec.json.Decoder(record)
        own_names = GenericAlias(tuple, tuple(Literal[name] for name in names))
        rows = GenericAlias(list, (GenericAlias(tuple, tuple(kinds)),))
        table = msgspec.defstruct("Table", [("columns", own_names), ("rows", rows)], forbid_unknown_fields=True)
        self._table_decoder = msgspec.json.Decoder(table)

    def cells(self, content: bytes) -> tuple[Any, ...] | None:
        """Return the cells of a record in the order of `names`; None where it is not such a record."""
        if self._decoder is None:
            return None
        try:
            record = self._decoder.decode(content)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        cells = msgspec.structs.astuple(record)
        # Each member has a colon, and all are there: with no more colons, none comes twice and none is unknown.
        more = content.count(b":") - len(self.names)
        return cells if not more or more == _colons_in_texts(content, cells) else None

    def rows(self, content: bytes) -> list[tuple[Any, ...]] | None:
        """Return the rows of a table whose columns are `names`; None where it is not such a table."""
        if self._table_decoder is None:
            return None
        try:
            table = self._table_decoder.decode(content)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        rows: list[tuple[Any, ...]] = table.rows
        return None if not rows or has_twins(content, {"columns": self.names, "rows": rows}) else rows


def _colons_in_texts(content: bytes, cells: tuple[Any, ...]) -> int | None:
    """Return how many colons the texts of a record have as they were sent; None where something is escaped."""
    return None if b"\\" in content else sum(cell.count(":") for cell in cells if type(cell) is str)
