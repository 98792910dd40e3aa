"""How large the messages of an Arrow stream become, told before anything is decompressed.

Arrow's reader makes room for whatever size a compressed buffer claims; a request must not choose that. The
layout is that of Arrow's `Message.fbs`: a flatbuffer is a table, whose vtable says where each field is.
"""

from __future__ import annotations

import struct
from typing import Final

import pyarrow as pa
import pyarrow.ipc

_DICTIONARY: Final = 2
_BATCH: Final = 3


def unpacked_bytes(stream: pa.NativeFile) -> int:
    """Return the number of bytes of all buffers, decompressed, as they claim themselves.

    Args:
        stream: An Arrow stream, at its start.

    Raises:
        ValueError: A message is damaged.
    """
    total = 0
    try:
        for message in pa.ipc.MessageReader.open_stream(stream):
            total += _of_message(message.metadata.to_pybytes(), message.body)
    except (struct.error, IndexError) as error:
        raise ValueError("a message of the stream is damaged") from error
    return total


def _of_message(head: bytes, body: pa.Buffer | None) -> int:
    message = struct.unpack_from("<I", head)[0]
    kind = head[_field(head, message, 1)]
    if kind not in (_DICTIONARY, _BATCH) or body is None:
        return 0
    batch = _table(head, message, 2)
    if kind == _DICTIONARY:
        batch = _table(head, batch, 1)
    if not _field(head, batch, 3):  # no compression
        return int(body.size)
    buffers = _table(head, batch, 2)
    content = memoryview(body)
    total = 0
    for number in range(struct.unpack_from("<I", head, buffers)[0]):
        start, stored = struct.unpack_from("<qq", head, buffers + 4 + 16 * number)
        if stored:
            total += max(stored, struct.unpack_from("<q", content, start)[0])
    return total


def _field(head: bytes, table: int, number: int) -> int:
    """Return the place of a table's field, or 0 where it is left out."""
    vtable = table - struct.unpack_from("<i", head, table)[0]
    entry = 4 + 2 * number
    if entry >= struct.unpack_from("<H", head, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", head, vtable + entry)[0]
    return table + int(offset) if offset else 0


def _table(head: bytes, table: int, number: int) -> int:
    """Return the place of the table or vector that a field points to."""
    place = _field(head, table, number)
    return place + int(struct.unpack_from("<I", head, place)[0])
