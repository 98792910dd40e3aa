"""Strict JSON: parsed without duplicate keys, and converted to our own types with every field checked."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_MOST_DIGITS: Final = 400  # the largest number of 64 bits with a fraction has 309
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_BUT_STRUCTURE: Final = bytes(byte for byte in range(256) if byte not in b'":{}[,')
_OF_OBJECTS: Final = re.compile(rb":+|[{}]")
_SLICE_BYTES: Final = 1 << 18  # that are looked at before another thread may run


def parse_json(content: bytes) -> Any:
    """Parse a JSON text; refuse what two parsers could read differently.

    Raises:
        ValueError: It is not UTF-8, not JSON, nested too deeply, or has a duplicate key or an infinite number.
    """
    try:
        plain = json.loads(content.decode(), parse_constant=_no_number, parse_float=_finite_number, parse_int=_number)
        if b"\\u" in content:  # half a character, such as \ud800, could not be shown
            json.dumps(plain, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at {error.start})") from None
    if repeated := repeated_keys(content, plain):
        raise ValueError(f"it holds {repeated[0][1][:60]!r} twice")
    return plain


def repeated_keys(content: bytes, value: Any, *, forgotten: int = 0) -> list[tuple[int, str]]:
    """Return every key that an object of a JSON text has more than once, of which a decoder silently keeps one.

    Args:
        content: Valid JSON, or valid JSON lines.
        value: What it was decoded to; of JSON lines the list of all lines.
        forgotten: Number of keys that were decoded and are not in the value any more.

    Returns:
        The keys, each with the index of its record in a list; those of inner objects come first.

    Example:
        >>> repeated_keys(b'[{"b": 0}, {"a": 1, "a": 2}]', [{"b": 0}, {"a": 2}])
        [(1, 'a')]
    """
    records = value if isinstance(value, list) else [value]
    if all(isinstance(record, dict) for record in records) and content.count(b":") == sum(map(len, records)):
        return []  # the usual case: one colon for each key
    if fields_of(content) <= sum(map(len, objects_in(value))) + forgotten:
        return []
    return [(index, name) for index, text in enumerate(_texts(content, value)) for name in _repeated_in(text)]


def structure_of(content: bytes) -> Iterator[bytes]:
    """Yield the braces, opening brackets, commas and colons of a JSON text outside of its texts, some at a time.

    Example:
        >>> b"".join(structure_of(b'{"a, b": [1, 2]}'))
        b'{:[,}'
    """
    start, in_text = 0, False
    while start < len(content):
        end = start + _SLICE_BYTES
        last = content[start:end]
        end += (len(last) - len(last.rstrip(b"\\"))) % 2  # an escape is not cut
        plain = _ESCAPE.sub(b"", content[start:end]).translate(None, _BUT_STRUCTURE)
        outside = plain.split(b'"')
        yield b"".join(outside[in_text::2])
        in_text ^= len(outside) % 2 == 0
        start = end


def fields_of(content: bytes) -> int:
    """Return the number of fields of a JSON text, those of inner objects among them, each counted as it comes.

    Example:
        >>> fields_of(b'[{"a:": {"b": 1}, "c": 2}, {}]')
        3
    """
    if content.count(b":") == 0:
        return 0
    return sum(structure.count(b":") for structure in structure_of(content))


def has_more_fields(content: bytes, most: int) -> bool:
    """Return whether an object of a JSON text, or of JSON lines, has more fields than `most`, each counted as it comes.

    Example:
        >>> has_more_fields(b'[{"a": {"b": 1}, "c": 2}, {}]', 1), has_more_fields(b'{"a": {"b": 1}}', 1)
        (True, False)
    """
    fields = 0
    outer: list[int] = []
    for structure in structure_of(content):
        for token in _OF_OBJECTS.findall(structure.translate(None, b"[,")):
            if token == b"{":
                outer.append(fields)
                fields = 0
            elif token == b"}":
                fields = outer.pop() if outer else 0
            elif (fields := fields + len(token)) > most:
                return True
    return False


def _texts(content: bytes, value: Any) -> Sequence[bytes]:
    """Return the texts of the records of a list, or of JSON lines; any other text as it is."""
    if not isinstance(value, list):
        return [content]
    try:
        return list(map(bytes, msgspec.json.decode(content, type=list[msgspec.Raw])))
    except msgspec.MsgspecError:
        return [line for line in content.split(b"\n") if line.strip()]


def _repeated_in(content: bytes) -> list[str]:
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


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a value, without recursion: a caller decides on the depth."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield inner
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


def _number(text: str) -> int:
    if len(text) > _MOST_DIGITS:  # Python would advise to raise its limit
        raise ValueError(f"it holds a number of {len(text):,} digits")
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(f"it holds {text}, which is no number in JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text[:60]}, which is too large")
    return number
