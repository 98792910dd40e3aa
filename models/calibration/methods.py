"""The threshold methods: a row each, read by flags, checks, help, documents and tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from models.calibration.cutoff import Cutoff
from models.calibration.labels import check_labels, threshold_by_labels
from models.calibration.ranks import (
    LEAST_ROWS_OF_A_TAIL,
    conformal_threshold,
    contamination_threshold,
    flagged_rows,
    require_rows,
)
from models.calibration.rows import CalibrationRows
from models.calibration.tail import LEAST_RATE, TAIL_SHARES, fit_tail, too_few_for_a_tail
from models.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How thresholds are found.

    Args:
        method: A key of `THRESHOLD_METHODS`.
        goal: A key of the method's `goals`: the setting that gives the value.
        value: The rate, share, figure or score that is wanted.
        tail_share: For the method evt: the share of the rows that is taken as the tail.
    """

    method: str
    goal: str
    value: float
    tail_share: float = TAIL_SHARES[0]

    @classmethod
    def of(cls, method: str, value: float) -> Rule:
        """Return the rule of a method whose first goal is wanted."""
        return cls(method=method, goal=THRESHOLD_METHODS[method].flags[0], value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a method can be asked for.

    Args:
        promise: The guarantee in words, with ``{percent}`` or ``{value}``, and ``{rows}`` for the rows it is about.
        is_rate: The value is the promised alert rate.
    """

    promise: str
    is_rate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdMethod:
    """How a threshold is found.

    Args:
        summary: One line for the help.
        goals: What it can be asked for, by the setting that gives the value; the first is the default.
        check: Raises `ConfigError` where the value is outside its limits or the rows are too few; looks at no score.
        cutoff: Calibration rows and rule → threshold.
        by_segment: Segments can have thresholds of their own.
    """

    summary: str
    goals: Mapping[str, Goal]
    check: Callable[[CalibrationRows, Rule], None]
    cutoff: Callable[[CalibrationRows, Rule], Cutoff]
    by_segment: bool = True

    @property
    def flags(self) -> tuple[str, ...]:
        """The settings that give its value."""
        return tuple(self.goals)


def _check_fpr(rows: CalibrationRows, rule: Rule) -> None:
    require_rows(len(rows.reference), rule.value)


def _fpr(rows: CalibrationRows, rule: Rule) -> Cutoff:
    return Cutoff(threshold=conformal_threshold(rows.reference, rule.value), scores=rows.reference)


def _check_evt(rows: CalibrationRows, rule: Rule) -> None:
    if not LEAST_RATE <= rule.value < 1:
        raise ConfigError(f"alert_rate must be in [{LEAST_RATE:g}, 1) for the method evt, got {rule.value}.")
    n = len(rows.reference)
    if n < LEAST_ROWS_OF_A_TAIL:
        raise too_few_for_a_tail(n)


def _evt(rows: CalibrationRows, rule: Rule) -> Cutoff:
    _check_evt(rows, rule)
    scores, rate = rows.reference, rule.value
    tail = fit_tail(scores, share=rule.tail_share)
    threshold = tail.threshold(rate) if rate < tail.share else conformal_threshold(scores, rate)
    return Cutoff(threshold=threshold, scores=scores, tail=tail, rate=rate)


def _check_labels(rows: CalibrationRows, rule: Rule) -> None:
    check_labels(rows, rule.goal, rule.value)


def _labels(rows: CalibrationRows, rule: Rule) -> Cutoff:
    return Cutoff(threshold=threshold_by_labels(rows, rule.goal, rule.value), scores=rows.reference)


def _check_contamination(rows: CalibrationRows, rule: Rule) -> None:
    flagged_rows(len(rows.reference), rule.value)


def _contamination(rows: CalibrationRows, rule: Rule) -> Cutoff:
    return Cutoff(threshold=contamination_threshold(rows.reference, rule.value), scores=rows.reference)


def _check_fixed(rows: CalibrationRows, rule: Rule) -> None:
    if not (math.isfinite(rule.value) and rule.value >= 0):
        raise ConfigError(f"threshold must be a finite number of at least 0, got {rule.value}.")


def _fixed(rows: CalibrationRows, rule: Rule) -> Cutoff:
    _check_fixed(rows, rule)
    return Cutoff(threshold=float(rule.value), scores=rows.reference)


THRESHOLD_METHODS: Final[dict[str, ThresholdMethod]] = {
    "fpr": ThresholdMethod(
        summary="conformal quantile: at most this share of fresh normal rows is flagged",
        goals={
            "alert_rate": Goal(
                promise="At most {percent} of fresh {rows} will be flagged, on average over fits.", is_rate=True
            )
        },
        check=_check_fpr,
        cutoff=_fpr,
    ),
    "evt": ThresholdMethod(
        summary="generalised Pareto tail: alert rates that are too small for the number of rows",
        goals={
            "alert_rate": Goal(
                promise="About {percent} of fresh {rows} will be flagged, if their highest scores follow the fitted "
                "tail; that is an extrapolation, not a guarantee.",
                is_rate=True,
            )
        },
        check=_check_evt,
        cutoff=_evt,
    ),
    "labels": ThresholdMethod(
        summary="the best threshold for labelled rows: by --beta, --precision, --recall or --false-positive-rate",
        goals={
            "beta": Goal(
                promise="The threshold with the best F-beta (beta {value}) on labelled calibration rows; what it will "
                "be on fresh rows is estimated, not promised."
            ),
            "precision": Goal(
                promise="The lowest threshold with a precision of {value} on labelled calibration rows; what it will "
                "be on fresh rows is estimated, not promised, and falls where anomalies are rarer."
            ),
            "recall": Goal(
                promise="At least {percent} of fresh anomalies that are drawn like the labelled ones among the "
                "calibration rows will be flagged, on average over fits."
            ),
            "false_positive_rate": Goal(
                promise="At most {percent} of fresh rows that are drawn like the labelled normal ones among the "
                "calibration rows will be flagged, on average over fits."
            ),
        },
        check=_check_labels,
        cutoff=_labels,
    ),
    "contamination": ThresholdMethod(
        summary="the share of anomalies that you expect among rows like those of DATA",
        goals={
            "contamination": Goal(
                promise="About {percent} of rows like the calibration rows will be flagged, as many as are expected "
                "to be anomalies; there is no guarantee for a single fit.",
                is_rate=True,
            )
        },
        check=_check_contamination,
        cutoff=_contamination,
    ),
    "fixed": ThresholdMethod(
        summary="a threshold that you give",
        goals={
            "threshold": Goal(
                promise="Rows that score above {value} are flagged; how many that will be is not promised."
            )
        },
        check=_check_fixed,
        cutoff=_fixed,
        by_segment=False,
    ),
}
"""The threshold methods by the name that ``--threshold-method`` takes."""
