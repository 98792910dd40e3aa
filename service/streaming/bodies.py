"""Bodies of any length, cut into parts while they come; of each part the rows are what they are of a whole body.

A form cuts on the event loop, which is quick, and reads a part on a thread. What it holds is bounded: a part, and what
has come of the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Protocol

from models.schema import FeatureSchema
from service.formats.pieces import PIECE_ROWS
from service.formats.raw_bodies import CELL, raw_rows, require_schema
from service.formats.rows import Rows, line_records
from service.settings import Settings
from service.web.body import Head
from service.web.problems import RequestError

STREAMED: Final = ("jsonl", "csv", "arrow", "raw")
"""The forms of bodies and answers that can be streamed; the first is answered where a caller likes them equally."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of a body before its first byte.

    Args:
        head: What the headers say of it.
        schema: The columns that are wanted.
        settings: How much may be held.
        reading: How CSV is written, fields of `ReadOptions`; what is left out is detected.
    """

    head: Head
    schema: FeatureSchema
    settings: Settings
    reading: Mapping[str, Any]


class StreamedBody(Protocol):
    """A body that is on its way."""

    @property
    def notes(self) -> Sequence[str]:
        """One line for each thing that was detected, repaired or is ignored; known from the first rows on."""
        ...

    def cut(self, content: bytes, *, last: bool) -> list[bytes]:
        """Take what has come, and return the parts that are whole by now; all that is left where it is the last.

        Raises:
            RequestError: More would have to be held than may be.
        """
        ...

    def rows(self, part: bytes) -> Iterator[Rows]:
        """Return the rows of the next part, in pieces as those of a whole body; some may be left for the next call.

        Raises:
            RequestError: The part cannot be read.
            DataError: What is read holds no rows of the schema.
        """
        ...

    def rest(self) -> Iterator[Rows]:
        """Return the rows that are left when all parts were read."""
        ...


def stream_of(opening: Opening) -> StreamedBody:
    """Return a body of the form that its headers say, one of `STREAMED`.

    Raises:
        RequestError: A detector with such columns takes no such body, or the sender means another one.
    """
    if opening.head.medium == "jsonl":
        return _LinesBody(opening)
    if opening.head.medium == "raw":
        return _RawBody(opening)
    from service.streaming.tables import ArrowBody, CsvBody  # Arrow's 30 MB: for the first such request

    return CsvBody(opening) if opening.head.medium == "csv" else ArrowBody(opening)


def too_long(what: str, settings: Settings, remedy: str) -> RequestError:
    """Return the error for a piece of a stream that is too large to be held."""
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{what} is larger than {settings.max_body_bytes:,} bytes. {remedy}, or raise DETECTOR_MAX_BODY_BYTES.",
    )


class _RawBody:
    """Numbers alone: a part is so many bytes."""

    notes: Sequence[str] = ()

    def __init__(self, opening: Opening) -> None:
        self._schema, self._digest = opening.schema, opening.head.schema_digest
        require_schema(self._schema, self._digest)
        self._part_bytes = PIECE_ROWS * CELL.itemsize * len(opening.schema.read)
        self._held = bytearray()
        self._first = 0

    def cut(self, content: bytes, *, last: bool) -> list[bytes]:
        self._held += content
        whole = len(self._held) if last else len(self._held) - len(self._held) % self._part_bytes
        parts = [bytes(self._held[start : start + self._part_bytes]) for start in range(0, whole, self._part_bytes)]
        del self._held[:whole]
        return parts

    def rows(self, part: bytes) -> Iterator[Rows]:
        rows = raw_rows(part, self._schema, digest=self._digest, most=PIECE_ROWS)
        yield replace(rows, first=self._first)
        self._first += len(rows)

    def rest(self) -> Iterator[Rows]:
        yield from ()


class _LinesBody:
    """JSON lines: a part is so many lines that are not blank."""

    notes: Sequence[str] = ()

    def __init__(self, opening: Opening) -> None:
        self._schema, self._settings = opening.schema, opening.settings
        self._begun: list[bytes] = []  # of a line
        self._begun_bytes = 0
        self._lines: list[bytes] = []
        self._line_bytes = self._filled = 0
        self._first_line, self._first = 1, 0

    def cut(self, content: bytes, *, last: bool) -> list[bytes]:
        self._begun.append(content)
        self._begun_bytes += len(content)
        parts: list[bytes] = []
        if b"\n" in content or last:
            *lines, begun = b"".join(self._begun).split(b"\n")
            parts += filter(None, map(self._with, lines))
            self._begun, self._begun_bytes = [begun], len(begun)
        if self._begun_bytes > self._settings.max_body_bytes:
            raise too_long("A line", self._settings, "Send shorter ones")
        if last:
            parts += filter(None, [self._with(self._begun.pop()), self._taken()])
        return parts

    def rows(self, part: bytes) -> Iterator[Rows]:
        if part.strip():
            rows = line_records(
                part, self._schema, most=PIECE_ROWS, first_line=self._first_line, first_record=self._first
            )
            yield rows
            self._first += len(rows)
        self._first_line += part.count(b"\n")

    def rest(self) -> Iterator[Rows]:
        yield from ()

    def _with(self, line: bytes) -> bytes:
        """Add a line; return the lines up to it where they are enough."""
        self._lines.append(line)
        self._line_bytes += len(line) + 1
        self._filled += bool(line.strip())
        enough = self._filled == PIECE_ROWS or self._line_bytes > self._settings.max_body_bytes
        return self._taken() if enough else b""

    def _taken(self) -> bytes:
        part = b"".join(line + b"\n" for line in self._lines)
        self._lines, self._line_bytes, self._filled = [], 0, 0
        return part
