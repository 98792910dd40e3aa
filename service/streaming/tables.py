"""CSV and Arrow streams of any length; imported for the first such request, because Arrow takes 30 MB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import numpy as np
import pyarrow as pa

from models.errors import TableError
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table
from models.tables.text.dialect import detect_dialect
from service.formats.pieces import PIECE_ROWS
from service.formats.rows import Rows
from service.formats.tables import TableRows, read_tables
from service.streaming.arrow_messages import DICTIONARY, SCHEMA, next_message, unfolded_bytes
from service.streaming.bodies import Opening, too_long
from service.web.problems import RequestError

_PART_BYTES: Final = 1 << 20  # more than what the form of a CSV file is told from
_WIDE: Final = ("utf-16", "utf-32")  # a line end is more than one byte there


class CsvBody:
    """CSV: a part is a megabyte of whole rows; how they are written is told from the first."""

    def __init__(self, opening: Opening) -> None:
        self._settings = opening.settings
        self._options = ReadOptions(
            **{"encoding": opening.head.charset, "header": opening.schema.header, **opening.reading}
        )
        self._quote = '"' if self._options.quote is None else self._options.quote
        self._rows = _Regrouped(opening)
        self._held = bytearray()
        self._enough = _PART_BYTES
        self._is_first = True

    @property
    def notes(self) -> Sequence[str]:
        return self._rows.notes

    def cut(self, content: bytes, *, last: bool) -> list[bytes]:
        self._held += content
        if last:
            part, self._held = bytes(self._held), bytearray()
            return [part] if part.strip() else []
        if len(self._held) < self._enough:
            return []
        end = _end_of_rows(self._held, self._quote.encode())
        self._enough = _PART_BYTES if end else 2 * len(self._held)  # a long row is not looked through again and again
        if not end and len(self._held) > self._settings.max_body_bytes:
            remedy = "Send rows that end with a line end, and quotes only around cells or doubled"
            raise too_long("A row", self._settings, remedy)
        part = bytes(self._held[:end])
        del self._held[:end]
        return [part] if part.strip() else []

    def rows(self, part: bytes) -> Iterator[Rows]:
        options = self._options
        if self._is_first:
            with suppress(TableError):  # which the reader will raise, too
                self._go_on_as(part)
        try:
            yield from self._rows.of("csv", part, options)
        except TableError as error:
            if not self._rows.read:
                raise
            behind = f"Behind record {self._rows.read - 1:,}, where rows count from 1 again"
            raise TableError(f"{behind}: ", error) from error

    def rest(self) -> Iterator[Rows]:
        return self._rows.rest()

    def _go_on_as(self, part: bytes) -> None:
        """Read the other parts as the first was written."""
        dialect = detect_dialect(Source(name="request body", content=part), self._options)
        if dialect.encoding.startswith(_WIDE):
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"A stream of CSV is cut at its line ends, which is not done for {dialect.encoding}. Send UTF-8.",
            )
        self._options, self._quote, self._is_first = dialect.for_more_rows(), dialect.quote, False


class ArrowBody:
    """An Arrow stream: a part is some whole record batches, with the schema and the dictionaries before them."""

    def __init__(self, opening: Opening) -> None:
        self._settings = opening.settings
        self._rows = _Regrouped(opening)
        self._held = bytearray()
        self._head = b""  # the schema, and the dictionaries so far
        self._batches: list[bytes] = []
        self._new: list[bytes] = []  # dictionaries among them
        self._unfolded = 0
        self._ended = False

    @property
    def notes(self) -> Sequence[str]:
        return self._rows.notes

    def cut(self, content: bytes, *, last: bool) -> list[bytes]:
        parts: list[bytes] = []
        self._held += b"" if self._ended else content
        try:
            while (message := next_message(self._held)) is not None and not self._ended:
                kind, size = message
                if size > self._settings.max_body_bytes:
                    raise too_long("A record batch", self._settings, "Write smaller ones")
                if size > len(self._held):
                    break
                self._take(kind, bytes(self._held[:size]))
                del self._held[:size]
                if self._unfolded >= _PART_BYTES:
                    parts.append(self._part())
        except pa.ArrowInvalid as error:
            raise RequestError(
                HTTPStatus.BAD_REQUEST, f"The body is no Arrow stream: {error}. Send it anew, whole."
            ) from error
        if len(self._held) > self._settings.max_body_bytes:
            raise too_long("A message", self._settings, "Write smaller record batches")
        if last and self._held and not self._ended:
            raise RequestError(
                HTTPStatus.BAD_REQUEST, "The Arrow stream ends in the middle of a message. Send it anew, whole."
            )
        if last and (self._batches or (self._head and not self._rows.read)):
            parts.append(self._part())
        return parts

    def rows(self, part: bytes) -> Iterator[Rows]:
        return self._rows.of("arrow", part, ReadOptions())

    def rest(self) -> Iterator[Rows]:
        return self._rows.rest()

    def _take(self, kind: int, message: bytes) -> None:
        if not kind:
            self._ended = True
        elif kind == SCHEMA:
            self._head += message
        else:
            self._batches.append(message)
            self._unfolded += unfolded_bytes(message)
            if kind == DICTIONARY:
                self._new.append(message)

    def _part(self) -> bytes:
        part = b"".join([self._head, *self._batches])
        self._head = b"".join([self._head, *self._new])
        if len(self._head) > self._settings.max_body_bytes:
            raise too_long("What the dictionaries hold", self._settings, "Send texts as they are")
        self._batches, self._new, self._unfolded = [], [], 0
        return part


class _Regrouped:
    """The rows of parts, in pieces as those of a whole body.

    Args:
        opening: Says the columns, and how much may come.

    Attributes:
        read: How many rows were read.
        notes: Of the first part.
    """

    def __init__(self, opening: Opening) -> None:
        self._schema = opening.schema
        own = opening.settings
        # A part is bounded already: no more than one batch or row too many, and as much of dictionaries before it.
        self._settings = own.model_copy(
            update={
                "max_rows": max(own.max_rows, _PART_BYTES),
                "max_body_bytes": 2 * own.max_body_bytes + _PART_BYTES,
            }
        )
        self._held: Table | None = None
        self._first = self.read = 0
        self.notes: Sequence[str] = ()

    def of(self, medium: str, part: bytes, options: ReadOptions) -> Iterator[TableRows]:
        """Return the full pieces that there are with one more part."""
        tables = read_tables(medium, part, options, self._settings, self._schema)
        if not tables:
            return
        self.notes = self.notes if self.read else tables[0].repairs
        self.read += sum(map(len, tables))
        held = [] if self._held is None else [self._held]
        data = pa.concat_tables([table.data for table in (*held, *tables)], promote_options="permissive")
        full = len(data) - len(data) % PIECE_ROWS
        for start in range(0, full, PIECE_ROWS):
            yield self._piece(replace(tables[0], data=data.slice(start, PIECE_ROWS)))
        self._held = replace(tables[0], data=data.slice(full))

    def rest(self) -> Iterator[TableRows]:
        """Return the rows that are left."""
        if self._held is not None and len(self._held):
            yield self._piece(self._held)

    def _piece(self, table: Table) -> TableRows:
        first, self._first = self._first, self._first + len(table)
        return TableRows(tables=[table], first=first)


def _end_of_rows(held: bytearray, quote: bytes) -> int:
    """Return where the last whole row ends; 0 where there is none. A line end between quotes is none of a row."""
    if not quote or quote not in held:
        return held.rfind(b"\n") + 1
    content = np.frombuffer(held, np.uint8)
    outside = np.cumsum(content == quote[0]) % 2 == 0
    ends = np.flatnonzero((content == ord("\n")) & outside)
    return int(ends[-1]) + 1 if len(ends) else 0
