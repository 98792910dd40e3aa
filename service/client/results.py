"""Results and errors of the client, made of the service's answers; data frames, converted to Arrow and back."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from models.errors import RecordError, ServiceError, TableError

if TYPE_CHECKING:
    import pyarrow as pa

Frame = TypeVar("Frame")


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one column adds to a record's score.

    Args:
        feature: Name of the column.
        contribution: Its part of the anomaly score.
        actual: The record's value, None where it is missing.
        expected: The value that the network expected instead.
        probability: The probability of a value that is the expected one; None where another was, and for numbers.
        gaps: Of a date whose regular gaps were learned: the days since the dates of other columns, by name.
    """

    feature: str
    contribution: float
    actual: float | bool | str | None
    expected: float | bool | str | None
    probability: float | None = None
    gaps: dict[str, float] | None = None


class ScoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Score and decision of one record.

    Args:
        anomaly_score: Higher is more anomalous; 1 is the median fitting row (of one network: in deviations²).
        p_value: In (0, 1].
        is_anomaly: The score is above the threshold.
        contributions: The columns that add most, largest first; as many as were asked for.
        reason: In words why, where contributions were asked for.
        ids: The record's own id fields.
    """

    anomaly_score: float
    p_value: float
    is_anomaly: bool
    contributions: tuple[Contribution, ...] = ()
    reason: str | None = None
    ids: dict[str, Any] = {}


class ScoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of records, in their order.

    Args:
        threshold: The score above which a record is an anomaly.
        records: One for each record that was sent.
        notes: What the service noted of the records, one line each: fields that it ignores, values that training did
            not have as they are written.
    """

    detector: str
    version: str
    threshold: float
    records: tuple[ScoredRecord, ...]
    notes: tuple[str, ...] = ()


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


def notes_of(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the service noted in several answers, each line once."""
    return list(dict.fromkeys(note for answer in answers for note in answer.get("notes", ())))


def items_of(answers: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return the items of several answers; what the service noted becomes warnings."""
    warn_of(notes_of(answers))
    return [item for answer in answers for item in answer[name]]


def warn_of(notes: Sequence[str]) -> None:
    """Warn the caller of the client of what the service noted."""
    for note in dict.fromkeys(notes):
        warnings.warn(note, UserWarning, stacklevel=4)


def is_frame(rows: Any) -> bool:
    """Return whether rows are a data frame of pandas or polars, or an Arrow table, and not records."""
    return hasattr(rows, "columns") and not isinstance(rows, Mapping)


def arrow_of(frame: Any) -> pa.Table:
    """Return a data frame as an Arrow table.

    Raises:
        ServiceError: A column mixes types that Arrow cannot hold in one column.
    """
    from models.tables.frames import arrow_of_frame  # data frames alone need Arrow

    try:
        return arrow_of_frame(frame)
    except TableError as error:
        raise ServiceError(str(error)) from error


def frame_like(frame: Frame, table: pa.Table) -> Frame:
    """Return a table as a data frame of the same library as another one, with its index."""
    found: Any = table
    if hasattr(frame, "iloc"):
        found = table.to_pandas()
        found.index = frame.index  # type: ignore[attr-defined]  # only pandas has iloc
    elif type(frame).__module__.split(".")[0] == "polars":
        import polars

        found = polars.from_arrow(table)
    result: Frame = found
    return result


def stream_of(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    import pyarrow as pa

    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
