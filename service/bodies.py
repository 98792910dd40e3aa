"""Request bodies: bounded before they are read, decoded once, turned into columns in bounded pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import Request

from models.errors import RecordError
from models.records import Columns, columns_of_records, columns_of_rows
from models.schema import FeatureSchema
from service.problems import RequestError
from service.settings import Settings

_PIECE_ROWS: Final = 4096
_SMALLEST_RECORD: Final = 3  # bytes: {} and a comma
_JSON_TYPES: Final = ("", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of a request, as they came.

    Args:
        names: What the cells of a row are called; None where records are objects.
        rows: Objects, or rows of cells.
        first: Number of the first of them in the request.
    """

    names: Sequence[str] | None
    rows: Sequence[Any]
    first: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def pieces(self) -> Iterator[Records]:
        """Return at most some thousand records at a time, in order."""
        for start in range(0, len(self.rows), _PIECE_ROWS):
            yield Records(names=self.names, rows=self.rows[start : start + _PIECE_ROWS], first=start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the records' values by column.

        Raises:
            RecordError: A field is absent or its value is not of the column's kind.
        """
        if self.names is None:
            return columns_of_records(schema, self.rows, first_record=self.first)
        return columns_of_rows(schema, self.names, self.rows, first_record=self.first)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]] | None:
        """Return the id fields that came with each record; None where the detector has none."""
        if not schema.ids:
            return None
        if self.names is None:
            return [{name: row[name] for name in schema.ids if name in row} for row in self.rows]
        places = [(name, self.names.index(name)) for name in schema.ids if name in self.names]
        return [{name: row[place] for name, place in places} for row in self.rows]


async def read_body(request: Request, settings: Settings) -> bytes:
    """Read a JSON body of at most `settings.max_body_bytes`.

    Raises:
        RequestError: It is larger, or not JSON by its content type.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON_TYPES:
        detail = f"Bodies are JSON (Content-Type: application/json), got {content_type!r}."
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    most = settings.max_body_bytes
    too_large = RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {most:,} bytes. Send fewer records a request, or raise DETECTOR_MAX_BODY_BYTES.",
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


def decode_records(body: bytes, settings: Settings) -> Records:
    """Decode a record, a list of records, or ``{"columns": […], "rows": [[…]]}``.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is not of one of these forms.
    """
    try:
        if len(body) > _SMALLEST_RECORD * settings.max_rows and body.lstrip()[:1] == b"[":
            _require_few(len(msgspec.json.decode(body, type=list[msgspec.Raw])), settings)  # before objects are made
        content = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        detail = f"The body is not JSON: {error}. (NaN and Infinity are no JSON: send null for a missing number.)"
        raise RequestError(HTTPStatus.BAD_REQUEST, detail) from error
    records = _records_of(content)
    if not records.rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    _require_few(len(records), settings)
    return records


def _require_few(rows: int, settings: Settings) -> None:
    if rows > settings.max_rows:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{rows:,} records are more than {settings.max_rows:,}. Send fewer a request, or raise DETECTOR_MAX_ROWS.",
        )


def _records_of(content: Any) -> Records:
    if isinstance(content, dict):
        if content.keys() == {"columns", "rows"} and not isinstance(content["columns"], (int, float)):
            return _rows_of(content["columns"], content["rows"])
        return Records(names=None, rows=[content])
    if not isinstance(content, list):
        raise RecordError(
            f"the body is {content!r:.40}.", record=None, field=None, remedy="Send a record or a list of records."
        )
    for number, record in enumerate(content):
        if not isinstance(record, dict):
            raise RecordError(
                f"is {record!r:.40}.", record=number, field=None, remedy="Send an object with the fields by name."
            )
    return Records(names=None, rows=content)


def _rows_of(names: Any, rows: Any) -> Records:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecordError("is no list of names.", record=None, field="columns", remedy="Send the columns' names.")
    if len(set(names)) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        raise RecordError(f"names {twice!r} twice.", record=None, field="columns", remedy="Name each column once.")
    if not isinstance(rows, list):
        raise RecordError("is no list of rows.", record=None, field="rows", remedy="Send a list of lists of cells.")
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise RecordError(f"is {row!r:.40}.", record=number, field=None, remedy="Send a list of cells.")
    return Records(names=names, rows=rows)
