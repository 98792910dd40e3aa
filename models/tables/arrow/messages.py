"""The messages of an Arrow stream, and how large they become, read from their heads before anything is made of them.

Arrow may compress each buffer of a message by itself, and its reader allocates whatever size a compressed buffer
claims: a message of a kilobyte can be gigabytes of cells. Each compressed buffer starts with its length as an int64,
so the size of a message can be added up. Where that number stands is said in the message's head, a FlatBuffer: a
table whose vtable says where each field is (Message.fbs in Arrow's format specification).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pyarrow as pa

SCHEMA, DICTIONARY, RECORD_BATCH = 1, 2, 3
"""Kinds of messages."""

END_OF_STREAM: Final = 0
"""The kind of what ends a stream."""

KIND, HEADER, BODY_LENGTH, METADATA = 1, 2, 3, 4
"""Indices of fields in the table Message."""

_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3  # of the table RecordBatch
_ID, _DATA, _IS_DELTA = 0, 1, 2  # of the table DictionaryBatch
_WORD_BYTES: Final = 4
_LENGTH_BYTES: Final = 8  # of a compressed buffer
_CONTINUATION: Final = 0xFFFFFFFF  # stands before every message but those that Arrow wrote before 2019
_NO_HEAD: Final = 1 << 28  # more bytes: it is a text, whose first four are read as a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message whose head has come.

    Args:
        kind: Its kind; `END_OF_STREAM` has neither head nor body.
        head: Its head, a FlatBuffer.
        body_start: Number of bytes before its body.
        size: Number of bytes of all of it.
    """

    kind: int
    head: bytes = b""
    body_start: int
    size: int

    def sizes(self, content: bytes | memoryview) -> tuple[int, int]:
        """Return its rows, or the entries of a dictionary, and its decompressed bytes.

        Args:
            content: All of the message.

        Raises:
            pa.ArrowInvalid: It is damaged.
        """
        if self.kind not in (DICTIONARY, RECORD_BATCH):
            return 0, 0
        try:
            return self._sizes(memoryview(self.head), memoryview(content)[self.body_start : self.size])
        except struct.error as error:
            raise broken_head() from error

    def _sizes(self, head: memoryview, body: memoryview) -> tuple[int, int]:
        batch = target(head, field(head, target(head, 0), HEADER))
        if self.kind == DICTIONARY:
            batch = target(head, field(head, batch, _DATA))
        length = field(head, batch, _LENGTH, required=False)
        rows = integer(head, "<q", length) if length else 0
        if rows < 0:
            raise struct.error("less than no rows")
        if not field(head, batch, _COMPRESSION, required=False):
            return rows, len(body)
        buffers = target(head, field(head, batch, _BUFFERS))
        return rows, _decompressed(head[buffers + 4 :], integer(head, "<I", buffers), body)


@final
class Dictionaries:
    """Counts what the dictionaries of a stream hold: Arrow makes a new one of each that another is put behind.

    Attributes:
        grown_bytes: Bytes of all those new ones.
    """

    def __init__(self) -> None:
        self.grown_bytes = 0
        self._held: dict[int, tuple[int, int]] = {}

    def sizes(self, message: Message, content: bytes | memoryview) -> tuple[int, int]:
        """Return entries and decompressed bytes of a dictionary's message, with those that it is put behind.

        Raises:
            pa.ArrowInvalid: It is damaged.
        """
        entries, size = message.sizes(content)
        try:
            key, is_delta = _dictionary(message.head)
        except (struct.error, IndexError) as error:
            raise broken_head() from error
        if is_delta:
            before = self._held.get(key, (0, 0))
            entries, size = before[0] + entries, before[1] + size
            self.grown_bytes += size
        self._held[key] = entries, size
        return entries, size


def next_message(
    content: bytes | bytearray | memoryview, require_head: Callable[[int], None] = lambda size: None
) -> Message | None:
    """Return the message that some bytes start with; None where its head is not complete.

    Args:
        content: The bytes.
        require_head: Raises an error if the head has too many bytes.

    Raises:
        pa.ArrowInvalid: There is no message.
    """
    if len(content) < _WORD_BYTES:
        return None
    start = _WORD_BYTES
    length: int = struct.unpack_from("<I", content)[0]
    if length == _CONTINUATION:
        start += _WORD_BYTES
        if len(content) < start:
            return None
        length = struct.unpack_from("<I", content, _WORD_BYTES)[0]
    if not length:
        return Message(kind=END_OF_STREAM, body_start=start, size=start)
    if length > _NO_HEAD:
        raise pa.ArrowInvalid("a message does not start as messages do")
    require_head(length)
    if len(content) < start + length:
        return None
    head = bytes(content[start : start + length])
    try:
        message = target(head, 0)
        kind = head[field(head, message, KIND)]
        offset = field(head, message, BODY_LENGTH, required=False)
        body = integer(head, "<q", offset) if offset else 0
    except (struct.error, IndexError) as error:
        raise broken_head() from error
    if body < 0:
        raise broken_head()
    return Message(kind=kind, head=head, body_start=start + length, size=start + length + body)


def messages_of(content: memoryview, require_head: Callable[[int], None]) -> Iterator[tuple[Message, memoryview]]:
    """Yield the messages of a whole stream, each with its bytes; the last one's body may be cut off."""
    while (message := next_message(content, require_head)) is not None and message.kind != END_OF_STREAM:
        yield message, content[: message.size]
        content = content[message.size :]


def _decompressed(buffers: memoryview, count: int, body: memoryview) -> int:
    """Return the bytes that the compressed buffers of a body claim; `struct.error` if one is not in it."""
    if 2 * _LENGTH_BYTES * count > len(buffers):
        raise struct.error("fewer buffers than it says")
    starts, stored = np.frombuffer(buffers, "<i8", 2 * count).reshape(-1, 2).T
    starts, stored = starts[stored >= _LENGTH_BYTES], stored[stored >= _LENGTH_BYTES]
    if not len(starts):
        return 0
    if starts.min() < 0 or starts.max() > len(body) - _LENGTH_BYTES:
        raise struct.error("a buffer outside of the body")
    octets = np.frombuffer(body, np.uint8)[starts[:, np.newaxis] + np.arange(_LENGTH_BYTES)]
    claimed = octets.view("<i8")[:, 0]  # a length of -1: this one is not compressed
    return sum(np.maximum(claimed, stored).tolist())  # which may be more than an int64 holds


def _dictionary(head: bytes) -> tuple[int, bool]:
    """Return the key of a dictionary, and whether the message is put behind what it holds."""
    table = target(head, field(head, target(head, 0), HEADER))
    key, delta = field(head, table, _ID, required=False), field(head, table, _IS_DELTA, required=False)
    return integer(head, "<q", key) if key else 0, bool(delta and head[delta])


def broken_head() -> pa.ArrowInvalid:
    """Return the error for a head whose references lead out of it."""
    return pa.ArrowInvalid("a message has a broken head")


def field(head: bytes | memoryview, table: int, index: int, *, required: bool = True) -> int:
    """Return the offset of a table's field, 0 where it is left out; `struct.error` if it is required or broken."""
    vtable = table - integer(head, "<i", table)
    if vtable < 0:
        raise struct.error("a table before the message")
    entry = 4 + 2 * index
    offset = integer(head, "<H", vtable + entry) if entry < integer(head, "<H", vtable) else 0
    if required and not offset:
        raise struct.error("a field is missing")
    return table + offset if offset else 0


def target(head: bytes | memoryview, offset: int) -> int:
    """Return the offset that the reference at an offset leads to."""
    return offset + integer(head, "<I", offset)


def integer(data: bytes | memoryview, layout: str, offset: int) -> int:
    """Return the number at an offset; `struct.error` if there is none."""
    value: int = struct.unpack_from(layout, data, offset)[0]
    return value
