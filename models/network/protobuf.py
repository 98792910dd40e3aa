"""Reads and writes messages of protocol buffers, by tables of the fields that may occur; no others are let by.

The wire format is that of https://protobuf.dev/programming-guides/encoding: each field is a number, a wire type
and a value. What a table does not name is refused, not skipped: nobody but us writes what is read with it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED32: Final = 5
_LONGEST_VARINT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that may occur.

    Args:
        name: What it is called here.
        kind: ``int``, ``float``, ``bytes`` or ``str``, or the table of the message that it holds.
        repeated: It may occur any number of times; otherwise at most once.
    """

    name: str
    kind: type[int] | type[float] | type[bytes] | type[str] | Mapping[int, Field]
    repeated: bool = False


Fields = Mapping[int, Field]


def read_message(content: memoryview, fields: Fields) -> dict[str, Any]:
    """Return the values of a message by the fields' names: a list for a repeated one, None for an absent one.

    Raises:
        ValueError: It is cut off, or holds a field that is not in the table.
    """
    values: dict[str, Any] = {field.name: [] if field.repeated else None for field in fields.values()}
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        field = fields.get(key >> 3)
        if field is None:
            raise ValueError(f"it holds a field of number {key >> 3}, which we never write")
        value, at = _value(content, at, key & 7, field)
        if field.repeated:
            values[field.name].append(value)
        elif values[field.name] is not None:
            raise ValueError(f"it holds {field.name!r} twice")
        else:
            values[field.name] = value
    return values


def write_message(values: Mapping[str, Any], fields: Fields) -> bytes:
    """Return the message that `read_message` reads the same values from; what is absent, None or [] is not written."""
    written = bytearray()
    for number, field in fields.items():
        value = values.get(field.name)
        for one in (value or []) if field.repeated else [] if value is None else [value]:
            written += _written(number, one, field)
    return bytes(written)


def _written(number: int, value: Any, field: Field) -> bytes:
    kind = field.kind
    if kind is int:
        return _as_varint(number << 3 | _VARINT) + _as_varint(value)
    if kind is float:
        return _as_varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    if not isinstance(kind, type):
        content = write_message(value, kind)
    else:
        content = value.encode() if kind is str else bytes(value)
    return _as_varint(number << 3 | _BYTES) + _as_varint(len(content)) + content


def _as_varint(number: int) -> bytes:
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _value(content: memoryview, at: int, wire: int, field: Field) -> tuple[Any, int]:
    kind = field.kind
    if wire != {int: _VARINT, float: _FIXED32}.get(kind, _BYTES) if isinstance(kind, type) else wire != _BYTES:
        raise ValueError(f"its {field.name!r} is of wire type {wire}")
    if kind is int:
        return _varint(content, at)
    size, at = (4, at) if kind is float else _varint(content, at)
    end = at + size
    if end > len(content):
        raise ValueError(f"it is cut off in {field.name!r}")
    piece = content[at:end]
    if kind is float:
        return struct.unpack("<f", piece)[0], end
    if kind is str:
        return str(piece, "utf-8"), end
    return (piece if isinstance(kind, type) else read_message(piece, kind)), end


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    number = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(content):
            raise ValueError("it is cut off")
        byte = content[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError("it holds a number that never ends")
