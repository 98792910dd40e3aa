"""Answers in JSON and JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, final

import msgspec

from models.detector import Detector
from service.formats.answers import AnswerSpec
from service.formats.rows import Rows
from service.operations import Check, Operation

_ITEMS_AT_ONCE: Final = 256

ANSWER_END: Final = b"]}"
"""What a JSON answer has after its last item."""


@final
@dataclass(frozen=True, slots=True)
class JsonWriter:
    """Writes one JSON object, whose last key holds the list of items."""

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> Iterator[bytes]:
        """Yield the whole answer: JSON is not streamed."""
        if rows is None:
            return
        spec, size = self.spec, 0
        yield answer_start(spec.operation, spec.detector, rows.notes)
        for chunk in spec.cancellation.checked(rows.chunks(spec.detector.schema)):
            found = items_of(spec.operation, spec.detector, chunk, spec.top, spec.cancellation.check)
            for items in spec.cancellation.checked(_some(found)):
                if size:
                    yield b","
                yield (content := encode_items(items))
                size += len(content)
                spec.require_bytes(size)
        yield ANSWER_END


@final
@dataclass(frozen=True, slots=True)
class LinesWriter:
    """Writes one JSON object a line: the ids of a row, and its item."""

    spec: AnswerSpec

    def write(self, rows: Rows | None, *, last: bool) -> Iterator[bytes]:
        """Yield the lines of some rows."""
        spec, size = self.spec, 0
        encode = msgspec.json.Encoder().encode_lines
        for chunk in spec.cancellation.checked(rows.chunks(spec.detector.schema)) if rows is not None else ():
            for lines in spec.cancellation.checked(_some(self._lines(chunk))):
                yield (content := encode(lines))
                size += len(content)
                spec.require_bytes(size)

    def _lines(self, chunk: Rows) -> Iterator[dict[str, Any]]:
        operation, detector, check = self.spec.operation, self.spec.detector, self.spec.cancellation.check
        columns, ids = chunk.columns(detector.schema), chunk.ids(detector.schema)
        name, items = operation.item_name, operation.items(detector, columns, self.spec.top, check)
        for fields, item in zip(ids, items, strict=True):
            yield fields | (item if name is None else {name: item})


def items_of(
    operation: Operation, detector: Detector, rows: Rows, top: int, check: Check = lambda: None
) -> Iterator[Any]:
    """Yield the JSON item of each row of a chunk; a scored one has the row's ids.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    columns = rows.columns(detector.schema)
    items = operation.items(detector, columns, top, check)
    if not (operation.is_scoring and detector.schema.ids):
        yield from items
        return
    for item, fields in zip(items, rows.ids(detector.schema), strict=True):
        item["ids"] = fields
        yield item


def _some(items: Iterator[Any]) -> Iterator[list[Any]]:
    """Yield items some at a time: with all columns as reasons each takes kilobytes."""
    return iter(lambda: list(islice(items, _ITEMS_AT_ONCE)), [])


def encode_items(items: list[Any]) -> bytes:
    """Return items as JSON with commas between them."""
    return msgspec.json.encode(items)[1:-1]


def answer_start(operation: Operation, detector: Detector, notes: Sequence[str] = ()) -> bytes:
    """Return what a JSON answer has before its first item."""
    head: dict[str, Any] = {"detector": detector.name, "version": detector.version}
    if operation.is_scoring:
        head["threshold"] = detector.calibration.threshold
    if notes:
        head["notes"] = [*map(str, notes)]
    return msgspec.json.encode(head)[:-1] + b"," + msgspec.json.encode(operation.list_name) + b":["
