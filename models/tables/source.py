"""The bytes of a table: a file or a request body, compressed or not, with limits on what may be read from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from models.errors import Counted, TableError, TooLargeError
from models.tables.checked_bytes import CheckedBytes
from models.tables.decompression import Decompressed, compression_of
from models.tables.standard_streams import STANDARD_INPUT, is_standard, spooled_input

_START_BYTES: Final = 8
_CHUNK_BYTES: Final = 1 << 20
_IN_PIECES: Final = "Send it in pieces."

MAX_COLUMNS: Final = 50_000
"""Most columns of a table: each takes about 8 kB while a text is read, whatever stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Bytes that a table is read from, as often as they are needed.

    Args:
        name: What errors call it: a path, or "request body".
        path: The file, or None where the bytes are in memory.
        content: The bytes, where there is no file.
        max_bytes: The most bytes that the table may have when nothing in it is compressed, or None.
        max_rows: The most rows that the table may have, or None.
        max_columns: The most columns that the table may have.
        max_cells: The most cells that a text table may have, or None: an empty one is a byte, and takes several.
        check: Called while the bytes in memory are read, again and again; its error ends reading.
        max_head: The most bytes that the head of an Arrow message (its schema is one) may take, or None.
    """

    name: str
    path: Path | None = None
    content: bytes = b""
    max_bytes: int | None = None
    max_rows: int | None = None
    max_columns: int = MAX_COLUMNS
    max_cells: int | None = None
    check: Callable[[], None] | None = None
    max_head: int | None = None

    @classmethod
    def of(cls, source: Source | str | Path) -> Source:
        """Return the source that a path names; `-` names standard input.

        Raises:
            TableError: Standard input is a terminal.
        """
        if isinstance(source, Source):
            return source
        if is_standard(source):
            return cls(name=STANDARD_INPUT, path=spooled_input())
        return cls(name=str(source), path=Path(source))

    @property
    def suffixes(self) -> frozenset[str]:
        """The endings of the file's name, in lower case."""
        return frozenset(suffix.lower() for suffix in Path(self.name).suffixes)

    def compression(self) -> str | None:
        """Return the key of `COMPRESSIONS` that the first bytes stand for."""
        if self.path is None:
            return compression_of(self.content)
        with self._open_stored() as stored:
            return compression_of(stored.read(_START_BYTES))

    def open_stream(self) -> pa.NativeFile:
        """Open the bytes, decompressed, to be read once; reading raises `UnreadableError` or `TooLargeError`."""
        compression, stored = self.compression(), self._open_stored()
        if compression is None:
            return stored
        return pa.PythonFile(Decompressed(stored, compression, name=self.name, max_bytes=self.max_bytes), mode="r")

    def open_seekable(self) -> pa.NativeFile:
        """Open the bytes, decompressed, to be read in any order; what was compressed is held in memory."""
        if self.compression() is None:
            return self._open_stored()
        with self.open_stream() as stream:
            return pa.BufferReader(b"".join(iter(lambda: stream.read(_CHUNK_BYTES), b"")))

    def require_bytes(self, size: int) -> None:
        """Raise `TooLargeError` if the table, when nothing in it is compressed, has more than `max_bytes`."""
        if self.max_bytes is not None and size > self.max_bytes:
            raise TooLargeError(
                f"{self.name}: decompresses to {size:,} bytes, {self.max_bytes:,} are allowed. Send it in pieces."
            )

    def require_rows(self, rows: int) -> None:
        """Raise `TooLargeError` if there are more rows than `max_rows`."""
        self._require_at_most(self.max_rows, rows, "rows", _IN_PIECES)

    def require_entries(self, entries: int) -> None:
        """Raise `TooLargeError` if a dictionary of a column has more entries than `max_rows`."""
        self._require_at_most(self.max_rows, entries, "entries in a dictionary", "Send values as they are.")

    def require_grown(self, size: int) -> None:
        """Raise `TooLargeError` if dictionaries that grow have more bytes than `max_bytes`, each time that they do."""
        self._require_at_most(self.max_bytes, size, "bytes in dictionaries that grow", "Send whole dictionaries.")

    def require_columns(self, columns: int) -> None:
        """Raise `TooLargeError` if there are more columns than `max_columns`."""
        remedy = "Leave out those that are not needed, or put values that stand in names into rows."
        self._require_at_most(self.max_columns, columns, "columns", remedy)

    def require_cells(self, cells: int) -> None:
        """Raise `TooLargeError` if there are more cells than `max_cells`."""
        self._require_at_most(self.max_cells, cells, "cells", _IN_PIECES)

    def require_head(self, size: int) -> None:
        """Raise `TooLargeError` if the head of an Arrow message takes more bytes than `max_head`."""
        remedy = "Leave out metadata, and columns that are not needed."
        self._require_at_most(self.max_head, size, "bytes in the head of an Arrow message", remedy)

    def _require_at_most(self, most: int | None, count: int, of: Counted, remedy: str) -> None:
        if most is not None and count > most:
            or_more = (
                "" if of in ("rows", "entries in a dictionary") else " or more"
            )  # counting all else ends above the limit
            what = f"{self.name}: has {count:,} {of}{or_more}, {most:,} are allowed. {remedy}"
            raise TooLargeError(what, count=count, of=of)

    def _open_stored(self) -> pa.NativeFile:
        if self.path is None and self.check is not None:
            return pa.PythonFile(CheckedBytes(self.content, self.check), mode="r")
        if self.path is None:
            return pa.BufferReader(self.content)
        if not self.path.exists():
            raise TableError("there is no such file.")
        if not self.path.is_file():
            raise TableError("is no file but a pipe or a device. Write it to a file first.")
        return pa.OSFile(str(self.path))  # a mapped file would count as memory, all of it in the end
