"""Texts of two or four bytes a character, UTF-16 and UTF-32: told by their first bytes. Without Arrow."""

from __future__ import annotations

import codecs
from typing import Final

_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose byte-order mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_MANY: Final = 0.3  # share of bytes that are NUL in UTF-16 of mostly Latin text: about a half
_FEW: Final = 0.02


def wide_encoding(sample: bytes) -> str | None:
    """Return the encoding of a text's first bytes if it is UTF-16 or UTF-32, with or without a byte-order mark.

    Example:
        >>> wide_encoding("a,b".encode("utf-16")), wide_encoding("a,b".encode("utf-16-be")), wide_encoding(b"a,b")
        ('utf-16', 'utf-16-be', None)
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    for encoding, nuls, others in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if nuls.count(0) > _MANY * len(sample) / 2 and others.count(0) <= _FEW * len(sample) / 2:
            return encoding
    return None
