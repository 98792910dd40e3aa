"""Where a table's bytes are: a file or a request's body, compressed or not."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from models.errors import TableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSIONS: Final = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lz4": b"\x04\x22\x4d\x18",
}
"""How a file may be compressed, told by its first bytes."""

_START_BYTES: Final = 8
_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Bytes that a table is read from, as often as they are needed.

    Args:
        name: What errors call it: a path, or "request body".
        path: The file, or None where the bytes are in memory.
        content: The bytes, where there is no file.
        limit: The most bytes that may come out of a compressed source, or None.
    """

    name: str
    path: Path | None = None
    content: bytes = b""
    limit: int | None = None

    @classmethod
    def of(cls, source: Source | str | Path) -> Source:
        """Return the source that a path names."""
        return source if isinstance(source, Source) else cls(name=str(source), path=Path(source))

    @property
    def suffixes(self) -> frozenset[str]:
        """The endings of the file's name, in lower case."""
        return frozenset(suffix.lower() for suffix in Path(self.name).suffixes)

    def compression(self) -> str | None:
        """Return the key of `COMPRESSIONS` that the first bytes stand for."""
        with self._open_stored() as stored:
            start = stored.read(_START_BYTES)
        return next((name for name, magic in COMPRESSIONS.items() if start.startswith(magic)), None)

    def open_stream(self) -> pa.NativeFile:
        """Open the bytes, decompressed, to be read once from the first to the last.

        Raises:
            TableError: While it is read: what was compressed is damaged, or more comes out than the limit allows.
        """
        compression = self.compression()
        stored = self._open_stored()
        return stored if compression is None else pa.PythonFile(_Unpacked(stored, compression, self), mode="r")

    def open_seekable(self) -> pa.NativeFile:
        """Open the bytes, decompressed, to be read in any order; what was compressed is held in memory."""
        if self.compression() is None:
            return self._open_stored()
        with self.open_stream() as stream:
            return pa.BufferReader(b"".join(iter(lambda: stream.read(_PIECE_BYTES), b"")))

    def _open_stored(self) -> pa.NativeFile:
        if self.path is None:
            return pa.BufferReader(self.content)
        if not self.path.exists():
            raise TableError(f"{self.name}: there is no such file.")
        if not self.path.is_file():
            raise TableError(f"{self.name}: is no file but a pipe or a device. Write it to a file first.")
        return pa.OSFile(str(self.path))  # a mapped file would count as memory, all of it in the end


class _Unpacked(io.RawIOBase):
    """What comes out of a compressed stream, with errors of ours."""

    def __init__(self, stored: pa.NativeFile, compression: str, source: Source) -> None:
        self._compression = compression
        self._source = source
        self._given = 0
        if compression == "xz":
            self._stream = lzma.LZMAFile(stored)  # noqa: SIM115 (closed by `close`)
        else:
            self._stream = pa.CompressedInputStream(stored, compression)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        try:
            piece = self._stream.read(len(view))
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise TableError(
                f"{self._source.name}: the {self._compression} data is cut or damaged ({error}). Get it again."
            ) from error
        self._given += len(piece)
        if self._source.limit is not None and self._given > self._source.limit:
            raise TableError(
                f"{self._source.name}: decompresses to more than the {self._source.limit:,} bytes that are allowed. "
                "Send it in pieces."
            )
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()
