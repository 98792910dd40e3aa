"""Decodes JSON records that have exactly a schema's columns and ids, without a dictionary for each record.

That is several times as fast. The cells come in the schema's order, and those of numeric columns are numbers or null.
Other records are decoded by `service.formats.json`, which gives the same cells where both decode a body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from types import GenericAlias
from typing import Any, Final, Literal, TypeVar

import msgspec

from models.schema import FeatureSchema
from service.formats.json_slices import DECODE_ERRORS, SLICE_BYTES, decode_list, slices_of

Cells = tuple[Any, ...]
_Cell = str | int | float | bool | None  # what else is refused is not decoded here
T = TypeVar("T")

_MOST_COLUMNS: Final = 1_000
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')  # msgspec names no field with these, or JSON holds none
_TABLE_KEYS: Final = 2  # columns and rows


@lru_cache(maxsize=16)
def exact_records(schema: FeatureSchema) -> ExactRecords:
    """Return the decoder of a schema's records."""
    return ExactRecords(schema)


class ExactRecords:
    """Decoder of the records of one schema: its columns and ids.

    Attributes:
        schema: The schema.
        names: Names of the cells of a row: the columns, then the ids.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.schema = schema
        self.names = names = tuple(dict.fromkeys([*schema.read_names, *schema.ids]))
        self._usable = (
            len(names) <= _MOST_COLUMNS
            and set(names) != {"columns", "rows"}  # a table has these
            and not any(map(_ESCAPED.search, names))
        )
        if not self._usable:
            return
        numbers = frozenset(schema.numbers)
        kinds: list[Any] = [float | None if name in numbers else _Cell for name in names]
        fields = {f"cell_{index}": name for index, name in enumerate(names)}
        members = list(zip(fields, kinds, strict=True))
        record = msgspec.defstruct("Record", members, rename=fields, forbid_unknown_fields=True, gc=False)
        column_names = GenericAlias(tuple, tuple(Literal[name] for name in names))
        rows = GenericAlias(list, (GenericAlias(tuple, tuple(kinds)),))
        table = msgspec.defstruct("Table", [("columns", column_names), ("rows", rows)], forbid_unknown_fields=True)
        large = msgspec.defstruct(
            "Large", [("columns", column_names), ("rows", msgspec.Raw)], forbid_unknown_fields=True
        )
        self._record = msgspec.json.Decoder(record)
        self._records = msgspec.json.Decoder(GenericAlias(list, (record,)))
        self._table: msgspec.json.Decoder[Any] = msgspec.json.Decoder(table)
        self._large_table: msgspec.json.Decoder[Any] = msgspec.json.Decoder(large)
        self._cells: msgspec.json.Decoder[list[Cells]] = msgspec.json.Decoder(rows)

    def rows(self, content: bytes, *, most: int) -> list[Cells] | None:
        """Return the at most `most` rows of a body: a record, a list of records, or a table whose columns are `names`.

        Returns:
            One tuple a row, in the order of `names`; None for any other body, such as one with other keys.
        """
        if not self._usable:
            return None
        is_list = content.lstrip()[:1] == b"["
        if not is_list and (record := _decoded(self._record, content)) is not None:
            return self._rows_of(content, [record])
        if content.count(b"{") > most or content.count(b"[") > most + 2:
            return None  # before objects are made
        try:
            if is_list:
                return self._rows_of(content, decode_list(content, self._records))
            rows = self._table_rows(content)
        except DECODE_ERRORS:
            return None
        return _unrepeated(content, rows, keys=_TABLE_KEYS) if 0 < len(rows) <= most else None

    def lines(self, content: bytes, *, most: int) -> list[Cells] | None:
        """Return the rows of JSON lines, as `rows` does; empty lines are left out."""
        lines = [line for line in content.split(b"\n") if line.strip()]
        if not self._usable or len(lines) > most:
            return None
        records: list[msgspec.Struct] = []
        try:
            for some in slices_of(lines, len(content)):
                records += map(self._record.decode, some)
        except DECODE_ERRORS:
            return None
        return self._rows_of(content, records)

    def _table_rows(self, content: bytes) -> list[Cells]:
        if len(content) > SLICE_BYTES:
            return decode_list(memoryview(self._large_table.decode(content).rows), self._cells)
        rows: list[Cells] = self._table.decode(content).rows
        return rows

    def _rows_of(self, content: bytes, records: Sequence[msgspec.Struct]) -> list[Cells] | None:
        if not records:
            return None
        rows: list[Cells] = []
        for some in [records] if len(content) <= SLICE_BYTES else slices_of(records, len(content)):
            rows += map(msgspec.structs.astuple, some)
        return _unrepeated(content, rows, keys=len(self.names) * len(rows))


def _unrepeated(content: bytes, rows: list[Cells], *, keys: int) -> list[Cells] | None:
    """Return the rows of a body in which so many keys are; None unless it is sure that none comes twice."""
    more = content.count(b":") - keys  # each key has a colon, and each is there
    return rows if not more or more == _colons_in_texts(content, rows) else None


def _decoded(decoder: msgspec.json.Decoder[T], content: bytes) -> T | None:
    try:
        return decoder.decode(content)
    except DECODE_ERRORS:
        return None


def _colons_in_texts(content: bytes, rows: Sequence[Cells]) -> int | None:
    """Return the number of colons in the texts of rows, as they were sent; None where something is escaped."""
    if b"\\" in content:
        return None
    return sum(cell.count(":") for cells in rows for cell in cells if type(cell) is str)
