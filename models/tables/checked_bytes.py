"""Bytes in memory that call a function at each read, which may end reading by an error."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import final

__all__ = ["CheckedBytes"]


@final
class CheckedBytes(io.BytesIO):
    """Bytes to read from.

    Args:
        content: The bytes.
        check: Called before each read; its error ends reading.
    """

    def __init__(self, content: bytes, check: Callable[[], None]) -> None:
        super().__init__(content)
        self._check = check

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, at most `size`."""
        self._check()
        return super().read(size)
