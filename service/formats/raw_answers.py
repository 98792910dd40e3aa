"""Answers that are numbers alone: little-endian float64, row after row."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.detector import Detector
from models.schema import Kind
from service.formats.answers import embedded, judged
from service.formats.rows import Rows
from service.web.problems import RequestError

CELL: Final = np.dtype("<f8")
"""How a number of an answer is written."""


def encode_raw(question: str, detector: Detector, rows: Rows, *, top: int) -> bytes:
    """Answer a question about rows with numbers.

    Args:
        question: A key of `service.formats.answers.QUESTIONS`.
        detector: What answers.
        rows: All rows of a request.
        top: How many of the columns that add most are to be named, which numbers cannot.

    Raises:
        RequestError: What is asked for is no number.
        DataError: A value is not of its column's kind.
    """
    if top:
        raise _no_numbers("Names of columns are texts")
    written = []
    for piece in rows.pieces():
        piece.id_columns(detector.schema)  # not answered, but refused where another answer would refuse them
        written.append(np.asarray(_NUMBERS[question](detector, piece), CELL).tobytes())
    return b"".join(written)


def _scores(detector: Detector, rows: Rows) -> NDArray[Any]:
    verdicts = judged(detector, rows)
    by_segment = [] if verdicts.segments is None else [verdicts.threshold]
    return np.column_stack([verdicts.anomaly_score, verdicts.p_value, verdicts.is_anomaly, *by_segment])


def _reconstructions(detector: Detector, rows: Rows) -> NDArray[Any]:
    for column in detector.schema.columns:
        if column.kind is not Kind.NUMERIC:
            raise _no_numbers(f"The column {column.name!r} is {column.kind}")
    verdicts = judged(detector, rows)
    return np.array([list(verdicts.expected(row).values()) for row in range(len(verdicts))])


def _no_numbers(reason: str) -> RequestError:
    return RequestError(HTTPStatus.NOT_ACCEPTABLE, f"{reason}, and the answer is to be numbers alone. Ask for JSON.")


_NUMBERS: Final[dict[str, Callable[[Detector, Rows], NDArray[Any]]]] = {
    "score": _scores,
    "embed": embedded,
    "reconstruct": _reconstructions,
}
"""The numbers of each row that answer a question."""
