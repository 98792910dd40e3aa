"""How large the record batches of an Arrow stream get, told before they are unfolded.

Arrow's messages may pack each buffer by itself: a message of a kilobyte can be gigabytes of cells, and the reader
has no limit. Each packed buffer starts with its length as an int64, so what a message becomes can be added up. Where
that number stands is said in the message's head, a FlatBuffer: see Message.fbs in Arrow's format specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pyarrow as pa

from service.settings import Settings
from service.web.body import too_large
from service.web.problems import too_many_rows

SCHEMA, DICTIONARY, RECORD_BATCH = 1, 2, 3
"""Kinds of messages."""

_KIND, _HEADER, _BODY_LENGTH = 1, 2, 3  # places of fields in the tables Message, RecordBatch and DictionaryBatch
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
_DATA: Final = 1
_PREFIX_BYTES: Final = 8
_BATCH_TYPES: Final = ("record batch", "dictionary")
_CONTINUED: Final = 0xFFFFFFFF  # stands before every message


def require_small_messages(content: bytes, settings: Settings) -> None:
    """Check that the batches of a stream stay small when they are unfolded.

    Raises:
        RequestError: They hold too many rows or bytes.
        pa.ArrowInvalid: The stream is damaged.
    """
    rows = total = 0
    for message in _messages(pa.ipc.MessageReader.open_stream(pa.BufferReader(content))):
        if message.type not in _BATCH_TYPES:
            continue
        length, size = _sizes(message)
        rows += length if message.type == "record batch" else 0
        total += size
        if rows > settings.max_rows:
            raise too_many_rows(rows, settings.max_rows)
        if total > settings.max_body_bytes:
            raise too_large(settings)


def next_message(content: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Return the kind and the size of the message that starts at a place; None where its head is not there yet.

    Of what ends a stream the kind is 0.

    Raises:
        pa.ArrowInvalid: There is no message.
    """
    if len(content) < start + _PREFIX_BYTES:
        return None
    mark, length = struct.unpack_from("<II", content, start)
    if mark != _CONTINUED:
        raise pa.ArrowInvalid("a message does not start as messages do")
    if not length:
        return 0, _PREFIX_BYTES
    end = start + _PREFIX_BYTES + length
    if len(content) < end:
        return None
    head = memoryview(content)[start + _PREFIX_BYTES : end]
    try:
        message = _target(head, 0)
        kind = head[_field(head, message, _KIND)]
        own = _field(head, message, _BODY_LENGTH, required=False)
        body = _number(head, "<q", own) if own else 0
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid("a message has a broken head") from error
    finally:
        head.release()
    if body < 0:
        raise pa.ArrowInvalid("a message has a broken head")
    return kind, _PREFIX_BYTES + length + body


def unfolded_bytes(message: bytes) -> int:
    """Return how many bytes a record batch or dictionary has when no buffer is packed.

    Raises:
        pa.ArrowInvalid: It is damaged.
    """
    return _sizes(pa.ipc.read_message(message))[1]


def _messages(reader: pa.ipc.MessageReader) -> Iterator[pa.ipc.Message]:
    with suppress(StopIteration):
        while True:
            yield reader.read_next_message()


def _sizes(message: pa.ipc.Message) -> tuple[int, int]:
    try:
        return _unfolded(message)
    except struct.error as error:
        raise pa.ArrowInvalid("a message has a broken head") from error


def _unfolded(message: pa.ipc.Message) -> tuple[int, int]:
    """Return the rows of a batch, and its bytes when no buffer is packed."""
    head, body = memoryview(message.metadata), memoryview(message.body or b"")
    batch = _target(head, _field(head, _target(head, 0), _HEADER))
    if message.type == "dictionary":
        batch = _target(head, _field(head, batch, _DATA))
    length = _field(head, batch, _LENGTH, required=False)
    rows = _number(head, "<q", length) if length else 0
    if not _field(head, batch, _COMPRESSION, required=False):
        return rows, len(body)
    buffers = _target(head, _field(head, batch, _BUFFERS))
    size = 0
    for number in range(_number(head, "<I", buffers)):
        place, stored = struct.unpack_from("<qq", head, buffers + 4 + 16 * number)
        if place >= 0 and stored >= _PREFIX_BYTES:
            size += max(_number(body, "<q", place), stored)  # a length of -1: this one is not packed
    return rows, size


def _field(head: memoryview, table: int, number: int, *, required: bool = True) -> int:
    """Return where a field of a table is, 0 where it is left out.

    Raises:
        struct.error: It is left out and required, or the table is broken.
    """
    fields = table - _number(head, "<i", table)
    if fields < 0:
        raise struct.error("a table before the message")
    entry = 4 + 2 * number
    offset = _number(head, "<H", fields + entry) if entry < _number(head, "<H", fields) else 0
    if required and not offset:
        raise struct.error("a field is missing")
    return table + offset if offset else 0


def _target(head: memoryview, place: int) -> int:
    """Return where the reference at a place leads to."""
    return place + _number(head, "<I", place)


def _number(data: memoryview, form: str, place: int) -> int:
    number: int = struct.unpack_from(form, data, place)[0]
    return number
