"""Decodes large JSON some items at a time: a decoder holds Python's lock, and the event loop would wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from service.formats.known_fields import KnownFields

__all__ = ["DECODE_ERRORS", "SLICE_BYTES", "decode_list", "decode_value", "slices_of"]

T = TypeVar("T")
Content = bytes | memoryview

SLICE_BYTES: Final = 1 << 18
"""Bytes that are decoded at once, about."""

DECODE_ERRORS: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding raises for a text that is not what it should be."""

_ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Any)
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_START_BYTES: Final = 64


def slices_of(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield items in slices of about `SLICE_BYTES`, where all of them have so many bytes."""
    count = max(1, len(items) * SLICE_BYTES // max(size, 1))
    for start in range(0, len(items), count):
        yield items[start : start + count]


def _taken_from(items: list[T], size: int) -> Iterator[list[T]]:
    """Yield items as `slices_of` does, and forget them: what they are decoded to may take their memory."""
    items.reverse()
    count = max(1, len(items) * SLICE_BYTES // max(size, 1))
    while items:
        some = items[-count:]
        some.reverse()
        del items[-count:]
        yield some


def decode_list(content: Content, decoder: msgspec.json.Decoder[list[T]]) -> list[T]:
    """Decode a list as a decoder does; the positions in errors are those of a part.

    Raises:
        msgspec.MsgspecError: It is no JSON, or not what the decoder takes.
    """
    if len(content) <= SLICE_BYTES:
        return decoder.decode(content)
    found: list[T] = []
    for items in _taken_from(_ITEMS.decode(content), len(content)):
        found += decoder.decode(b"[" + b",".join(items) + b"]")
    return found


def decode_value(content: Content, kept: KnownFields, *, in_object: bool = False) -> Any:
    """Decode JSON: a list, or the lists that are fields of an object, some items at a time.

    Args:
        content: The text.
        kept: What is kept of the items of a large list.
        in_object: It is a field of the object that the text is.

    Raises:
        msgspec.MsgspecError: It is no JSON; the positions in errors are those of a part.
        RequestError: A record has too many fields, or all of them have too many.
    """
    start = bytes(content[:_START_BYTES]).lstrip()[:1] if len(content) > SLICE_BYTES else b""
    if start == b"[":
        found: list[Any] = []
        for items in _taken_from(_ITEMS.decode(content), len(content)):
            for item in items:
                kept.require_few(memoryview(item))
            found += map(kept.of_item, _ANY.decode(b"[" + b",".join(items) + b"]"))
        return found
    if start == b"{" and not in_object:
        fields = _FIELDS.decode(content)
        return {name: decode_value(memoryview(field), kept, in_object=True) for name, field in fields.items()}
    if start:
        kept.require_few(content)
    return _ANY.decode(content)
