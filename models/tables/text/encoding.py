"""Detecting the character encoding of a text file."""

from __future__ import annotations

import codecs
import re
from typing import Final

from models.errors import Message, Set, TableError
from models.messages import phrase
from models.tables.source import Source
from models.tables.text.wide import wide_encoding

_UTF8_CHARACTER: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CHUNK_BYTES: Final = 1 << 20


def detect_encoding(source: Source, sample: bytes, repairs: list[str]) -> str:
    """Detect the encoding of a text file by its first bytes; where they are not UTF-8 it is read to its end.

    Raises:
        TableError: The encoding is not certain.
    """
    wide = "utf-8-sig" if sample.startswith(codecs.BOM_UTF8) else wide_encoding(sample)
    if wide is not None:
        marked = wide in ("utf-8-sig", "utf-16", "utf-32")
        repairs.append(
            phrase("byte-order mark removed ({encoding})", encoding=wide.removesuffix("-sig"))
            if marked
            else phrase(
                "read as {encoding} (say {setting} if it is another one)", encoding=wide, setting=Set("encoding")
            )
        )
        return wide
    if (index := sample.find(0)) >= 0:
        problem = f"has a NUL byte in {_line(sample, index)}, so it is no text in a plain encoding"
        raise TableError(problem, ". Save it as UTF-8, or say its ", Set("encoding"), ".")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError as error:
        return _not_utf8(source, sample, error.start, repairs)
    return "utf-8"


def _not_utf8(source: Source, sample: bytes, index: int, repairs: list[str]) -> str:
    """Return Windows-1252, which is Latin-1 with more characters, if all bytes of the sample are valid in it."""
    if _any_utf8_character(source):  # "Ã¶" means nothing in Latin-1: this is UTF-8, and damaged
        problem = f"is UTF-8, but not byte 0x{sample[index]:02x} in {_line(sample, index)}"
        raise TableError(problem, ". Fix it, or say ", Set("encoding", "cp1252"), ".")
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError as error:
        byte = f"byte 0x{sample[error.start]:02x} in {_line(sample, error.start)}"
        remedy = Message("Say its ", Set("encoding"), ", such as cp1251, gbk or shift_jis.")
        raise TableError(f"is neither UTF-8 nor Latin-1 ({byte}). ", remedy) from error
    repairs.append(
        phrase("not UTF-8: read as Latin-1 (Windows-1252; say {setting} if it is another one)", setting=Set("encoding"))
    )
    return "cp1252"


def _any_utf8_character(source: Source) -> bool:
    with source.open_stream() as stream:
        return any(_UTF8_CHARACTER.search(chunk) for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""))


def _line(sample: bytes, index: int) -> str:
    return f"line {len(sample[: index + 1].splitlines()):,}"
