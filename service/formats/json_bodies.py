"""JSON and JSON lines: bounded before objects are made, no member twice, complaints in plain words."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from models.columns.from_records import brief_repr
from models.errors import RecordError
from models.strict_json import repeated_keys, repeats_key
from service.web.problems import RequestError, too_many_rows

_SMALLEST_RECORD: Final = 3  # bytes: {} and a comma
_PHRASES: Final = {
    "Input data was truncated": "it ends too early, or has half of a pair of \\u escapes",
    "Number out of range": "a number is beyond 1.8e308",
    "Integer value out of range": "a number is beyond 1.8e308",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a JSON body holds.

    Args:
        names: What the cells of a row are called; None where records are objects.
        rows: Objects, or rows of cells.
    """

    names: Sequence[str] | None
    rows: Sequence[Any]


def decode_json(content: bytes, *, most: int) -> Content:
    """Decode a record, a list of records, or ``{"columns": […], "rows": [[…]]}``.

    Args:
        content: The body.
        most: Most records that may come.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is not of one of these forms, or has a member twice.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if len(content) > _SMALLEST_RECORD * most and content.lstrip()[:1] == b"[":
        _require_few(len(_decode(content, list[msgspec.Raw])), most)  # before objects are made
    value = _decode(content)
    decoded = _content_of(value)
    if not decoded.rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    _require_few(len(decoded.rows), most)
    if repeats_key(content, value):
        pieces: Sequence[Any] = _decode(content, list[msgspec.Raw]) if isinstance(value, list) else [content]
        raise _repeated_key_error(list(map(bytes, pieces)))
    return decoded


def decode_lines(content: bytes, *, most: int, first_line: int = 1, first_record: int = 0) -> Content:
    """Decode JSON lines: an object a line; empty lines are left out.

    Args:
        content: The lines.
        most: Most records that may come.
        first_line: Number of the first of them in the body.
        first_record: Number of the first record in the body.

    Raises:
        RequestError: A line is not JSON, or there are too many records.
        RecordError: A line is no object, or has a member twice.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=first_line) if line.strip()]
    _require_few(len(lines), most)
    rows = [_decode(line, place=f"Line {number}") for number, line in lines]
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    if repeats_key(content, rows):
        raise _repeated_key_error([line for _, line in lines], first=first_record)
    return Content(names=None, rows=rows)


def _decode(content: bytes, kind: Any = Any, *, place: str = "The body") -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        detail = (
            f"{place} is not JSON: {_phrase(error)}. (NaN and Infinity are no JSON: send null for a missing number.)"
        )
        raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error


def _phrase(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its lists and objects are nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} of a text is not UTF-8"
    text = str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0]
    return _PHRASES.get(text, text)


def _require_few(rows: int, most: int) -> None:
    if rows > most:
        raise too_many_rows(rows, most)


def _content_of(value: Any) -> Content:
    if isinstance(value, dict):
        if value.keys() == {"columns", "rows"} and isinstance(value["columns"], (list, str, dict)):
            return _rows_of(value["columns"], value["rows"])
        return Content(names=None, rows=[value])
    if not isinstance(value, list):
        raise RecordError(
            f"the body is {brief_repr(value)}.", record=None, field=None, remedy="Send a record or a list of records."
        )
    return Content(names=None, rows=value)


def _rows_of(names: Any, rows: Any) -> Content:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecordError("is no list of names.", record=None, field="columns", remedy="Send the columns' names.")
    if len(set(names)) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        raise RecordError(f"names {twice!r} twice.", record=None, field="columns", remedy="Name each column once.")
    if not isinstance(rows, list):
        raise RecordError("is no list of rows.", record=None, field="rows", remedy="Send a list of lists of cells.")
    return Content(names=names, rows=rows)


def _repeated_key_error(texts: Sequence[bytes], *, first: int = 0) -> RequestError:
    """Return the error for members that come twice, each text being a record, and `first` the number of the first."""
    problems = [
        RecordError(
            f"has the member {name!r} more than once.",
            record=number,
            field=name,
            remedy="Send it once: which of them is meant cannot be told.",
        )
        for number, text in enumerate(texts, start=first)
        for name in repeated_keys(text)
    ]
    return RequestError.of_problems(problems)
