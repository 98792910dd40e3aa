"""Reads and writes JSON and JSON lines. Bodies are bounded before objects are made, and no key may come twice."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, final

import msgspec

from models.columns.from_records import brief_repr
from models.detector import Detector
from models.errors import RecordError
from models.strict_json import repeated_keys, repeats_key
from service.formats.answers import AnswerSpec
from service.formats.exact_json import exact_records
from service.formats.rows import BodySpec, Records, Rows
from service.operations import Operation
from service.web.problems import RequestError, too_many_rows

_SMALLEST_RECORD: Final = 3  # bytes: {} and a comma
_PHRASES: Final = {
    "Input data was truncated": "it ends too early, or has half of a pair of \\u escapes",
    "Number out of range": "a number is beyond 1.8e308",
    "Integer value out of range": "a number is beyond 1.8e308",
}


def read_json(content: bytes, spec: BodySpec) -> Records:
    """Read a record, a list of records, or ``{"columns": […], "rows": [[…]]}``.

    Args:
        content: The body.
        spec: The columns that are wanted, and how much may come.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is none of these, or has a key twice.
    """
    exact = exact_records(spec.schema)
    rows = exact.rows(content, most=spec.max_rows)
    if rows is not None:
        return Records(names=exact.names, rows=rows, typed=True)
    return decode_json(content, most=spec.max_rows)


def read_lines(content: bytes, spec: BodySpec, *, first_line: int = 1, first_record: int = 0) -> Records:
    """Read JSON lines: an object a line.

    Args:
        content: The lines.
        spec: The columns that are wanted, and how much may come.
        first_line: Number of the first of the lines in the body, from 1.
        first_record: Index of the first record in the body.

    Raises:
        RequestError: A line is not JSON, or there are too many records.
        RecordError: A line has a key twice.
    """
    exact = exact_records(spec.schema)
    rows = exact.lines(content, most=spec.max_rows)
    if rows is not None:
        return Records(names=exact.names, rows=rows, first=first_record, typed=True)
    return decode_lines(content, most=spec.max_rows, first_line=first_line, first_record=first_record)


def decode_json(content: bytes, *, most: int) -> Records:
    """Decode what `read_json` reads, whatever its fields are.

    Args:
        content: The body.
        most: Most records that may come.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is no record, list of records or table, or has a key twice.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if len(content) > _SMALLEST_RECORD * most and content.lstrip()[:1] == b"[":
        _require_few(len(_decode(content, list[msgspec.Raw])), most)  # before objects are made
    value = _decode(content)
    decoded = _records_of(value)
    if not decoded.rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    _require_few(len(decoded.rows), most)
    if repeats_key(content, value):
        texts: Sequence[Any] = _decode(content, list[msgspec.Raw]) if isinstance(value, list) else [content]
        raise _repeated_key_error(list(map(bytes, texts)))
    return decoded


def decode_lines(content: bytes, *, most: int, first_line: int = 1, first_record: int = 0) -> Records:
    """Decode what `read_lines` reads, whatever the fields are; empty lines are left out.

    Args:
        content: The lines.
        most: Most records that may come.
        first_line: Number of the first of the lines in the body, from 1.
        first_record: Index of the first record in the body.

    Raises:
        RequestError: A line is not JSON, or there are too many records.
        RecordError: A line is no object, or has a key twice.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=first_line) if line.strip()]
    _require_few(len(lines), most)
    rows = [_decode(line, where=f"Line {number}") for number, line in lines]
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    if repeats_key(content, rows):
        raise _repeated_key_error([line for _, line in lines], first=first_record)
    return Records(names=None, rows=rows, first=first_record)


@final
@dataclass(frozen=True, slots=True)
class JsonWriter:
    """Writes one JSON object, whose last key holds the list of items.

    Args:
        spec: What is answered.
    """

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> bytes:
        """Return the whole answer: JSON is not streamed."""
        operation, detector, top = self.spec.operation, self.spec.detector, self.spec.top
        if rows is None:
            return b""
        items = [encode_items(items_of(operation, detector, chunk, top)) for chunk in rows.chunks()]
        return JsonFrame.of(operation, detector, rows.notes).around(b",".join(items))


@final
@dataclass(frozen=True, slots=True)
class LinesWriter:
    """Writes one JSON object a line: the ids of a row, and its item.

    Args:
        spec: What is answered.
    """

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> bytes:
        """Return the lines of some rows."""
        operation, detector, top = self.spec.operation, self.spec.detector, self.spec.top
        encode, name = msgspec.json.Encoder().encode_lines, operation.item_name
        written = []
        for chunk in rows.chunks() if rows is not None else ():
            columns, ids = chunk.columns(detector.schema), chunk.ids(detector.schema)
            items = operation.items(detector, columns, top)
            fields = items if name is None else [{name: item} for item in items]
            written.append(encode([a | b for a, b in zip(ids, fields, strict=True)]))
        return b"".join(written)


@dataclass(frozen=True, slots=True)
class JsonFrame:
    """The frame of a JSON answer: what stands around its items.

    Args:
        head: The bytes before the first item.
    """

    head: bytes

    @classmethod
    def of(cls, operation: Operation, detector: Detector, notes: Sequence[str] = ()) -> JsonFrame:
        """Return the frame of the answers of a detector."""
        head: dict[str, Any] = {"detector": detector.name, "version": detector.version}
        if operation.is_scoring:
            head["threshold"] = detector.calibration.threshold
        if notes:
            head["notes"] = list(notes)
        return cls(msgspec.json.encode(head)[:-1] + b"," + msgspec.json.encode(operation.list_name) + b":[")

    def around(self, items: bytes) -> bytes:
        """Return the answer with its items, which have commas between them."""
        return self.head + items + b"]}"


def items_of(operation: Operation, detector: Detector, rows: Rows, top: int) -> list[Any]:
    """Return the JSON item of each row of a chunk; a scored one has the row's ids.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    columns = rows.columns(detector.schema)
    ids = rows.ids(detector.schema) if operation.is_scoring and detector.schema.ids else None
    items = operation.items(detector, columns, top)
    for item, fields in zip(items, ids or (), strict=bool(ids)):
        item["ids"] = fields
    return items


def encode_items(items: list[Any]) -> bytes:
    """Return items as JSON with commas between them."""
    return msgspec.json.encode(items)[1:-1]


def _decode(content: bytes, kind: Any = Any, *, where: str = "The body") -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        detail = (
            f"{where} is not JSON: {_phrase(error)}. (NaN and Infinity are no JSON: send null for a missing number.)"
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


def _records_of(value: Any) -> Records:
    if isinstance(value, dict):
        if value.keys() == {"columns", "rows"} and isinstance(value["columns"], (list, str, dict)):
            return _rows_of(value["columns"], value["rows"])
        return Records(names=None, rows=[value])
    if not isinstance(value, list):
        raise RecordError(
            f"the body is {brief_repr(value)}.", record=None, field=None, remedy="Send a record or a list of records."
        )
    return Records(names=None, rows=value)


def _rows_of(names: Any, rows: Any) -> Records:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecordError("is no list of names.", record=None, field="columns", remedy="Send the columns' names.")
    if len(set(names)) < len(names):
        [(repeated, _)] = Counter(names).most_common(1)
        raise RecordError(f"names {repeated!r} twice.", record=None, field="columns", remedy="Name each column once.")
    if not isinstance(rows, list):
        raise RecordError("is no list of rows.", record=None, field="rows", remedy="Send a list of lists of cells.")
    return Records(names=names, rows=rows)


def _repeated_key_error(texts: Sequence[bytes], *, first: int = 0) -> RequestError:
    """Return the error for repeated keys; each text is a record, and `first` is the index of the first."""
    problems = [
        RecordError(
            f"has the key {name!r} more than once.",
            record=index,
            field=name,
            remedy="Send it once: which of them is meant cannot be told.",
        )
        for index, text in enumerate(texts, start=first)
        for name in repeated_keys(text)
    ]
    return RequestError.of_problems(problems)
