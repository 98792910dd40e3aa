"""Streamed Arrow bodies; loaded for the first such request, because Arrow takes 30 MB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final, final

import pyarrow as pa

from models.tables.arrow_messages import DICTIONARY, END_OF_STREAM, SCHEMA, message_sizes, next_message
from models.tables.read_options import CHUNK_ROWS
from models.tables.table import Regrouping, Table
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec
from service.formats.tables import TableRows, notes_of, read_table
from service.streaming.bodies import too_long
from service.web.problems import RequestError

_PART_BYTES: Final = 1 << 20


@final
class ArrowBody:
    """An Arrow stream: a part is some whole record batches, with the schema and the dictionaries before them."""

    def __init__(self, spec: BodySpec) -> None:
        self._max_bytes = spec.max_bytes
        # A part is bounded already: no more than one batch too many, and as much of dictionaries before it.
        self._spec = replace(spec, max_rows=max(spec.max_rows, _PART_BYTES), max_bytes=2 * spec.max_bytes + _PART_BYTES)
        self._buffer = bytearray()
        self._head = b""  # the schema, and the dictionaries so far
        self._batches: list[bytes] = []
        self._dictionaries: list[bytes] = []  # new ones among them
        self._size = 0
        self._ended = self._any_part = False
        self._grouping = Regrouping(CHUNK_ROWS)
        self._first = 0
        self.notes: Sequence[str] = ()

    def cut(self, content: bytes, *, last: bool) -> Iterator[bytes]:
        """Yield the parts that are complete with what has come, one by one: each has a copy of the schema."""
        self._buffer += b"" if self._ended else content
        try:
            while (message := next_message(self._buffer)) is not None and not self._ended:
                kind, size = message
                if size > self._max_bytes:
                    raise too_long("A record batch", self._max_bytes, "Write smaller ones")
                if size > len(self._buffer):
                    break
                self._add(kind, bytes(self._buffer[:size]))
                del self._buffer[:size]
                if self._size >= _PART_BYTES:
                    yield self._take()
        except pa.ArrowInvalid as error:
            detail = f"The body is no Arrow stream: {error}. Send it anew, whole."
            raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
        if len(self._buffer) > self._max_bytes:
            raise too_long("A message", self._max_bytes, "Write smaller record batches")
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

    def _add(self, kind: int, message: bytes) -> None:
        if kind == END_OF_STREAM:
            self._ended = True
        elif kind == SCHEMA:
            if self._head:
                raise pa.ArrowInvalid("it has a second schema")
            self._head = message
        else:
            self._batches.append(message)
            # A batch may unfold to nothing: what it takes itself counts as well.
            self._size += max(len(message), message_sizes(pa.ipc.read_message(message))[1])
            if kind == DICTIONARY:
                self._dictionaries.append(message)

    def _take(self) -> bytes:
        part = b"".join([self._head, *self._batches])
        self._head = b"".join([self._head, *self._dictionaries])
        if len(self._head) > self._max_bytes:
            raise too_long("What the dictionaries hold", self._max_bytes, "Send texts as they are")
        self._batches, self._dictionaries, self._size, self._any_part = [], [], 0, True
        return part

    def _chunk(self, data: pa.Table) -> TableRows:
        first, self._first = self._first, self._first + len(data)
        return TableRows(table=Table(data=data), first=first)
