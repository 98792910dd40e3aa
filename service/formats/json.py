"""Reads JSON and JSON lines. Bodies are bounded before objects are made, and no key may come twice."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from models.errors import RecordError
from models.schema import FeatureSchema
from models.strict_json import repeated_keys
from models.tables.text.wide import wide_encoding
from service.budget import BUDGET
from service.formats.bounds import require_bounded, require_few_columns, require_few_fields, require_few_lines
from service.formats.exact_json import ExactRecords, exact_records
from service.formats.json_forms import rows_of
from service.formats.json_records import Records
from service.formats.json_slices import DECODE_ERRORS, SLICE_BYTES, decode_value
from service.formats.known_fields import KnownFields
from service.formats.rows import BodySpec
from service.web.problems import RequestError, too_many_rows

_LOCATED_BYTES: Final = 1 << 20  # of a body that is decoded as a whole to say where it is wrong: that takes memory
_BYTE: Final = re.compile(r" \(byte \d+\)")  # of a part of the body
_PHRASES: Final = {
    "Input data was truncated": "it ends too early, or has half of a pair of \\u escapes",
    "Number out of range": "a number is beyond 1.8e308",
    "Integer value out of range": "a number is beyond 1.8e308",
}


def read_json(content: bytes, spec: BodySpec) -> Records:
    """Read a record, a list of records, ``{"columns": […], "rows": [[…]]}``, or a form of `json_forms`.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is none of these, or has a key twice.
    """
    require_bounded(content, spec)
    records = records_in(content, exact_records(spec.schema), most=spec.max_rows)
    require_few_columns(len(records.names or ()), spec)
    return records


def records_in(content: bytes, exact: ExactRecords, *, most: int) -> Records:
    """Return the at most `most` records of a body, as `read_json` does; `exact` decodes most bodies."""
    rows = exact.rows(content, most=most)
    if rows is not None:
        return Records(names=exact.names, rows=rows, typed=True)
    require_few_fields(content, exact.schema)  # of any other than those that `exact` knows
    return decode_json(content, exact.schema, most=most).noted(exact.schema)


def read_lines(
    content: bytes, spec: BodySpec, *, numbers: Sequence[int] | None = None, first_record: int = 0
) -> Records:
    """Read JSON lines: an object a line; the lines of the body count from 1, its records from 0.

    Args:
        content: The body, or some lines of it.
        spec: What is known of the body.
        numbers: The number of each line, None where they are all lines of the body.
        first_record: Index of the first record in the request.

    Raises:
        RequestError: A line is not JSON or has a key twice, or there are too many records or lines.
        RecordError: There is no record.
    """
    require_few_lines(content, spec)
    require_bounded(content, spec)
    exact = exact_records(spec.schema)
    rows = exact.lines(content, most=spec.max_rows)
    if rows is not None:
        return Records(names=exact.names, rows=rows, first=first_record, typed=True)
    require_few_fields(content, spec.schema)
    decoded = decode_lines(content, spec.schema, most=spec.max_rows, numbers=numbers, first_record=first_record)
    return decoded.noted(spec.schema)


def decode_json(content: bytes, schema: FeatureSchema, *, most: int) -> Records:
    """Decode what `read_json` reads, whatever its fields are."""
    content = content.removeprefix(codecs.BOM_UTF8)
    kept = KnownFields(schema)
    try:
        value = decode_value(content, kept)
    except DECODE_ERRORS as error:
        if len(content) > _LOCATED_BYTES:
            raise json_error(content, _without_place(error)) from error
        value = _decode(content)  # to say where it is wrong
    names, rows = rows_of(value, schema)
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    _require_few(len(rows), most)
    if repeated := repeated_keys(content, value, forgotten=kept.forgotten):
        raise repeated_key_error(repeated)
    return Records(names=names, rows=rows)


def decode_lines(
    content: bytes,
    schema: FeatureSchema,
    *,
    most: int,
    numbers: Sequence[int] | None = None,
    first_record: int = 0,
) -> Records:
    """Decode what `read_lines` reads, whatever the fields are; empty lines are left out."""
    content = content.removeprefix(codecs.BOM_UTF8)
    split = content.split(b"\n")
    numbered = zip(numbers or range(1, len(split) + 1), split, strict=True)
    lines = [(number, line) for number, line in numbered if line.strip()]
    del split, numbered
    lines.reverse()  # each is forgotten when it is decoded
    _require_few(len(lines), most)
    kept, is_large = KnownFields(schema), len(content) > SLICE_BYTES
    rows = []
    while lines:
        number, line = lines.pop()
        if is_large:
            kept.require_few(line)
        row = _decode(line, where=f"Line {number}")
        rows.append(kept.of_item(row) if is_large else row)
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    if repeated := repeated_keys(content, rows, forgotten=kept.forgotten):
        raise repeated_key_error(repeated, first=first_record)
    return Records(names=None, rows=rows, first=first_record)


def _decode(content: bytes, *, where: str = "The body") -> Any:
    try:
        return msgspec.json.decode(content)
    except DECODE_ERRORS as error:
        raise json_error(content, error, where=where) from error


def json_error(content: bytes, error: Exception, *, where: str = "The body") -> RequestError:
    """Return the error for what is no JSON, from what a decoder raised."""
    if (encoding := wide_encoding(content)) is not None:
        name = encoding[:6].upper()
        detail = f"The body is {name}, and JSON over HTTP is UTF-8. Send it so; iconv -f {name} -t UTF-8 rewrites it."
        return RequestError(HTTPStatus.BAD_REQUEST, detail)
    detail = f"{where} is not JSON: {_phrase(error)}. (NaN and Infinity are no JSON: send null for a missing number.)"
    return RequestError(HTTPStatus.BAD_REQUEST, detail)


def _without_place(error: Exception) -> Exception:
    """Return an error of a part of a body without its place in that part."""
    return msgspec.DecodeError(_BYTE.sub("", str(error))) if isinstance(error, msgspec.DecodeError) else error


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


def repeated_key_error(repeated: Sequence[tuple[int, str]], *, first: int = 0) -> RequestError:
    """Return the error for repeated keys, each with the index of its record; `first` is added to that."""
    problems = [
        RecordError(
            f"has the key {name!r} more than once.",
            record=first + index,
            field=name,
            remedy="Send it once: which of them is meant cannot be told.",
        )
        for index, name in repeated[: BUDGET.problems]
    ]
    return RequestError.of_problems(problems, total=len(repeated))
