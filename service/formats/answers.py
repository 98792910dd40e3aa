"""Answers: their items, headers and writers, whatever their format is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec

from models.detector import Detector
from models.errors import DataError
from service.api.schemas import MOST_VALUES
from service.formats.formats import FORMATS
from service.formats.rows import Rows, all_problems
from service.operations import Operation
from service.web.problems import RequestError

_MOST_NOTES: Final = 2000  # characters in a header


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSpec:
    """What is answered to rows.

    Args:
        operation: The operation on the rows.
        detector: The detector that does it.
        top: How many of the columns that add most are named.
    """

    operation: Operation
    detector: Detector
    top: int = 0

    @classmethod
    def of(cls, operation: Operation, detector: Detector, *, explain: int) -> AnswerSpec:
        """Return the spec of a request that asks for `explain` columns; a detector may have fewer."""
        return cls(operation=operation, detector=detector, top=min(explain, len(detector.schema.columns)))

    def require_bounded(self, rows: int) -> None:
        """Check the size of an answer to so many rows.

        Raises:
            RequestError: It would hold too many values.
        """
        values = rows * self.operation.values(self.detector, self.top)
        if values > MOST_VALUES:
            detail = f"The answer would hold {values:,} values, more than {MOST_VALUES:,}. {self.operation.remedy}"
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


class AnswerWriter(Protocol):
    """An answer that is being written; it is made of an `AnswerSpec`."""

    def write(self, rows: Rows) -> bytes:
        """Return the bytes that answer some rows: all of a body, or the next ones of a stream.

        Raises:
            DataError: A value is not of its column's kind.
            RequestError: The format cannot hold the answer, or the network gave what is no number.
        """
        ...

    def finish(self) -> bytes:
        """Return the bytes behind the last row."""
        ...


def write_rows(writer: AnswerWriter, spec: AnswerSpec, rows: Rows) -> bytes:
    """Return the bytes that answer some rows.

    Raises:
        RequestError: The answer would be too large, or rows cannot be used: then with everything that is wrong.
    """
    spec.require_bounded(len(rows))
    try:
        return writer.write(rows)
    except DataError as error:
        raise all_problems(rows, spec.detector.schema, error) from error


def answer_headers(detector: Detector, notes: Sequence[str], *, format_name: str) -> dict[str, str]:
    """Return the headers of an answer, which are the same in every format but for the content type."""
    row = FORMATS[format_name]
    headers = {
        "Content-Type": row.types[0] + row.parameters,
        "Vary": "Accept, Accept-Encoding",
        "Detector-Name": quote(detector.name),
        "Detector-Version": quote(detector.version),
        "Detector-Threshold": repr(detector.calibration.threshold),
    }
    listed = json.dumps(list(notes))
    if notes and len(listed) <= _MOST_NOTES:
        headers["Detector-Notes"] = listed
    return headers


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
    """Return the JSON item of each row; a scored one has the row's ids.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    items = operation.items(detector, rows, top)
    if operation.is_scoring and detector.schema.ids:
        for item, ids in zip(items, rows.ids(detector.schema), strict=True):
            item["ids"] = ids
    return items


def encode_items(items: list[Any]) -> bytes:
    """Return items as JSON with commas between them."""
    return msgspec.json.encode(items)[1:-1]
