"""What the footer of a Parquet file holds, read before Arrow makes anything of it.

Its schema is a list of fields, of which each column has the names of all that it is in; its metadata may have the
schema once more as Arrow's, which may refer to one field any number of times. The footer is a struct in Thrift's
compact form (parquet.thrift in Parquet's format specification says what stands where).
"""

from __future__ import annotations

import base64
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

_MARK: Final = b"PAR1"
_TAIL: Final = struct.Struct("<I4s")  # the bytes of the footer, and the mark
_ARROW_SCHEMA: Final = b"ARROW:schema"

_TRUE, _FALSE, _BYTE, _INT32, _INT64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12
_FIXED: Final = {_BYTE: 1, _DOUBLE: 8, 13: 16}  # kinds, and bytes of each; 13 is a UUID
_INTEGERS: Final = (4, _INT32, _INT64)
_DEEPEST: Final = 32
_MOST_VALUES: Final = 1 << 23  # that a footer may hold; what takes more memory counts as several:
_TEXT_VALUES, _STRUCT_VALUES, _COLUMN_VALUES = 4, 16, 64

_SCHEMA, _METADATA = 2, 5  # of the footer
_NAME, _CHILDREN = 4, 5  # of a field of the schema
_KEY, _VALUE = 1, 2  # of metadata
_GROUPS, _COLUMNS, _OF_COLUMN = 4, 1, 3
_LISTS: Final[dict[tuple[int, ...], int]] = {  # path of ids to each known list: what its items are read as in any case
    (_SCHEMA,): _STRUCT,
    (_GROUPS,): _STRUCT,
    (_METADATA,): _STRUCT,
    (7,): _STRUCT,
    (_GROUPS, 4): _STRUCT,
    (_GROUPS, _COLUMNS): _STRUCT,
    **{(_GROUPS, _COLUMNS, _OF_COLUMN, index): _STRUCT for index in (8, 13)},
    **{(_GROUPS, _COLUMNS, _OF_COLUMN, 16, index): _INT64 for index in (2, 3)},
    (_GROUPS, _COLUMNS, _OF_COLUMN, 17, 2): _INT32,
    (_GROUPS, _COLUMNS, _OF_COLUMN, 2): _INT32,
    (_GROUPS, _COLUMNS, _OF_COLUMN, 3): _BINARY,
    (_GROUPS, _COLUMNS, 8, 2, 1): _BINARY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """What a footer holds.

    Args:
        columns: Number of fields of its schema, with those in them.
        name_bytes: Bytes of the names of all columns, each with the names of the fields that it is in.
        arrow_schema: Its schema as a message of Arrow, where it has one.
    """

    columns: int
    name_bytes: int
    arrow_schema: bytes | None


def footer_of(file: pa.NativeFile) -> Footer | None:
    """Return what the footer of a file holds; None where there is none, which Arrow says better.

    Raises:
        pa.ArrowInvalid: It is damaged, not as Parquet is written, or holds too much.
    """
    size = file.size()
    if size < _TAIL.size + len(_MARK):
        return None
    file.seek(size - _TAIL.size)
    length, mark = _TAIL.unpack(file.read(_TAIL.size))
    if mark != _MARK or length > size - _TAIL.size:
        return None
    file.seek(size - _TAIL.size - length)
    content = file.read(length)
    try:
        plain = _Thrift(content).value(_STRUCT)
        fields = [(len(field[_NAME]), field.get(_CHILDREN, 0)) for field in plain[_SCHEMA]]
        texts = {entry[_KEY]: entry.get(_VALUE) for entry in reversed(plain.get(_METADATA, []))}  # the first is read
        if content.count(_ARROW_SCHEMA) != sum(entry[_KEY] == _ARROW_SCHEMA for entry in plain.get(_METADATA, [])):
            raise ValueError("it is in another place")
        stored = texts.get(_ARROW_SCHEMA)
        return Footer(
            columns=len(fields) - 1,
            name_bytes=_name_bytes(fields),
            arrow_schema=None if stored is None else base64.b64decode(stored, validate=True),
        )
    except pa.ArrowInvalid:
        raise
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise pa.ArrowInvalid("its footer is not as Parquet is written") from error


def _name_bytes(fields: list[tuple[int, int]]) -> int:
    """Return the bytes of the names of all fields but the first, the root; fields are in depth-first order."""
    total = 0
    open_fields: list[list[int]] = []  # children to come, and bytes of the names so far
    for name, children in fields:
        while open_fields and not open_fields[-1][0]:
            open_fields.pop()
        outer = 0
        if open_fields:
            open_fields[-1][0] -= 1
            outer = open_fields[-1][1]
            total += outer + name
        is_root = not open_fields
        if children > 0:
            open_fields.append([children, 0 if is_root else outer + name + 1])
    return total


class _Thrift:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = self._values = 0

    def value(self, kind: int, path: tuple[int, ...] = ()) -> Any:
        """Return the value that starts here: of a struct by id, of what is not needed None."""
        if kind in _INTEGERS:
            number = self._varint()
            return number >> 1 ^ -(number & 1)
        if kind == _BINARY:
            self._count(_TEXT_VALUES)
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self._struct(path)
        if kind in (_LIST, _SET):
            return self._list(path)
        if kind == _MAP:
            return self._map(path)
        if kind not in _FIXED:
            raise ValueError("no such kind")
        self._bytes(_FIXED[kind])
        return None

    def _struct(self, path: tuple[int, ...]) -> dict[int, Any]:
        self._count(_COLUMN_VALUES if path == (_GROUPS, _COLUMNS) else _STRUCT_VALUES)
        if len(path) > _DEEPEST:
            raise ValueError("too deep")
        found: dict[int, Any] = {}
        index = 0
        while start := self._byte():
            kind, step = start & 15, start >> 4
            index = index + step if step else self.value(_INT32)
            self._count(1)
            if kind not in (_TRUE, _FALSE):  # which are told by the kind
                found[index] = self.value(kind, (*path, index))
        return found

    def _list(self, path: tuple[int, ...]) -> list[Any]:
        start = self._byte()
        count, kind = start >> 4, start & 15
        if count == 15:
            count = self._varint()
        if count and kind != _LISTS.get(path, kind):
            raise ValueError("a list of another kind")
        self._count(count)
        items = (self._item(kind, path) for _ in range(count))
        if path not in ((_SCHEMA,), (_METADATA,)):  # which alone are needed
            deque(items, maxlen=0)
            return []
        return list(items)

    def _map(self, path: tuple[int, ...]) -> None:
        count = self._varint()
        self._count(2 * count)
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._item(kinds >> 4, path)
            self._item(kinds & 15, path)

    def _item(self, kind: int, path: tuple[int, ...]) -> Any:
        return self._byte() if kind in (_TRUE, _FALSE) else self.value(kind, (*path, 0) if kind != _STRUCT else path)

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > _MOST_VALUES:
            raise pa.ArrowInvalid("its footer holds too many values: write fewer columns, or larger groups of rows")

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) > 127:
            number |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("too long a number")
        return number | byte << shift

    def _bytes(self, count: int) -> bytes:
        if count > len(self._content) - self._at:
            raise IndexError("beyond the end")
        self._at += count
        return self._content[self._at - count : self._at]
