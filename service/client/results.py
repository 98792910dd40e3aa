"""Results and errors of the client, made of the service's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.errors import RecordError, ServiceError


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one column adds to a record's score.

    Args:
        feature: Name of the column.
        contribution: Its part of the anomaly score.
        actual: The record's value, None where it is missing.
        expected: The value that the network expected instead.
    """

    feature: str
    contribution: float
    actual: float | bool | str | None
    expected: float | bool | str | None


class ScoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Score and decision of one record.

    Args:
        anomaly_score: Higher is more anomalous; 1 is the median fitting row (of one network: in deviations²).
        p_value: In (0, 1].
        is_anomaly: The score is above the threshold.
        contributions: The columns that add most, largest first; as many as were asked for.
        ids: The record's own id fields.
    """

    anomaly_score: float
    p_value: float
    is_anomaly: bool
    contributions: tuple[Contribution, ...] = ()
    ids: dict[str, Any] = {}


class ScoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of records, in their order.

    Args:
        threshold: The score above which a record is an anomaly.
        records: One for each record that was sent.
    """

    detector: str
    version: str
    threshold: float
    records: tuple[ScoredRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorInfo:
    """The detector of a service.

    Args:
        threshold: The score above which a record is an anomaly.
        columns: Names of the columns that a record must have.
        ids: Names of the id fields that answers repeat.
        max_values: Most contributions or expected values in one answer.
        card: The whole answer of `GET /detector`.
    """

    name: str
    version: str
    threshold: float
    columns: tuple[str, ...]
    ids: tuple[str, ...]
    max_rows: int
    max_body_bytes: int
    max_values: int
    card: Mapping[str, Any] = field(repr=False)


def detector_info(card: dict[str, Any]) -> DetectorInfo:
    """Return the detector that an answer of `GET /detector` describes."""
    return DetectorInfo(
        name=card["name"],
        version=card["version"],
        threshold=card["threshold"]["value"],
        columns=tuple(column["name"] for column in card["columns"]),
        ids=tuple(card["ids"]),
        card=card,
        **card["limits"],
    )


def refusal(status: int, phrase: str, content: bytes, *, first: int) -> ServiceError:
    """Return the error that a problem document describes; `first` is the index of the request's first record."""
    try:
        problem = msgspec.json.decode(content)
        detail, errors = str(problem["detail"]), problem.get("errors", [])
        places = tuple(
            RecordError(
                item["problem"],
                record=None if item["record"] is None else item["record"] + first,
                field=item["field"],
                remedy=item["remedy"],
            )
            for item in errors
        )
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):  # a proxy's page, not the service's
        detail, places = phrase, ()
    return ServiceError(f"{status}: {detail}", status=status, places=places)
