"""Answers: their items, headers and writers, whatever their format is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import quote

from models.detector import Detector
from models.errors import DataError
from service.api.schemas import MOST_VALUES
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec, Rows, all_problems, noted
from service.observing.middleware import Seen
from service.operations import Operation
from service.web.content import decoded
from service.web.problems import RequestError, too_many_values

_MOST_NOTES: Final = 2000  # characters in a header


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSpec:
    """What is answered to rows.

    Args:
        format_name: The format of the answer, a key of `FORMATS`.
        top: How many of the columns that add most are named; at most all of the detector's.
        cancellation: Ends scoring early.
        seen: Is told how many rows are answered.
    """

    operation: Operation
    detector: Detector
    format_name: str = "json"
    top: int = 0
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)
    seen: Seen | None = field(default=None, compare=False)

    def require_bounded(self, rows: Rows) -> None:
        """Refuse rows whose answer would hold too many values."""
        per_row = len(self.detector.schema.columns) if self.operation.lists_columns else self.top
        if per_row and (values := per_row * len(rows)) > MOST_VALUES:
            raise too_many_values(values, MOST_VALUES, remedy=self.operation.remedy)

    def note_rows(self, rows: int) -> None:
        """Note that rows are answered."""
        if self.seen is not None:
            self.seen.rows += rows

    def require_bytes(self, size: int) -> None:
        """Refuse to write an answer that has so many bytes by now: a text may be in it once a record."""
        if size > (most := BUDGET.answer_bytes):
            detail = f"The answer would have more than {most:,} bytes. {self.operation.remedy}"
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


class AnswerWriter(Protocol):
    """An answer that is being written; it is made of an `AnswerSpec`."""

    def write(self, rows: Rows | None, *, last: bool) -> Iterator[bytes]:
        """Yield the next bytes of the answer: to all rows of a body, the next ones of a stream, or None at its end.

        Raises:
            DataError: A value is not of its column's kind.
            RequestError: The format cannot hold the answer, or the network gave what is no number.
        """
        ...


def answer_body(content: bytes, body: BodySpec, answer: AnswerSpec) -> tuple[bytes, dict[str, str]]:
    """Return the answer to a body as it came, and the headers of the answer.

    Raises:
        RequestError: The body cannot be read, or the answer would be too large.
        DataError: The body holds no rows.
    """
    plain = decoded(content, body.coding, max_bytes=body.max_bytes, cancellation=body.cancellation)
    del content
    rows = noted(FORMATS[body.format_name].read(plain, body), answer.detector)
    del plain  # what was read stands in other memory
    headers = answer_headers(answer, rows.notes)
    pieces = list(write_rows(FORMATS[answer.format_name].write(answer), answer, rows, last=True))
    del rows  # they may take more memory than the answer, which is twice there while its pieces are joined
    return b"".join(pieces), headers


def write_rows(writer: AnswerWriter, answer: AnswerSpec, rows: Rows, *, last: bool = False) -> Iterator[bytes]:
    """Yield the bytes that answer some rows.

    Raises:
        RequestError: The answer would be too large, or rows cannot be used: then with everything that is wrong.
    """
    answer.require_bounded(rows)
    try:
        yield from writer.write(rows, last=last)
        answer.note_rows(len(rows))
    except DataError as error:
        raise all_problems(rows, answer.detector.schema, error, cancellation=answer.cancellation) from error


def answer_headers(answer: AnswerSpec, notes: Sequence[str]) -> dict[str, str]:
    """Return the headers of an answer, which are the same in every format but for the content type."""
    row, detector = FORMATS[answer.format_name], answer.detector
    headers = {
        "Content-Type": row.types[0] + row.parameters,
        "Vary": "Accept, Accept-Encoding",
        "Detector-Name": quote(detector.name),
        "Detector-Version": quote(detector.version),
        "Detector-Threshold": repr(detector.calibration.threshold),
    }
    if notes:
        headers["Detector-Notes"] = _listed(notes)
    return headers


def _listed(notes: Sequence[str]) -> str:
    """Return notes as a JSON list that fits into a header: the first ones, and how many more there are."""
    for kept in range(len(notes), -1, -1):
        left = len(notes) - kept
        more = [] if not left else [f"and {left:,} more note{'s' * (left > 1)}, too long for a header"]
        listed = json.dumps([*notes[:kept], *more])
        if len(listed) <= _MOST_NOTES:
            break
    return listed
