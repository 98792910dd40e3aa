"""Answers in JSON and JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import msgspec

from models.detector import Detector
from service.formats.answers import AnswerSpec
from service.formats.rows import Rows
from service.operations import Operation

ANSWER_END: Final = b"]}"
"""What a JSON answer has after its last item."""


@final
@dataclass(frozen=True, slots=True)
class JsonWriter:
    """Writes one JSON object, whose last key holds the list of items."""

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> bytes:
        """Return the whole answer: JSON is not streamed."""
        if rows is None:
            return b""
        spec = self.spec
        chunks = spec.cancellation.checked(rows.chunks())
        items = [encode_items(items_of(spec.operation, spec.detector, chunk, spec.top)) for chunk in chunks]
        return answer_start(spec.operation, spec.detector, rows.notes) + b",".join(items) + ANSWER_END


@final
@dataclass(frozen=True, slots=True)
class LinesWriter:
    """Writes one JSON object a line: the ids of a row, and its item."""

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> bytes:
        """Return the lines of some rows."""
        operation, detector = self.spec.operation, self.spec.detector
        encode, name = msgspec.json.Encoder().encode_lines, operation.item_name
        written = []
        for chunk in self.spec.cancellation.checked(rows.chunks()) if rows is not None else ():
            columns, ids = chunk.columns(detector.schema), chunk.ids(detector.schema)
            items = operation.items(detector, columns, self.spec.top)
            fields = items if name is None else [{name: item} for item in items]
            written.append(encode([a | b for a, b in zip(ids, fields, strict=True)]))
        return b"".join(written)


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


def answer_start(operation: Operation, detector: Detector, notes: Sequence[str] = ()) -> bytes:
    """Return what a JSON answer has before its first item."""
    head: dict[str, Any] = {"detector": detector.name, "version": detector.version}
    if operation.is_scoring:
        head["threshold"] = detector.calibration.threshold
    if notes:
        head["notes"] = list(notes)
    return msgspec.json.encode(head)[:-1] + b"," + msgspec.json.encode(operation.list_name) + b":["
