"""Packs answers as Accept-Encoding asks, where that is worth it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from service.web.negotiation import MEDIA, qualities

_LEAST_BYTES: Final = 1024
_QUICK: Final = 1  # of both packings: more takes several times as long and saves a tenth
_GZIP_WINDOW: Final = 31  # of zlib: the largest window, with gzip's head


def packing_for(content: bytes, medium: str, accept_encoding: str) -> str | None:
    """Return the packing of an answer that its caller likes best, a key of `PACKERS`; None for none.

    Texts of a kilobyte and more are packed: scores that are written as they are in memory hardly get smaller.

    Example:
        >>> packing_for(bytes(2000), "json", "gzip;q=0.5, zstd")
        'zstd'
    """
    if not accept_encoding or len(content) < _LEAST_BYTES or not MEDIA[medium].charsets:
        return None
    wanted = qualities(accept_encoding.replace("x-gzip", "gzip"))
    others = wanted.get("*", 0.0)
    rated = {name: wanted.get(name, others) for name in PACKERS}
    best = max(rated, key=lambda name: rated[name])  # the first of equals
    return best if rated[best] > 0.0 and rated[best] >= wanted.get("identity", 0.0) else None


def _gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(_QUICK, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(content) + packer.flush()


def _zstd(content: bytes) -> bytes:
    import pyarrow as pa  # 30 MB: for the first such answer

    packed: bytes = pa.Codec("zstd", compression_level=_QUICK).compress(content, asbytes=True)
    return packed


PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {"zstd": _zstd, "gzip": _gzip}
"""How an answer may be packed (Content-Encoding); of those that a caller likes equally, the first is taken."""
