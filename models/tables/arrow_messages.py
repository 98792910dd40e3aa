"""How large the messages of an Arrow stream become, read from their headers before anything is decompressed.

Arrow may compress each buffer of a message by itself, and its reader allocates whatever size a compressed buffer
claims: a message of a kilobyte can be gigabytes of cells. Each compressed buffer starts with its length as an int64,
so the size of a message can be added up. Where that number stands is said in the message's header, a FlatBuffer: a
table whose vtable says where each field is (Message.fbs in Arrow's format specification).
"""

from __future__ import annotations

import struct
from typing import Final

import pyarrow as pa

SCHEMA, DICTIONARY = 1, 2
"""Kinds of messages that are no record batches."""

END_OF_STREAM: Final = 0
"""The kind that `next_message` returns for the end of a stream."""

_KIND, _HEADER, _BODY_LENGTH = 1, 2, 3  # indices of fields in the tables Message, RecordBatch and DictionaryBatch
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
_FIELDS, _CHILDREN = 1, 5  # of the tables Schema and Field
_DATA: Final = 1
_PREFIX_BYTES: Final = 8
_BATCH_TYPES: Final = ("record batch", "dictionary")
_CONTINUATION: Final = 0xFFFFFFFF  # stands before every message


def message_sizes(message: pa.ipc.Message) -> tuple[int, int]:
    """Return rows (0 of a dictionary) and decompressed bytes of a message; `pa.ArrowInvalid` if it is damaged."""
    if message.type not in _BATCH_TYPES:
        return 0, 0
    try:
        return _sizes(message)
    except struct.error as error:
        raise pa.ArrowInvalid("a message has a broken head") from error


def field_count(message: pa.ipc.Message, *, most: int) -> int:
    """Return the number of fields of a schema with those in them; counting ends above `most`.

    A field is counted as often as it is referred to: Arrow makes it anew each time, and a small message may refer to
    one field a million times.

    Raises:
        pa.ArrowInvalid: The message is damaged.
    """
    header = memoryview(message.metadata)
    count = 0
    try:
        schema = _target(header, _field(header, _target(header, 0), _HEADER))
        waiting = [_field(header, schema, _FIELDS, required=False)]
        while waiting and count <= most:
            if not (reference := waiting.pop()):
                continue
            vector = _target(header, reference)
            length = _integer(header, "<I", vector)
            count += length
            if count <= most:
                fields = (_target(header, vector + 4 + 4 * index) for index in range(length))
                waiting += [_field(header, field, _CHILDREN, required=False) for field in fields]
    except struct.error as error:
        raise pa.ArrowInvalid("a message has a broken head") from error
    return count


def next_message(content: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Return the kind and the size of the message that starts at an offset; None where its header is not complete.

    Raises:
        pa.ArrowInvalid: There is no message.
    """
    if len(content) < start + _PREFIX_BYTES:
        return None
    mark, length = struct.unpack_from("<II", content, start)
    if mark != _CONTINUATION:
        raise pa.ArrowInvalid("a message does not start as messages do")
    if not length:
        return END_OF_STREAM, _PREFIX_BYTES
    end = start + _PREFIX_BYTES + length
    if len(content) < end:
        return None
    header = memoryview(content)[start + _PREFIX_BYTES : end]
    try:
        message = _target(header, 0)
        kind = header[_field(header, message, _KIND)]
        offset = _field(header, message, _BODY_LENGTH, required=False)
        body = _integer(header, "<q", offset) if offset else 0
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid("a message has a broken head") from error
    finally:
        header.release()
    if body < 0:
        raise pa.ArrowInvalid("a message has a broken head")
    return kind, _PREFIX_BYTES + length + body


def _sizes(message: pa.ipc.Message) -> tuple[int, int]:
    header, body = memoryview(message.metadata), memoryview(message.body or b"")
    batch = _target(header, _field(header, _target(header, 0), _HEADER))
    is_dictionary = message.type == "dictionary"
    if is_dictionary:
        batch = _target(header, _field(header, batch, _DATA))
    length = 0 if is_dictionary else _field(header, batch, _LENGTH, required=False)
    rows = _integer(header, "<q", length) if length else 0
    if not _field(header, batch, _COMPRESSION, required=False):
        return rows, len(body)
    buffers = _target(header, _field(header, batch, _BUFFERS))
    size = 0
    for index in range(_integer(header, "<I", buffers)):
        start, stored = struct.unpack_from("<qq", header, buffers + 4 + 16 * index)
        if start >= 0 and stored >= _PREFIX_BYTES:
            size += max(_integer(body, "<q", start), stored)  # a length of -1: this one is not compressed
    return rows, size


def _field(header: memoryview, table: int, index: int, *, required: bool = True) -> int:
    """Return the offset of a table's field, 0 where it is left out; `struct.error` if it is required or broken."""
    vtable = table - _integer(header, "<i", table)
    if vtable < 0:
        raise struct.error("a table before the message")
    entry = 4 + 2 * index
    offset = _integer(header, "<H", vtable + entry) if entry < _integer(header, "<H", vtable) else 0
    if required and not offset:
        raise struct.error("a field is missing")
    return table + offset if offset else 0


def _target(header: memoryview, offset: int) -> int:
    """Return the offset that the reference at an offset leads to."""
    return offset + _integer(header, "<I", offset)


def _integer(data: memoryview, layout: str, offset: int) -> int:
    value: int = struct.unpack_from(layout, data, offset)[0]
    return value
