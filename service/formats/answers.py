"""Answers, made and encoded in bounded pieces: a large request holds one piece of Python objects at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.detector import Detector, Verdicts
from models.errors import DataError
from service.formats.rows import Rows, all_problems
from service.web.negotiation import MEDIA
from service.web.problems import RequestError

MOST_VALUES: Final = 500_000
"""Most contributions or expected values in one answer: about 60 MB."""

_MOST_NOTES: Final = 2000  # characters in a header


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an address asks about rows.

    Args:
        list_name: What JSON calls the list with one item a row.
        items: The items of some rows, with the columns that are named.
        values: Values in the answer for each row, by detector and the columns that are named.
        remedy: What to do where these are too many.
    """

    list_name: str
    items: Callable[[Detector, Rows, int], list[Any]]
    values: Callable[[Detector, int], int] = lambda detector, top: 0
    remedy: str = "Send fewer records a request."


def encode_answer(question: str, detector: Detector, rows: Rows, *, medium: str, explain: int = 0) -> bytes:
    """Answer a question about rows.

    Args:
        question: A key of `QUESTIONS`.
        detector: What answers.
        rows: All rows of a request.
        medium: The answer's form, a key of `MEDIA`.
        explain: How many of the columns that add most are named.

    Raises:
        RequestError: The answer would be too large, or rows cannot be used: then with everything that is wrong.
    """
    asked, top = QUESTIONS[question], min(explain, len(detector.schema.columns))
    _require_bounded(len(rows) * asked.values(detector, top), asked.remedy)
    try:
        if medium == "json":
            return _as_json(asked, detector, rows, top)
        if medium == "jsonl":
            return _as_lines(asked, detector, rows, top)
        if medium == "raw":
            from service.formats.raw_answers import encode_raw

            return encode_raw(question, detector, rows, top=top)
        from service.formats.flat_answers import encode_flat  # Arrow's 30 MB: for the first such answer

        return encode_flat(question, detector, rows, medium=medium, top=top)
    except DataError as error:
        raise all_problems(rows, detector.schema, error) from error


def answer_headers(detector: Detector, notes: Sequence[str], *, medium: str) -> dict[str, str]:
    """Return what is said of an answer outside of its body, in every form alike."""
    text = "; charset=utf-8; header=present" if medium == "csv" else ""
    headers = {
        "Content-Type": MEDIA[medium].types[0] + text,
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
    """What an answer in JSON has around its items.

    Args:
        head: All that is before the first item.
    """

    head: bytes

    @classmethod
    def of(cls, asked: Question, detector: Detector, notes: Sequence[str] = ()) -> JsonFrame:
        """Return that of the answers of a detector."""
        head: dict[str, Any] = {"detector": detector.name, "version": detector.version}
        if asked.items is _score:
            head["threshold"] = detector.calibration.threshold
        if notes:
            head["notes"] = list(notes)
        return cls(msgspec.json.encode(head)[:-1] + b"," + msgspec.json.encode(asked.list_name) + b":[")

    def around(self, items: bytes) -> bytes:
        """Return the answer with its items, which have commas between them."""
        return self.head + items + b"]}"


def items_of(asked: Question, detector: Detector, rows: Rows, top: int) -> list[Any]:
    """Return what JSON says of each row, with its ids where a score is asked for.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    items = asked.items(detector, rows, top)
    if asked.items is _score and detector.schema.ids:
        for item, ids in zip(items, rows.ids(detector.schema), strict=True):
            item["ids"] = ids
    return items


def encode_items(items: list[Any]) -> bytes:
    """Return items as JSON with commas between them; a number that is none becomes null."""
    return msgspec.json.encode(items)[1:-1]


def score_items(verdicts: Verdicts, *, top: int) -> list[dict[str, Any]]:
    """Return the scores, verdicts and reasons of some records as msgspec encodes them."""
    items: list[dict[str, Any]] = [
        {"anomaly_score": anomaly_score, "p_value": p_value, "is_anomaly": is_anomaly}
        for anomaly_score, p_value, is_anomaly in zip(
            verdicts.anomaly_score.tolist(), verdicts.p_value.tolist(), verdicts.is_anomaly.tolist(), strict=True
        )
    ]
    if verdicts.segments is not None:
        for item, segment, threshold in zip(items, verdicts.segments, verdicts.threshold.tolist(), strict=True):
            item |= {"segment": segment, "threshold": threshold}
    if top:
        for item, contributions in zip(items, verdicts.explained(top=top), strict=True):
            item["contributions"] = contributions
    return items


def judged(detector: Detector, rows: Rows) -> Verdicts:
    """Score the rows of a piece and decide about them.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    verdicts = detector.score(rows.columns(detector.schema))
    _require_numbers(verdicts.anomaly_score)
    return verdicts


def embedded(detector: Detector, rows: Rows) -> NDArray[np.float32]:
    """Return the bottleneck's output for the rows of a piece.

    Raises:
        DataError: A value is not of its column's kind.
        RequestError: The network gave what is no number.
    """
    embeddings = detector.embed(rows.columns(detector.schema))
    _require_numbers(embeddings)
    return embeddings


def _score(detector: Detector, rows: Rows, top: int) -> list[Any]:
    return score_items(judged(detector, rows), top=top)


def _embed(detector: Detector, rows: Rows, top: int) -> list[Any]:
    embeddings: list[Any] = embedded(detector, rows).tolist()
    return embeddings


def _reconstruct(detector: Detector, rows: Rows, top: int) -> list[Any]:
    verdicts = judged(detector, rows)
    return [verdicts.expected(row) for row in range(len(verdicts))]


QUESTIONS: Final = {
    "score": Question(
        list_name="results",
        items=_score,
        values=lambda detector, top: top,
        remedy="Ask for fewer columns (explain), or send fewer records a request.",
    ),
    "embed": Question(list_name="embeddings", items=_embed),
    "reconstruct": Question(
        list_name="reconstructions",
        items=_reconstruct,
        values=lambda detector, top: len(detector.schema.columns),
    ),
}
"""What can be asked about rows, by address."""


def _as_json(asked: Question, detector: Detector, rows: Rows, top: int) -> bytes:
    """Return one object whose last member is the list of items."""
    pieces = (encode_items(items_of(asked, detector, piece, top)) for piece in rows.pieces())
    return JsonFrame.of(asked, detector, rows.notes).around(b",".join(pieces))


def _as_lines(asked: Question, detector: Detector, rows: Rows, top: int) -> bytes:
    """Return an object a line: the ids, and what was found."""
    encoder = msgspec.json.Encoder()
    written = []
    for piece in rows.pieces():
        found = zip(piece.ids(detector.schema), asked.items(detector, piece, top), strict=True)
        written.append(
            encoder.encode_lines(
                [ids | (item if isinstance(item, dict) else {"embedding": item}) for ids, item in found]
            )
        )
    return b"".join(written)


def _require_numbers(numbers: NDArray[Any]) -> None:
    """Stop rather than answer null, which no threshold would ever flag."""
    if not np.isfinite(numbers).all():
        raise RequestError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The network gave what is no number: the bundle is not as training wrote it. Check it with python -m "
            "models.bundle verify.",
        )


def _require_bounded(values: int, remedy: str) -> None:
    if values > MOST_VALUES:
        detail = f"The answer would hold {values:,} values, more than {MOST_VALUES:,}. {remedy}"
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
