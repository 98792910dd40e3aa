"""The threshold methods: a row each, read by flags, checks, help, reports, documents and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from models.calibration.cutoff import Cutoff, ThresholdSpec
from models.calibration.labels import best_f_beta, check_estimable, threshold_of_precision
from models.calibration.ranks import (
    conformal_threshold,
    conformal_threshold_below,
    contamination_threshold,
    flagged_rows,
    require_anomalies,
    require_rows,
    rows_needed,
)
from models.calibration.rows import CalibrationRows
from models.calibration.tail import LEAST_RATE, fit_tail, require_tail_rows
from models.calibration.tail_quality import tail_report, with_best_tail
from models.errors import ConfigError, Set
from models.limits import Interval, complaint_about
from models.messages import Template, unfilled

CutoffOf: TypeAlias = Callable[[CalibrationRows, ThresholdSpec], Cutoff]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a method can be asked for.

    Args:
        limits: Of the value.
        promise: The guarantee in words, with ``{percent}`` or ``{value}``, and ``{rows}`` for the rows it is about.
        check: Rows and value → `ConfigError` where the rows are too few; looks at no score.
        cutoff: Rows and spec → threshold and p-values.
        is_rate: The value is the promised alert rate.
    """

    limits: Interval
    promise: Template
    check: Callable[[CalibrationRows, float], object]
    cutoff: CutoffOf
    is_rate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdMethod:
    """How a threshold is found.

    Args:
        summary: One line for the help.
        targets: What it can be asked for, by the setting that gives the value; the first is the default.
        defaults: Values of the first target where none is given: the first that the number of rows can promise, else
            the last; empty where one must be given.
        by_segment: Segments can have thresholds of their own.
        needs_labels: It is for labelled rows.
        prepare: Rows and spec → spec with what is chosen by looking at the scores, once, before calibrating.
        report: Cutoff and words for its segment → entries of the threshold's report, and warnings.
        shows: What a terminal shows of the report: ``value`` behind the threshold, and entries.
    """

    summary: str
    targets: Mapping[str, Target]
    defaults: tuple[float, ...]
    by_segment: bool = True
    needs_labels: bool = False
    prepare: Callable[[CalibrationRows, ThresholdSpec], ThresholdSpec] = lambda rows, spec: spec
    report: Callable[[Cutoff, str], tuple[dict[str, Any], list[str]]] = lambda cutoff, where: ({}, [])
    shows: tuple[str, ...] = ("value",)

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that give its value."""
        return tuple(self.targets)

    def default(self, *, calibration_rows: int) -> float:
        """Return the value of the first target where none is given."""
        possible = (value for value in self.defaults if calibration_rows >= rows_needed(value))
        return next(possible, self.defaults[-1])


def spec_of(method: str, value: float, *, target: str | None = None) -> ThresholdSpec:
    """Return the spec of a method and its target, the first one if none is named."""
    return ThresholdSpec(method=method, target=target or THRESHOLD_METHODS[method].settings[0], value=value)


def check_spec(rows: CalibrationRows, spec: ThresholdSpec) -> None:
    """Raise `ConfigError` if rows are too few for a spec, or its value is outside its limits; look at no score."""
    method = THRESHOLD_METHODS[spec.method]
    target = method.targets[spec.target]
    if (complaint := complaint_about(spec.target, spec.value, target.limits)) is not None:
        raise ConfigError(complaint)
    if method.needs_labels and not len(rows.normal) and not len(rows.anomalies):
        problem = f"threshold_method {spec.method!r} needs labelled calibration rows: say "
        raise ConfigError(problem, Set("label", like="COLUMN"), ".")
    target.check(rows, spec.value)


def prepared_spec(rows: CalibrationRows, spec: ThresholdSpec) -> ThresholdSpec:
    """Return a spec with what its method chooses by the scores; a `ConfigError` if they cannot be used."""
    return THRESHOLD_METHODS[spec.method].prepare(rows, spec)


def cutoff_of(rows: CalibrationRows, spec: ThresholdSpec) -> Cutoff:
    """Return the threshold of rows, with the p-values that belong to it; a `ConfigError` if none meets the spec."""
    check_spec(rows, spec)
    return THRESHOLD_METHODS[spec.method].targets[spec.target].cutoff(rows, spec)


def _ranked(threshold: Callable[[CalibrationRows, float], float]) -> CutoffOf:
    """Return cutoffs whose p-values are ranks, with the threshold of a function of rows and value."""
    return lambda rows, spec: Cutoff(threshold=threshold(rows, spec.value), scores=rows.reference)


def _tail_cutoff(rows: CalibrationRows, spec: ThresholdSpec) -> Cutoff:
    scores, rate = rows.reference, spec.value
    tail = fit_tail(scores, share=spec.tail_share)
    threshold = tail.threshold(rate) if rate < tail.share else conformal_threshold(scores, rate)
    return Cutoff(threshold=threshold, scores=scores, tail=tail, rate=rate)


THRESHOLD_METHODS: Final[dict[str, ThresholdMethod]] = {
    "fpr": ThresholdMethod(
        summary="conformal quantile: at most this share of fresh normal rows is flagged",
        targets={
            "alert_rate": Target(
                limits=Interval(0, 1, "()"),
                promise=unfilled("At most {percent} of fresh {rows} will be flagged, on average over fits."),
                check=lambda rows, rate: require_rows(len(rows.reference), rate),
                cutoff=_ranked(lambda rows, rate: conformal_threshold(rows.reference, rate)),
                is_rate=True,
            )
        },
        defaults=(0.01, 0.02, 0.05, 0.1, 0.2),
    ),
    "evt": ThresholdMethod(
        summary="generalised Pareto tail: alert rates that are too small for the number of rows",
        targets={
            "alert_rate": Target(
                limits=Interval(LEAST_RATE, 1, "[)"),
                promise=unfilled(
                    "About {percent} of fresh {rows} will be flagged, if their highest scores follow the fitted "
                    "tail; that is an extrapolation, not a guarantee."
                ),
                check=lambda rows, rate: require_tail_rows(len(rows.reference)),
                cutoff=_tail_cutoff,
                is_rate=True,
            )
        },
        defaults=(0.001,),
        prepare=with_best_tail,
        report=tail_report,
        shows=("value", "tail"),
    ),
    "labels": ThresholdMethod(
        summary="the best threshold for labelled rows: by --beta, --precision, --recall or --false-positive-rate",
        targets={
            "beta": Target(
                limits=Interval(0, ends="(]"),
                promise=unfilled(
                    "The threshold with the best F-beta (beta {value}) on labelled calibration rows; what it will "
                    "be on fresh rows is estimated, not promised."
                ),
                check=check_estimable,
                cutoff=_ranked(best_f_beta),
            ),
            "precision": Target(
                limits=Interval(0, 1, "(]"),
                promise=unfilled(
                    "The lowest threshold with a precision of {value} on labelled calibration rows; what it will "
                    "be on fresh rows is estimated, not promised, and falls where anomalies are rarer."
                ),
                check=check_estimable,
                cutoff=_ranked(threshold_of_precision),
            ),
            "recall": Target(
                limits=Interval(0, 1, "()"),
                promise=unfilled(
                    "At least {percent} of fresh anomalies that are drawn like the labelled ones among the "
                    "calibration rows will be flagged, on average over fits."
                ),
                check=lambda rows, recall: require_anomalies(len(rows.anomalies), recall),
                cutoff=_ranked(lambda rows, recall: conformal_threshold_below(rows.anomalies, recall)),
            ),
            "false_positive_rate": Target(
                limits=Interval(0, 1, "()"),
                promise=unfilled(
                    "At most {percent} of fresh rows that are drawn like the labelled normal ones among the "
                    "calibration rows will be flagged, on average over fits."
                ),
                check=lambda rows, rate: require_rows(len(rows.normal), rate, flag="false_positive_rate"),
                cutoff=_ranked(lambda rows, rate: conformal_threshold(rows.normal, rate)),
            ),
        },
        defaults=(1.0,),
        needs_labels=True,
        shows=("value", "figures"),
    ),
    "contamination": ThresholdMethod(
        summary="the share of anomalies that you expect among rows like those of DATA",
        targets={
            "contamination": Target(
                limits=Interval(0, 0.5, "(]"),
                promise=unfilled(
                    "About {percent} of rows like the calibration rows will be flagged, as many as are expected "
                    "to be anomalies; there is no guarantee for a single fit."
                ),
                check=lambda rows, share: flagged_rows(len(rows.reference), share),
                cutoff=_ranked(lambda rows, share: contamination_threshold(rows.reference, share)),
                is_rate=True,
            )
        },
        defaults=(0.05,),
    ),
    "fixed": ThresholdMethod(
        summary="a threshold that you give",
        targets={
            "threshold": Target(
                limits=Interval(0),
                promise=unfilled("Rows that score above {value} are flagged; how many that will be is not promised."),
                check=lambda rows, threshold: None,
                cutoff=_ranked(lambda rows, threshold: float(threshold)),
            )
        },
        defaults=(),
        by_segment=False,
        shows=(),
    ),
}
"""The threshold methods by the name that ``--threshold-method`` takes."""
