"""Plain data as JSON has it: read strictly, and made into our own types with every field checked."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def parse_json(content: bytes) -> Any:
    """Return the plain data of a JSON text, or refuse what two readers could understand in two ways.

    Raises:
        ValueError: It is not UTF-8, not JSON, nested too deeply, or holds a name twice or a number that is none.
    """
    try:
        plain = json.loads(
            content.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite_number
        )
        if b"\\u" in content:  # half a character, such as \ud800, could not be shown
            json.dumps(plain, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at {error.start})") from None
    return plain


def from_plain(plain: object, kind: type[T], /) -> T:
    """Make plain data into a type: every field of its own type, and none that is unknown.

    Args:
        plain: What JSON gave.
        kind: A dataclass, or any other type that msgspec knows.

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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it holds {twice[:60]!r} twice")
    return plain


def _no_number(text: str) -> float:
    raise ValueError(f"it holds {text}, which is no number in JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text[:60]}, which is too large")
    return number
