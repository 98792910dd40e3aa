"""Unpacks a body while it comes."""

from __future__ import annotations

import zlib
from typing import Final, final

from service.web.body import damaged

_GZIP_WINDOW: Final = 31  # of zlib: the largest window, with gzip's head
_PIECE_BYTES: Final = 1 << 20


@final
class Inflating:
    """A body that is packed by gzip, in one member or several."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._packed = b""
        self._begun = self._more = False

    def take(self, content: bytes) -> None:
        """Take what has come; ask `next` for what comes out until there is nothing."""
        self._packed += content

    def next(self) -> bytes:
        """Return at most a megabyte of what comes out; nothing where more has to come in.

        Raises:
            RequestError: It is not packed by gzip.
        """
        while self._packed or self._more:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_WINDOW)
            try:
                content = self._member.decompress(self._packed, _PIECE_BYTES)
            except zlib.error as error:
                raise damaged("gzip") from error
            self._begun = True
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._more = len(content) == _PIECE_BYTES and not self._member.eof  # what came in may be used up by now
            if content:
                return content
        return b""

    def end(self) -> None:
        """Check that nothing is missing.

        Raises:
            RequestError: It is cut off.
        """
        if self._begun and not self._member.eof:
            raise damaged("gzip")
