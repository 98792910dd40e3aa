"""The calibration, which decides: scores, and the segments of their rows, to p-values, thresholds and flags."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.calibration.cutoff import Cutoff, ThresholdSpec
from models.calibration.methods import THRESHOLD_METHODS, Target, check_spec, cutoff_of, spec_of
from models.calibration.ranks import FloatVector
from models.calibration.rows import CalibrationRows
from models.errors import ConfigError, Set
from models.messages import Message, joined, phrase, plural

T = TypeVar("T")

_ROUNDING: Final = 1e-9  # processors round the exponentials of a tail differently; all else is exact
_ROWS_IN_WORDS: Final = {
    "all": phrase(
        "rows that are drawn like the calibration rows (all alerts count, those for anomalies among them, too)"
    ),
    "normal": phrase("normal rows"),
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
        if rows.segments and not THRESHOLD_METHODS[spec.method].by_segment:
            raise ConfigError(
                f"threshold_method {spec.method!r} gives one threshold: leave ", Set("threshold_by"), " out."
            )
        by_segment, left_pooled = _by_segment(rows, lambda own: cutoff_of(own, spec))
        return cls(spec=spec, rows=rows, pooled=pooled, by_segment=by_segment, left_pooled=left_pooled)

    @classmethod
    def of(cls, scores: FloatVector, *, method: str, value: float) -> Calibration:
        """Calibrate on the scores of held-out rows `(n,)`, in any order, without labels and segments; see `on`."""
        return cls.on(CalibrationRows.of(scores), spec_of(method, value))

    @property
    def target(self) -> Target:
        """What the method is asked for."""
        return THRESHOLD_METHODS[self.spec.method].targets[self.spec.target]

    @property
    def threshold(self) -> float:
        """The threshold of a record without a segment."""
        return self.pooled.threshold

    @property
    def promised_alert_rate(self) -> float | None:
        """The share of rows like the calibration rows that will be flagged; None where nothing is promised."""
        return self.spec.value if self.target.is_rate else None

    @property
    def promise(self) -> Message:
        """The guarantee in words."""
        value, rows = self.spec.value, _ROWS_IN_WORDS[self.rows.population]
        percent = phrase("{percent:g} %", percent=100 * value)
        sentences = [self.target.promise.filled(value=phrase("{value:g}", value=value), percent=percent, rows=rows)]
        if self.rows.refitted:
            sentences.append(
                phrase(
                    "That is of networks that had not seen the calibration rows; of those that are kept, fitted again "
                    "on all rows, it is expected, not proved."
                )
            )
        if self.rows.left_out:
            sentences.append(
                plural(
                    "{count} calibration row is left out, as a number in it is far beyond everything else in its "
                    "column: such rows are flagged besides.",
                    "{count:,} calibration rows are left out, as a number in them is far beyond everything else in its "
                    "column: such rows are flagged besides.",
                    count=self.rows.left_out,
                )
            )
        if self.rows.segments:
            sentences.append(
                phrase(
                    "It holds separately in each segment with a threshold of its own ({some:,} of {all:,}).",
                    some=len(self.by_segment),
                    all=len(self.rows.segments),
                )
            )
            if self.left_pooled:
                sentences.append(phrase("The others get the threshold of all rows."))
        return joined(sentences)

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

    def to_json(self) -> dict[str, Any]:
        """Return all but the rows as plain data; `CalibrationRows.to_array` gives these."""
        return (
            asdict(self.spec)
            | {
                "threshold": self.threshold,
                "thresholds": {name: cutoff.threshold for name, cutoff in self.by_segment.items()},
                "segments": list(self.rows.segments),
                "population": self.rows.population,
                "anomaly_weight": self.rows.anomaly_weight,
                "refitted": self.rows.refitted,
            }
            | ({"left_out": self.rows.left_out} if self.rows.left_out else {})
        )

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], array: NDArray[Any]) -> Calibration:
        """Calibrate anew on what `to_json` and `CalibrationRows.to_array` gave: an edited threshold is refused.

        Raises:
            ConfigError, KeyError, TypeError, ValueError: They are not what was stored.
        """
        rows = CalibrationRows.from_array(array, plain)
        spec = spec_of(plain["method"], float(plain["value"]), target=str(plain["target"]))
        calibration = cls.on(rows, replace(spec, tail_share=float(plain["tail_share"])))
        found = {None: calibration.threshold} | {name: c.threshold for name, c in calibration.by_segment.items()}
        stored = {None: plain["threshold"]} | dict(plain["thresholds"])
        if found.keys() != stored.keys():
            raise ValueError("the thresholds are those of other segments")
        for name, threshold in stored.items():
            if not math.isclose(found[name], threshold, rel_tol=0.0 if calibration.pooled.tail is None else _ROUNDING):
                of = "" if name is None else f" of {name!r}"
                raise ValueError(f"the threshold{of} {threshold} is not the one of its scores")
        return calibration


def check_rows(rows: CalibrationRows, spec: ThresholdSpec) -> None:
    """Check, without looking at a score, that held-out rows are enough for a spec.

    Raises:
        ConfigError: They are not, or no segment has enough of its own, or none has a segment at all.
    """
    check_spec(rows, spec)
    _by_segment(rows, lambda own: check_spec(own, spec))


def _by_segment(rows: CalibrationRows, of: Callable[[CalibrationRows], T]) -> tuple[dict[str, T], dict[str, str]]:
    """Return what each segment gives, and for the others the reason why they give nothing."""
    found: dict[str, T] = {}
    reasons: dict[str, str] = {}
    for i, name in enumerate(rows.segments):
        try:
            found[name] = of(rows.of_segment(i))
        except ConfigError as error:
            reasons[name] = str(error).split(". ")[0].rstrip(".")
    if reasons and not found:
        name, reason = next(iter(reasons.items()))
        by = Set("threshold_by")
        problem = f" can have a threshold of its own; of {len(reasons):,} the first is {name!r}: {reason}. "
        raise ConfigError("No segment of ", by, problem, "Give more rows or another column, or leave ", by, " out.")
    return found, reasons
