"""Streamed bodies: cut into parts while they come, and read part by part into the same rows as a whole body.

A body is cut on the event loop, which is quick, and a part is read on a thread. Memory is bounded: a part, and what has
come of the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from itertools import compress
from typing import Protocol, final

from models.tables.read_options import CHUNK_ROWS
from service.formats.json import read_lines
from service.formats.rows import BodySpec, Rows
from service.settings import spelt
from service.web.problems import RequestError


class StreamedBody(Protocol):
    """A body that is still coming; it is made of a `BodySpec`."""

    @property
    def notes(self) -> Sequence[str]:
        """One line for each thing that was detected, repaired or is ignored; known from the first rows on."""
        ...

    def cut(self, content: bytes, *, last: bool) -> Iterable[bytes]:
        """Take the next bytes, and return the parts that are complete; with the last bytes, all that is left.

        Raises:
            RequestError: A part is larger than may be held.
        """
        ...

    def rows(self, part: bytes) -> Iterator[Rows]:
        """Yield the rows of the next part, in the chunks of a whole body; some may be left for the next call.

        Raises:
            RequestError: The part cannot be read.
            DataError: What is read holds no rows of the schema.
        """
        ...

    def rest(self) -> Iterator[Rows]:
        """Yield the rows that are left when all parts were read."""
        ...


def too_long(what: str, max_bytes: int, remedy: str) -> RequestError:
    """Return the error for a part of a stream that is too large to be held."""
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{what} is larger than {max_bytes:,} bytes. {remedy}, or raise {spelt('max_body_bytes')}.",
    )


@final
class LinesBody:
    """JSON lines: a part is `CHUNK_ROWS` lines, or as many as may be held; blank ones are dropped."""

    notes: Sequence[str] = ()

    def __init__(self, spec: BodySpec) -> None:
        self._spec = replace(spec, max_rows=CHUNK_ROWS)
        self._begun = bytearray()  # a line
        self._lines: list[bytes] = []
        self._numbers: list[int] = []  # of these lines
        self._line_bytes = 0
        self._next_number = 1
        self._part_numbers: deque[list[int]] = deque()  # numbers of the lines of the parts that are not read yet
        self._first_record = 0

    def cut(self, content: bytes, *, last: bool) -> Iterable[bytes]:
        """Return the parts that are complete with what has come."""
        self._begun += content
        parts: list[bytes] = []
        if b"\n" in content or last:
            lines = bytes(self._begun).split(b"\n")
            self._begun = bytearray() if last else bytearray(lines.pop())
            filled = list(map(bytes.strip, lines))  # blank lines are many where they cost a sender nothing
            numbers = range(self._next_number, self._next_number + len(lines))
            self._next_number += len(lines)
            for number, line in zip(compress(numbers, filled), compress(lines, filled), strict=True):
                self._lines.append(line)
                self._numbers.append(number)
                self._line_bytes += len(line) + 1
                if len(self._lines) == CHUNK_ROWS or self._line_bytes > self._spec.max_bytes:
                    parts.append(self._take())
        if len(self._begun) > self._spec.max_bytes:
            raise too_long("A line", self._spec.max_bytes, "Send shorter ones")
        if last and self._lines:
            parts.append(self._take())
        return parts

    def rows(self, part: bytes) -> Iterator[Rows]:
        """Yield the records of a part."""
        numbers = self._part_numbers.popleft()
        rows = read_lines(part, self._spec, numbers=numbers, first_record=self._first_record)
        if not self._first_record:
            self.notes = rows.notes
        yield rows
        self._first_record += len(rows)

    def rest(self) -> Iterator[Rows]:
        """Yield nothing: each part was read whole."""
        yield from ()

    def _take(self) -> bytes:
        part = b"\n".join(self._lines)
        self._part_numbers.append(self._numbers)
        self._lines, self._numbers, self._line_bytes = [], [], 0
        return part
