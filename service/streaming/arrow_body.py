"""Streamed Arrow bodies; loaded for the first such request, because Arrow takes 30 MB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final, final

import pyarrow as pa

from models.tables.arrow.messages import DICTIONARY, END_OF_STREAM, SCHEMA, Dictionaries, Message, next_message
from models.tables.read_options import CHUNK_ROWS
from models.tables.table import Regrouping, Table
from service.budget import BUDGET
from service.formats.bounds import require_small_head, too_many_entries
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec
from service.formats.tables import TableRows, echoed_of, notes_of, read_table
from service.streaming.bodies import too_long
from service.web.problems import RequestError

_PART_BYTES: Final = 1 << 20
_HEAD_SHARE: Final = 4  # times the bytes of a part may be read again with it: schema and dictionaries
_SMALLER: Final = "Write smaller record batches"


@final
class ArrowBody:
    """An Arrow stream: a part is some whole record batches, with the schema and the dictionaries before them."""

    def __init__(self, spec: BodySpec) -> None:
        self._max_bytes = spec.max_bytes
        # A part is bounded already: no more than one batch too many, and dictionaries of as many bytes before it.
        most = 3 * spec.max_bytes + _PART_BYTES
        self._spec = replace(spec, max_rows=most, max_bytes=most)
        self._buffer = bytearray()
        self._message: Message | None = None  # which the buffer starts with
        self._head = b""  # the schema, and the dictionaries so far
        self._head_size = 0  # decompressed
        self._batches: list[bytes] = []
        self._held = Dictionaries()
        self._dictionaries: list[bytes] = []  # new ones among them
        self._size = 0  # of them, decompressed
        self._ended = self._any_part = False
        self._grouping = Regrouping(CHUNK_ROWS, most_bytes=BUDGET.chunk_bytes)
        self._first = 0
        self.notes: Sequence[str] = ()

    def cut(self, content: bytes, *, last: bool) -> Iterator[bytes]:
        """Yield the parts that are complete with what has come, one by one: each has a copy of the schema."""
        self._buffer += b"" if self._ended else content
        try:
            while not self._ended and (message := self._next()) is not None:
                if message.size > self._max_bytes:
                    raise too_long("A record batch", self._max_bytes, _SMALLER)
                if message.size > len(self._buffer):
                    break
                self._add(message, bytes(self._buffer[: message.size]))
                del self._buffer[: message.size]
                self._message = None
                if self._size >= max(_PART_BYTES, self._head_size // _HEAD_SHARE):
                    yield self._take()
        except pa.ArrowInvalid as error:
            detail = f"The body is no Arrow stream: {error}. Send it anew, whole."
            raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
        if last and self._buffer and not self._ended:
            detail = "The Arrow stream ends in the middle of a message. Send it anew, whole."
            raise RequestError(HTTPStatus.BAD_REQUEST, detail)
        if last and (self._batches or (self._head and not self._any_part)):
            yield self._take()

    def rows(self, part: bytes) -> Iterator[TableRows]:
        """Yield the chunks that are full with one more part."""
        table = read_table(part, self._spec, FORMATS["arrow"])
        self.notes = self.notes or notes_of(table, self._spec.schema)
        yield from map(self._chunk, self._grouping.add(table.data))

    def rest(self) -> Iterator[TableRows]:
        """Yield the rows that are left."""
        rest = self._grouping.rest()
        if rest is not None and len(rest):
            yield self._chunk(rest)

    def _next(self) -> Message | None:
        """Return the message that the buffer starts with, None where its head has not come."""
        if self._message is None:
            self._message = next_message(self._buffer, require_small_head)
        return self._message

    def _add(self, message: Message, content: bytes) -> None:
        if message.kind == END_OF_STREAM:
            self._ended = True
            return
        if message.kind == SCHEMA:
            if self._head:
                raise pa.ArrowInvalid("it has a second schema")
            self._head, self._head_size = content, len(content)
            return
        if is_dictionary := message.kind == DICTIONARY:
            rows, size = self._held.sizes(message, content)
        else:
            rows, size = message.sizes(content)
        if rows > BUDGET.batch_rows:
            if is_dictionary:
                raise too_many_entries(rows, BUDGET.batch_rows)
            detail = f"A record batch has {rows:,} records, more than {BUDGET.batch_rows:,}. {_SMALLER}."
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        if size > self._max_bytes:
            raise too_long("A record batch", self._max_bytes, _SMALLER)
        self._batches.append(content)
        # A batch may unfold to nothing: what it takes itself counts as well, and each row as a byte.
        size = max(len(content), size, rows)
        self._size += size
        if is_dictionary:
            self._dictionaries.append(content)
            self._head_size += size
            if self._head_size > self._max_bytes:
                raise too_long("What the dictionaries hold", self._max_bytes, "Send texts as they are")

    def _take(self) -> bytes:
        part = b"".join([self._head, *self._batches])
        self._head = b"".join([self._head, *self._dictionaries])
        self._batches, self._dictionaries, self._size, self._any_part = [], [], 0, True
        return part

    def _chunk(self, data: pa.Table) -> TableRows:
        first, self._first = self._first, self._first + len(data)
        return TableRows(table=Table(data=data), first=first, echoed=echoed_of(self._spec.schema))
