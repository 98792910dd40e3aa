"""Strict JSON: parsed without duplicate keys, and converted to our own types with every field checked."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_BUT_STRUCTURE: Final = bytes(byte for byte in range(256) if byte not in b'":{')


def parse_json(content: bytes) -> Any:
    """Parse a JSON text; refuse what two parsers could read differently.

    Raises:
        ValueError: It is not UTF-8, not JSON, nested too deeply, or has a duplicate key or an infinite number.
    """
    try:
        plain = json.loads(content.decode(), parse_constant=_no_number, parse_float=_finite_number)
        if b"\\u" in content:  # half a character, such as \ud800, could not be shown
            json.dumps(plain, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at {error.start})") from None
    if repeats_key(content, plain):
        raise ValueError(f"it holds {repeated_keys(content)[0][:60]!r} twice")
    return plain


def repeats_key(content: bytes, value: Any) -> bool:
    """Return True if an object of a JSON text has a key twice, of which a decoder silently keeps one.

    Args:
        content: Valid JSON, or valid JSON lines.
        value: What it was decoded to; of JSON lines the list of all lines.

    Example:
        >>> repeats_key(b'[{"a": 1, "a": 2}]', [{"a": 2}])
        True
    """
    records = value if isinstance(value, list) else [value]
    if all(isinstance(record, dict) for record in records) and content.count(b":") == sum(map(len, records)):
        return False  # the usual case: one colon for each key
    plain = _ESCAPE.sub(b"", content) if b"\\" in content else content
    outside_texts = b"".join(plain.translate(None, _BUT_STRUCTURE).split(b'"')[::2])
    return outside_texts.count(b":") > sum(map(len, _objects(value)))


def repeated_keys(content: bytes) -> list[str]:
    """Return every key that an object of a valid JSON text has more than once; inner objects come first."""
    found: dict[str, None] = {}

    def note(members: list[tuple[str, Any]]) -> None:
        counts = Counter(name for name, _ in members)
        found.update(dict.fromkeys(name for name, count in counts.items() if count > 1))

    try:
        json.loads(content, object_pairs_hook=note, parse_int=len, parse_float=len)
    except RecursionError:
        return ["…"]
    return list(found)


def from_plain(plain: object, kind: type[T], /) -> T:
    """Convert plain data to a type: every field has its own type, and none is unknown.

    Raises:
        ValueError: A field is missing, unknown or of another type.
    """
    if dataclasses.is_dataclass(kind) and isinstance(plain, dict):
        known = {field.name for field in dataclasses.fields(kind)}
        if unknown := sorted(set(plain) - known):
            raise ValueError(f"{', '.join(map(repr, unknown[:3]))} is unknown")
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a value, without recursion: a caller decides on the depth."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield inner
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


def _no_number(text: str) -> float:
    raise ValueError(f"it holds {text}, which is no number in JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text[:60]}, which is too large")
    return number
