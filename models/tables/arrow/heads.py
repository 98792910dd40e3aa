"""How large the head of an Arrow message becomes: it may refer to one field, name or text any number of times.

Arrow makes each of them anew each time, so that half a megabyte can become gigabytes. This is counted before Arrow sees
the message (Schema.fbs in Arrow's format specification says where what stands).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from models.tables.arrow.messages import HEADER, METADATA, SCHEMA, Message, broken_head, field, integer, target

_FIELDS, _SCHEMA_METADATA = 1, 2  # indices of fields in the table Schema
_NAME, _KIND, _TYPE, _CHILDREN, _FIELD_METADATA = 0, 2, 3, 5, 6  # of the table Field
_IN_TYPE: Final = {10: (1, 1), 14: (1, 4)}  # kinds whose type has a vector (time zone, ids of a union): index, bytes
_DOT_BYTES: Final = 1  # between the names of a nested field
_ENTRY_BYTES: Final = 64  # of metadata, beside its texts


def head_sizes(message: Message, *, max_fields: int, max_bytes: int | None) -> tuple[int, int]:
    """Return the fields of a schema with those in them, and the bytes of all names and metadata of a message.

    The name of a field in others has theirs before it, as a column has whose cells were nested. Counting ends above
    `max_fields` and above `max_bytes`, where it is given.

    Raises:
        pa.ArrowInvalid: The message is damaged.
    """
    sizes = _Sizes(memoryview(message.head), max_fields, math.inf if max_bytes is None else max_bytes)
    try:
        sizes.add_message(is_schema=message.kind == SCHEMA)
    except (struct.error, IndexError) as error:
        raise broken_head() from error
    return sizes.fields, sizes.text_bytes


class _Sizes:
    def __init__(self, head: memoryview, max_fields: int, max_bytes: float) -> None:
        self._head = head
        self._max_fields, self._max_bytes = max_fields, max_bytes
        self.fields = self.text_bytes = 0

    def add_message(self, *, is_schema: bool) -> None:
        message = target(self._head, 0)
        self._add_metadata(message, METADATA)
        if is_schema:
            schema = target(self._head, field(self._head, message, HEADER))
            self._add_metadata(schema, _SCHEMA_METADATA)
            self._add_fields(schema)

    def _add_fields(self, schema: int) -> None:
        waiting, outer_bytes = [self._tables(schema, _FIELDS)], [0]
        while waiting and self.fields <= self._max_fields and self.text_bytes <= self._max_bytes:
            table = next(waiting[-1], None)
            if table is None:
                waiting.pop()
                outer_bytes.pop()
                continue
            self.fields += 1
            before = self.text_bytes
            self.text_bytes += outer_bytes[-1]
            self._add_vector(table, _NAME)
            outer_bytes.append(self.text_bytes - before + _DOT_BYTES)
            self._add_metadata(table, _FIELD_METADATA)
            kind = field(self._head, table, _KIND, required=False)
            if kind and (vector := _IN_TYPE.get(self._head[kind])):
                self._add_vector(target(self._head, field(self._head, table, _TYPE)), *vector)
            waiting.append(self._tables(table, _CHILDREN))

    def _add_metadata(self, table: int, index: int) -> None:
        for entry in self._tables(table, index):
            self.text_bytes += _ENTRY_BYTES
            self._add_vector(entry, 0)
            self._add_vector(entry, 1)
            if self.text_bytes > self._max_bytes:
                return

    def _add_vector(self, table: int, index: int, item_bytes: int = 1) -> None:
        if offset := field(self._head, table, index, required=False):
            self.text_bytes += item_bytes * integer(self._head, "<I", target(self._head, offset))

    def _tables(self, table: int, index: int) -> Iterator[int]:
        """Yield the tables of a vector; none where it is left out."""
        if offset := field(self._head, table, index, required=False):
            vector = target(self._head, offset)
            for item in range(integer(self._head, "<I", vector)):
                yield target(self._head, vector + 4 + 4 * item)
