"""The calibration rows as they are kept: enough to change method, rate and segments without fitting again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.errors import ConfigError, Set
from models.schema import FeatureSchema, Kind
from models.schema.cells import parse_category
from models.schema.codes import KnownCategories

UNKNOWN, NORMAL, ANOMALY = -1, 0, 1
"""The label of a row."""

NO_SEGMENT: Final = -1
"""The segment of a row that has none."""

POPULATIONS: Final = {
    "all": "every calibration row: rates are about all alerts, those for anomalies included",
    "normal": "those that the label calls normal: rates are false-positive rates",
}
"""The calibration population: which calibration rows rates and p-values are about."""

_ARRAY: Final = np.dtype([("score", "<f8"), ("label", "i1"), ("segment", "<i4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRows:
    """The calibration rows, ascending by score.

    Args:
        score: Anomaly scores `(n,)`.
        label: `NORMAL`, `ANOMALY` or `UNKNOWN` `(n,)`.
        segment: Index in `segments`, or `NO_SEGMENT` `(n,)`.
        population: A key of `POPULATIONS`.
        anomaly_weight: Weight of an anomaly, where that of a normal row is 1: below 1 where a larger share of the
            anomalies was kept than of the normal rows.
        refitted: The final networks were fitted on these rows, too, after networks that had not seen them had scored
            them.
        left_out: Number of held-out rows that are not among these, as they are gross errors.
    """

    score: NDArray[np.float64]
    label: NDArray[np.int8]
    segment: NDArray[np.int32]
    segments: tuple[str, ...] = ()
    population: str = "all"
    anomaly_weight: float = 1.0
    refitted: bool = False
    left_out: int = 0

    @classmethod
    def of(
        cls,
        score: NDArray[np.float64],
        *,
        is_anomaly: NDArray[np.bool_] | None = None,
        segment: NDArray[Any] | None = None,
        population: str = "all",
        anomaly_weight: float = 1.0,
        left_out: NDArray[np.bool_] | None = None,
    ) -> CalibrationRows:
        """Make calibration rows from rows `(n,)` in any order, but for those `left_out`.

        `segment` holds names, None for a row without.
        """
        score = np.asarray(score, np.float64)
        order = np.argsort(score, kind="stable")
        if left_out is not None:
            order = order[~left_out[order]]
        names = () if segment is None else tuple(sorted({str(name) for name in segment if name is not None}))
        indices = {name: i for i, name in enumerate(names)}
        index = [NO_SEGMENT] * len(score) if segment is None else [indices.get(name, NO_SEGMENT) for name in segment]
        labels = np.full(len(score), UNKNOWN, np.int8) if is_anomaly is None else is_anomaly.astype(np.int8)
        return cls(
            score=score[order],
            label=labels[order],
            segment=np.array(index, np.int32)[order],
            segments=names,
            population=population,
            anomaly_weight=anomaly_weight,
            left_out=0 if left_out is None else int(left_out.sum()),
        )

    def __len__(self) -> int:
        return len(self.score)

    @property
    def normal(self) -> NDArray[np.float64]:
        """Scores of the rows that are labelled normal, ascending."""
        return self._labelled(NORMAL)

    @property
    def anomalies(self) -> NDArray[np.float64]:
        """Scores of the rows that are labelled anomalies, ascending."""
        return self._labelled(ANOMALY)

    @property
    def reference(self) -> NDArray[np.float64]:
        """Scores of the calibration population, ascending."""
        return self.normal if self.population == "normal" else self.score

    @property
    def names(self) -> NDArray[Any]:
        """Each row's segment by name, None where it has none `(n,)`."""
        return np.array([*self.segments, None], object)[self.segment]

    def of_segment(self, index: int) -> CalibrationRows:
        """Return the rows of one segment."""
        rows = self.segment == index
        return replace(
            self,
            score=self.score[rows],
            label=self.label[rows],
            segment=np.full(int(rows.sum()), NO_SEGMENT, np.int32),
            segments=(),
        )

    @property
    def known_segments(self) -> KnownCategories:
        """The names of the segments, as categories."""
        return KnownCategories(self.segments)

    def without_segments(self) -> CalibrationRows:
        """Return the rows without their segments."""
        return replace(self, segment=np.full(len(self), NO_SEGMENT, np.int32), segments=())

    def to_array(self) -> NDArray[Any]:
        """Return score, label and segment as one array, for a file."""
        array = np.empty(len(self), _ARRAY)
        for name in ("score", "label", "segment"):
            array[name] = getattr(self, name)
        return array

    def _labelled(self, label: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.score[self.label == label]
        return found

    @classmethod
    def from_array(cls, array: NDArray[Any], plain: Mapping[str, Any]) -> CalibrationRows:
        """Make rows from what `to_array` gave, and plain data for the rest; a `ValueError` if it is something else."""
        if array.dtype != _ARRAY:
            raise ValueError(f"the calibration rows are of type {array.dtype}")
        scores = array["score"]
        rows = cls(
            score=np.ascontiguousarray(scores),
            label=np.ascontiguousarray(array["label"]),
            segment=np.ascontiguousarray(array["segment"]),
            segments=tuple(map(str, plain["segments"])),
            population=str(plain["population"]),
            anomaly_weight=float(plain["anomaly_weight"]),
            refitted=bool(plain["refitted"]),
            left_out=int(plain.get("left_out", 0)),
        )
        if not (scores.ndim == 1 and len(scores) and np.isfinite(scores).all() and (np.diff(scores) >= 0).all()):
            raise ValueError("the calibration scores are not ascending finite numbers")
        if not (np.isin(rows.label, (UNKNOWN, NORMAL, ANOMALY)).all() and rows.population in POPULATIONS):
            raise ValueError("the calibration rows have other labels than normal, anomaly and unknown")
        if not ((rows.segment >= NO_SEGMENT).all() and (rows.segment < len(rows.segments)).all()):
            raise ValueError("the calibration rows have segments without a name")
        if rows.left_out < 0:
            raise ValueError("fewer calibration rows than none are left out")
        if not (0 < rows.anomaly_weight < np.inf and len(rows.reference)):
            raise ValueError("the calibration rows hold none that a p-value could rest on")
        return rows


def segments_of(
    schema: FeatureSchema, columns: Columns, *, known: KnownCategories | None = None
) -> NDArray[Any] | None:
    """Return the segment of each of n rows as text, None where the value is missing.

    The segment of a feature is the text of its parsed value, so that true, "yes" and 1 of a boolean one are the same.
    One that is a code of the `known` segments but for its leading zeros is that code.

    Returns:
        `(n,)`; None for a detector with one threshold.
    """
    if schema.threshold_by is None:
        return None
    kind = next(column.kind for column in schema.read if column.name == schema.threshold_by)
    values = columns[schema.threshold_by]
    if kind is Kind.CATEGORICAL:
        codes = known.shortened if known is not None else {}
        return np.array([codes.get(value, value) for value in values], object) if codes else values
    named = np.empty(len(values), object)
    for row, value in enumerate(values.tolist()):
        named[row] = parse_category(bool(value) if kind is Kind.BOOLEAN and not math.isnan(value) else value)
    return named


def check_segments(schema: FeatureSchema) -> None:
    """Raise `ConfigError` if a column cannot give segments: it is the label, or holds timestamps."""
    name = schema.threshold_by
    if name is None:
        return
    if name == schema.label:
        raise ConfigError(Set("threshold_by", name), " is the label, which a fresh record does not have: name another.")
    if any(column.name == name and column.kind is Kind.DATETIME for column in schema.columns):
        raise ConfigError(
            Set("threshold_by", name),
            " holds dates and times, nearly all different: name a column with a few categories.",
        )
