"""The calibration, which decides: scores, and the segments of their rows, to p-values, thresholds and flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.cutoff import Cutoff, ThresholdSpec
from models.calibration.methods import THRESHOLD_METHODS, Target, check_spec, cutoff_of, spec_of
from models.calibration.ranks import FloatVector
from models.calibration.rows import CalibrationRows
from models.errors import ConfigError, Set

_ROWS_IN_WORDS: Final = {
    "all": "rows that are drawn like the calibration rows (all alerts count, those for anomalies among them, too)",
    "normal": "normal rows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions about m scores.

    Args:
        p_value: `(m,)`, in (0, 1].
        threshold: The score above which each is an anomaly `(m,)`.
        is_anomaly: `(m,)`: strictly above the threshold.
    """

    p_value: FloatVector
    threshold: FloatVector
    is_anomaly: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Thresholds, and the calibration rows that they come from.

    Args:
        spec: How the thresholds are found.
        rows: The calibration rows.
        pooled: The threshold of all of them.
        by_segment: Those of the segments that have one of their own.
        left_pooled: Segments that have none, with the reason.
    """

    spec: ThresholdSpec
    rows: CalibrationRows
    pooled: Cutoff
    by_segment: Mapping[str, Cutoff] = field(default_factory=dict)
    left_pooled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, rows: CalibrationRows, spec: ThresholdSpec) -> Calibration:
        """Calibrate on held-out rows, and on each of their segments.

        Raises:
            ConfigError: The value is outside the method's limits, or the rows are too few for it; or thresholds by
                segment are wanted, and no segment can have one.
        """
        pooled = cutoff_of(rows, spec)
        by_segment: dict[str, Cutoff] = {}
        left_pooled: dict[str, str] = {}
        if rows.segments and not THRESHOLD_METHODS[spec.method].by_segment:
            raise ConfigError(
                f"threshold_method {spec.method!r} gives one threshold: leave ", Set("threshold_by"), " out."
            )
        for i, name in enumerate(rows.segments):
            try:
                by_segment[name] = cutoff_of(rows.of_segment(i), spec)
            except ConfigError as error:
                left_pooled[name] = str(error).split(". ")[0].rstrip(".")
        if rows.segments and not by_segment:
            raise _no_segment(left_pooled)
        return cls(spec=spec, rows=rows, pooled=pooled, by_segment=by_segment, left_pooled=left_pooled)

    @classmethod
    def of(cls, scores: FloatVector, *, method: str, value: float) -> Calibration:
        """Calibrate on the scores of held-out rows `(n,)`, in any order, without labels and segments.

        Raises:
            ConfigError: The value is outside the method's limits, or the rows are too few for it.
        """
        return cls.on(CalibrationRows.of(scores), spec_of(method, value))

    @property
    def method(self) -> str:
        """The threshold method, a key of `THRESHOLD_METHODS`."""
        return self.spec.method

    @property
    def target(self) -> Target:
        """What the method is asked for."""
        return THRESHOLD_METHODS[self.method].targets[self.spec.target]

    @property
    def value(self) -> float:
        """The wanted rate, share, figure or score."""
        return self.spec.value

    @property
    def threshold(self) -> float:
        """The threshold of a record without a segment."""
        return self.pooled.threshold

    @property
    def scores(self) -> FloatVector:
        """Scores of the calibration population, ascending; p-values are ranks among them."""
        return self.pooled.scores

    @property
    def promised_alert_rate(self) -> float | None:
        """The share of rows like the calibration rows that will be flagged; None where nothing is promised."""
        return self.value if self.target.is_rate else None

    @property
    def promise(self) -> str:
        """The guarantee in words."""
        promise = self.target.promise.format(
            value=f"{self.value:g}", percent=f"{100 * self.value:g} %", rows=_ROWS_IN_WORDS[self.rows.population]
        )
        if self.rows.refitted:
            promise += (
                " That is of networks that had not seen the calibration rows; of those that are kept, fitted again on "
                "all rows, it is expected, not proved."
            )
        if not self.rows.segments:
            return promise
        others = " The others get the threshold of all rows." if self.left_pooled else ""
        share = f"{len(self.by_segment):,} of {len(self.rows.segments):,}"
        return f"{promise} It holds separately in each segment with a threshold of its own ({share}).{others}"

    def decide(self, anomaly_score: FloatVector, segments: NDArray[Any] | None = None) -> Decisions:
        """Decide which of m scores are anomalies.

        Args:
            anomaly_score: `(m,)`.
            segments: Each one's segment `(m,)`; one that is None, unseen or too small gets the threshold of all rows.
        """
        p_value = self.pooled.p_value(anomaly_score)
        threshold = np.full(len(p_value), self.pooled.threshold)
        if segments is not None:
            cutoffs = list(self.by_segment.values())
            indices = {name: i for i, name in enumerate(self.by_segment)}
            index = np.array([indices.get(name, -1) for name in segments], np.int64)
            for i in np.unique(index[index >= 0]).tolist():
                rows = index == i
                p_value[rows] = cutoffs[i].p_value(anomaly_score[rows])
                threshold[rows] = cutoffs[i].threshold
        return Decisions(
            p_value=p_value, threshold=threshold, is_anomaly=np.asarray(anomaly_score > threshold, np.bool_)
        )


def check_rows(rows: CalibrationRows, spec: ThresholdSpec) -> None:
    """Check, without looking at a score, that held-out rows are enough for a spec.

    Raises:
        ConfigError: They are not, or no segment has enough of its own, or none has a segment at all.
    """
    check_spec(rows, spec)
    reasons: dict[str, str] = {}
    for i, name in enumerate(rows.segments):
        try:
            check_spec(rows.of_segment(i), spec)
        except ConfigError as error:
            reasons[name] = str(error).split(". ")[0].rstrip(".")
        else:
            return
    if reasons:
        raise _no_segment(reasons)


def _no_segment(reasons: Mapping[str, str]) -> ConfigError:
    name, reason = next(iter(reasons.items()))
    by = Set("threshold_by")
    problem = f" can have a threshold of its own; of {len(reasons):,} the first is {name!r}: {reason}. "
    return ConfigError("No segment of ", by, problem, "Give more rows or another column, or leave ", by, " out.")
