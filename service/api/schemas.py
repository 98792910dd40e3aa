"""The answers in JSON, and the JSON schema of what the active detector can score."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.bundle.card import column_cards
from models.detector import Detector
from models.schema import Column, Kind
from models.schema.cells import BOOLEAN_WORDS
from models.schema.timestamps import TIME_LAYOUTS
from service.settings import Settings

Scalar = float | bool | str | None
MOST_VALUES: Final = 500_000
"""Most contributions or expected values in one answer: about 60 MB."""


class ContributionItem(BaseModel):
    """What one column adds to a record's score."""

    feature: str = Field(description="Name of the column.")
    contribution: float = Field(description="Its part of the anomaly score; all columns' parts sum to the score.")
    actual: Scalar = Field(description="The record's value; null where it is missing.")
    expected: Scalar = Field(description="What was expected instead, in the user's own units and categories.")
    probability: float | None = Field(
        None,
        description="The probability of a value that is the expected one; absent where another was, and for numbers.",
    )
    gaps: dict[str, float] | None = Field(
        None,
        description="Of a date whose regular gaps were learned: the days since the dates of other columns, by name.",
    )


class ScoreItem(BaseModel):
    """Score of one record, and whether it is an anomaly."""

    anomaly_score: float = Field(
        description="Higher is more anomalous; 1 is the median fitting row (of one network: in standard deviations²)."
    )
    p_value: float = Field(description="(1 + calibration rows that score at least as high) / (1 + calibration rows).")
    is_anomaly: bool = Field(description="The score is strictly above the threshold.")
    segment: str | None = Field(None, description="Where thresholds go by segment: the record's, null for none.")
    threshold: float | None = Field(None, description="Where thresholds go by segment: the one of this record.")
    ids: dict[str, Any] | None = Field(None, description="The record's own id fields, where the detector has some.")
    contributions: list[ContributionItem] | None = Field(None, description="The columns that add most, largest first.")
    reason: str | None = Field(
        None,
        description="Where contributions are asked for: the first three columns that add 5 % of the score or more, in "
        "words.",
    )


class _Answer(BaseModel):
    detector: str = Field(description="Name of the detector that answered.")
    version: str = Field(description="Its version.")
    notes: list[str] | None = Field(
        None, description="What was detected, repaired or is ignored in the body, where there is such."
    )


class ScoreResponse(_Answer):
    """Scores, in the order of the records."""

    threshold: float = Field(description="The score above which a record (of no segment) is an anomaly.")
    results: list[ScoreItem]


class EmbedResponse(_Answer):
    """The bottleneck's output for each record."""

    embeddings: list[list[float]]


class ReconstructResponse(_Answer):
    """What the network expected of each column of each record, in the user's own units and categories."""

    reconstructions: list[dict[str, Scalar]]


class ProblemItem(BaseModel):
    """One error."""

    record: int | None = Field(description="Number of the record in the request, from 0.")
    field: str | None
    problem: str
    remedy: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemItem] | None = Field(None, description="The first hundred errors, in the order of the records.")
    total: int | None = Field(None, description="Number of errors.")


DetectorState = Literal["loaded", "not loaded", "failed"]


class Health(BaseModel):
    """The process is alive."""

    status: str


class Readiness(BaseModel):
    """Records can be scored."""

    status: str
    detector: str | None = Field(description="The detector that answers /score; null where there is no default.")
    version: str | None = Field(description="Its version.")
    detectors: dict[str, DetectorState] | None = Field(
        None, description="Where there are several: of each, whether it is in memory, or could not be loaded."
    )
    problems: dict[str, str] | None = Field(
        None, description="Why a detector is not served as is wanted, by its name; only where there is such."
    )


class DetectorItem(BaseModel):
    """One of the detectors that are served."""

    name: str
    version: str = Field(description="The active version, which answers where none is named.")
    versions: list[str] = Field(description="All versions, oldest first.")
    aliases: dict[str, str] = Field(description="The version of each alias.")
    state: DetectorState = Field(
        description="Whether the active version is in memory; it is loaded when it is asked for. Or it could not be."
    )
    problem: str | None = Field(None, description="Why it is not served as is wanted, where that is so.")


class AliasTarget(BaseModel):
    """The version that an alias means."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    version: str


class AlertRates(BaseModel):
    """Shares of the compared rows that are anomalies; null where none is compared yet."""

    active: float | None
    challenger: float | None


class Disagreements(BaseModel):
    """Numbers of rows that one version alone calls an anomaly."""

    only_active: int
    only_challenger: int


class ShadowResponse(BaseModel):
    """How a challenger scores the same rows as the active version, since one of them became what it is."""

    detector: str
    version: str = Field(description="The active version.")
    challenger: str = Field(description="The version that scores beside it.")
    rows: int = Field(description="Rows that both have scored; of several workers, those of the one that answers.")
    dropped: int = Field(description="Rows that were not compared, as too many waited.")
    alert_rate: AlertRates
    disagreements: Disagreements
    rank_correlation: float | None = Field(
        description="Spearman's, of the last 10,000 rows' scores; null where there are too few."
    )
    problem: str | None = Field(None, description="Why nothing is compared any more, where that is so.")


class DetectorList(BaseModel):
    """All detectors that are served."""

    default: str | None = Field(description="The one that answers /score; null where there is no default.")
    detectors: list[DetectorItem]


class Limits(BaseModel):
    """Limits of one request."""

    max_body_bytes: int
    max_rows: int
    max_values: int = Field(description="Most contributions or expected values in one answer.")


class DetectorResponse(BaseModel):
    """What the active detector is, what it was trained on, and how well it does."""

    name: str
    version: str
    created: str
    activation: str
    columns: list[dict[str, Any]] = Field(description="Name, kind, how it enters, and its ranges or categories.")
    schema_digest: str = Field(description="Stands for the columns' names, kinds, units and order.")
    ids: list[str]
    dropped: dict[str, str] = Field(description="Columns that are not used, with the reason.")
    threshold: dict[str, Any] = Field(description="Its value, method, and what it promises.")
    training: dict[str, Any] = Field(description="Rows, epochs, losses, units, realised alert rate, metrics.")
    versions: dict[str, str]
    example: dict[str, Any] = Field(description="A record that can be sent to /score.")
    limits: Limits


def detector_answer(detector: Detector, settings: Settings) -> dict[str, Any]:
    """Return the fields of `DetectorResponse` for a detector."""
    card = dict(detector.card)
    card.pop("columns", None)
    calibration = detector.calibration
    return {
        "name": detector.name,
        "version": detector.version,
        "created": card.pop("created", ""),
        "activation": (card.get("settings") or {}).get("activation", ""),
        "columns": column_cards(detector),
        "schema_digest": detector.schema.digest,
        "ids": list(detector.schema.ids),
        "dropped": dict(detector.schema.dropped),
        "threshold": {
            "value": calibration.threshold,
            "method": calibration.spec.method,
            "promised_alert_rate": calibration.promised_alert_rate,
            "promise": str(calibration.promise),
            "calibration_rows": len(calibration.pooled.scores),
            "by": detector.schema.threshold_by,
            "segments": {name: cutoff.threshold for name, cutoff in calibration.by_segment.items()},
        },
        "versions": card.pop("versions", {}),
        "training": {name: value for name, value in card.items() if name != "dropped"},
        "example": example_record(detector),
        "limits": {
            "max_body_bytes": settings.max_body_bytes,
            "max_rows": settings.max_rows,
            "max_values": MOST_VALUES,
        },
    }


def example_record(detector: Detector) -> dict[str, Any]:
    """Return a typical record, which can be scored: the middle or the most frequent value of each column."""
    reference = detector.reference.get("columns", {})
    segment = next(iter(detector.calibration.by_segment), None)  # for a column that is no feature
    return {column.name: reference.get(column.name, {}).get("typical", segment) for column in detector.schema.read}


def request_schema(detector: Detector) -> dict[str, Any]:
    """Return the JSON schema of what can be scored, with the detector's own columns."""
    reference = detector.reference.get("columns", {})
    record = {
        "type": "object",
        "title": "Record",
        "properties": {c.name: _field_schema(c, reference.get(c.name, {})) for c in detector.schema.read},
        "required": list(detector.schema.required),
        "additionalProperties": True,
    }
    rows = {
        "type": "object",
        "title": "Columns and rows",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "array", "items": {}}},
        },
        "required": ["columns", "rows"],
        "additionalProperties": False,
    }
    return {"anyOf": [record, {"type": "array", "title": "Records", "items": record, "minItems": 1}, rows]}


def request_examples(detector: Detector) -> dict[str, Any]:
    """Return examples of the three kinds of JSON bodies."""
    record = example_record(detector)
    return {
        "one record": {"value": record},
        "records": {"value": [record, record]},
        "columns and rows": {"value": {"columns": list(record), "rows": [list(record.values())]}},
    }


def _field_schema(column: Column, reference: dict[str, Any]) -> dict[str, Any]:
    missing = f"; missing: {', '.join(column.missing)}" if column.missing else ""
    if column.kind is Kind.NUMERIC:
        quantiles = reference.get("quantiles", {})
        seen = f"seen from {quantiles['0']:g} to {quantiles['1']:g}" if quantiles else ""
        texts = column.unit is not None or column.layout is not None
        unit = column.unit if column.unit is not None else "seconds, or a text such as 1h 30m"
        description = {"description": (f"in {unit}; " if texts else "") + seen + missing}
        if texts or column.missing:
            return {"type": ["number", "string", "null"], **description}
        return {"anyOf": [{"type": ["number", "null"]}, _NUMBER_TEXT], **description}
    if column.kind is Kind.BOOLEAN:
        words = {"type": "string"} if column.missing else {"enum": [0, 1, *BOOLEAN_WORDS]}
        return {"anyOf": [{"type": ["boolean", "null"]}, words]}
    if column.kind is Kind.CATEGORICAL:
        seen = ", ".join(list(reference.get("counts", {}))[:10])
        return {"type": ["string", "number", "boolean", "null"], "description": f"categories such as {seen}{missing}"}
    layout = column.layout or "iso"
    spec = TIME_LAYOUTS[layout]
    numbers = spec.per_second is not None or layout in ("compact", "period")
    what = "time of day" if layout == "time" else "date and time"
    zone = ", with a zone behind it" if column.zone and not numbers else ""
    return {
        "type": ["number", "string", "null"] if numbers else ["string", "null"],
        "description": f"{what} ({layout}), such as {spec.example}{zone}{missing}",
    }


_NUMBER_TEXT: Final = {"type": "string", "pattern": r"^[+-]?\d{1,9}(\.\d{1,9})?$", "description": "a number as text"}
