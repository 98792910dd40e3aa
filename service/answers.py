"""Answers, made and encoded in bounded pieces: a large request holds one piece of Python objects at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from models.detector import Detector, Verdicts
from service.bodies import Records
from service.problems import RequestError

MOST_VALUES: Final = 500_000
"""Most contributions or expected values in one answer: about 60 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An object whose last member is a long list.

    Args:
        head: The other members.
        name: Name of the list.
        pieces: The list, piece by piece.
    """

    head: dict[str, Any]
    name: str
    pieces: Iterator[list[Any]]

    def encode(self) -> bytes:
        """Return the object as JSON; a number that is none becomes null."""
        items = b",".join(msgspec.json.encode(piece)[1:-1] for piece in self.pieces)
        return msgspec.json.encode(self.head)[:-1] + b"," + msgspec.json.encode(self.name) + b":[" + items + b"]}"


def score_answer(detector: Detector, records: Records, *, explain: int = 0) -> Answer:
    """Score records, and name the `explain` columns that add most to each.

    Raises:
        RequestError: The answer would be too large.
    """
    top = min(explain, len(detector.schema.columns))
    _require_bounded(len(records) * top, "Ask for fewer columns (explain), or send fewer records a request.")
    pieces = (
        score_items(detector.judge(piece.columns(detector.schema)), piece.ids(detector.schema), top=top)
        for piece in records.pieces()
    )
    return Answer(head=_head(detector) | {"threshold": detector.calibration.threshold}, name="results", pieces=pieces)


def embed_answer(detector: Detector, records: Records) -> Answer:
    """Embed records."""
    pieces = (detector.embed(piece.columns(detector.schema)).tolist() for piece in records.pieces())
    return Answer(head=_head(detector), name="embeddings", pieces=pieces)


def reconstruct_answer(detector: Detector, records: Records) -> Answer:
    """Reconstruct records.

    Raises:
        RequestError: The answer would be too large.
    """
    _require_bounded(len(records) * len(detector.schema.columns), "Send fewer records a request.")
    judged = (detector.judge(piece.columns(detector.schema)) for piece in records.pieces())
    pieces = ([verdicts.expected(row) for row in range(len(verdicts))] for verdicts in judged)
    return Answer(head=_head(detector), name="reconstructions", pieces=pieces)


def score_items(verdicts: Verdicts, ids: list[dict[str, Any]] | None, *, top: int) -> list[dict[str, Any]]:
    """Return the scores, verdicts and reasons of some records as plain data."""
    items: list[dict[str, Any]] = [
        {"anomaly_score": anomaly_score, "p_value": p_value, "is_anomaly": is_anomaly}
        for anomaly_score, p_value, is_anomaly in zip(
            verdicts.anomaly_score.tolist(), verdicts.p_value.tolist(), verdicts.is_anomaly.tolist(), strict=True
        )
    ]
    if verdicts.segments is not None:
        for item, segment, threshold in zip(items, verdicts.segments, verdicts.threshold.tolist(), strict=True):
            item |= {"segment": segment, "threshold": threshold}
    for row, item in enumerate(items):
        if top:
            item["contributions"] = [
                {"feature": c.feature, "contribution": c.contribution, "actual": c.actual, "expected": c.expected}
                for c in verdicts.contributions(row, top=top)
            ]
        if ids is not None:
            item["ids"] = ids[row]
    return items


def _head(detector: Detector) -> dict[str, Any]:
    return {"detector": detector.name, "version": detector.version}


def _require_bounded(values: int, remedy: str) -> None:
    if values > MOST_VALUES:
        detail = f"The answer would hold {values:,} values, more than {MOST_VALUES:,}. {remedy}"
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
