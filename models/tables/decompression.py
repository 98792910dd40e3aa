"""Decompresses files and request bodies, with a limit on what comes out. It loads Arrow only for what needs it."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from models.errors import TooLargeError, UnreadableError
from models.tables.checked_bytes import CheckedBytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSIONS: Final = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lz4": b"\x04\x22\x4d\x18",
}
"""The compressions that are read, with the first bytes that mean them."""

GZIP_WINDOW: Final = 31
"""zlib's `wbits` for the largest window and a gzip header."""

_BLOCK_BYTES: Final = 1 << 18  # of compressed data that are read at once
_CHUNK_BYTES: Final = 1 << 20  # of decompressed data


def compression_of(start: bytes) -> str | None:
    """Return the key of `COMPRESSIONS` that the first bytes of a file mean, None for none."""
    return next((name for name, magic in COMPRESSIONS.items() if start.startswith(magic)), None)


def decompress(
    content: bytes, compression: str, *, name: str, max_bytes: int, check: Callable[[], None] = lambda: None
) -> bytes:
    """Return the decompressed content; `compression` is a key of `COMPRESSIONS`, and errors call the content `name`.

    `check` is called between blocks; its error ends the work.

    Raises:
        UnreadableError: The content is cut off or damaged.
        TooLargeError: More would come out.
    """
    with Decompressed(CheckedBytes(content, check), compression, name=name, max_bytes=max_bytes) as stream:
        return b"".join(iter(lambda: stream.read(_CHUNK_BYTES), b""))


class Decompressed(io.RawIOBase):
    """The decompressed bytes of anything with `read`, compressed as a key of `COMPRESSIONS` says; see `decompress`."""

    def __init__(self, stored: Any, compression: str, *, name: str, max_bytes: int | None) -> None:
        self._compression = compression
        self._name = name
        self._max_bytes = max_bytes
        self._given = 0
        self._stored = stored
        self._stream: Any
        if compression == "gzip":
            self._stream = _Gzip(stored)
        elif compression == "xz":
            self._stream = lzma.LZMAFile(stored)  # noqa: SIM115 (closed by `close`)
        else:
            import pyarrow as pa

            self._stream = pa.CompressedInputStream(stored, compression)

    def readable(self) -> bool:
        """Return True: it is a stream to read from."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, or as much of it as there is; the errors are those of `decompress`."""
        view = memoryview(buffer).cast("B")
        try:
            content = self._stream.read(len(view))
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise UnreadableError(
                self._name, f"the {self._compression} data is cut or damaged ({error}). Get it again"
            ) from error
        self._given += len(content)
        if self._max_bytes is not None and self._given > self._max_bytes:
            raise TooLargeError(
                f"{self._name}: decompresses to more than the {self._max_bytes:,} bytes that are allowed. Send it in "
                "pieces."
            )
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Close the stream and what is read from it."""
        if not self.closed:
            self._stream.close()
            self._stored.close()
        super().close()


class _Gzip:
    """Reads gzip members, one after the other; the standard library's reader is slower by a third."""

    def __init__(self, stored: Any) -> None:
        self._stored = stored
        self._member = zlib.decompressobj(GZIP_WINDOW)
        self._more = False  # output is left over from input that is used up

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, none at the end; `zlib.error` or `EOFError` if they are damaged or cut off."""
        while True:
            if self._member.eof:
                block = (self._member.unused_data or self._stored.read(_BLOCK_BYTES)).lstrip(b"\0")  # padding
                if not block:
                    return b""
                self._member = zlib.decompressobj(GZIP_WINDOW)
            else:
                block = self._member.unconsumed_tail or (b"" if self._more else self._stored.read(_BLOCK_BYTES))
                if not (block or self._more):
                    raise EOFError("it ends too early")
            content: bytes = self._member.decompress(block, size)
            self._more = len(content) == size and not self._member.eof
            if content:
                return content

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
