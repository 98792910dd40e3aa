"""The report of a threshold, for the screen, the card and programs: figures with intervals, the fit of a tail."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import THRESHOLD_METHODS, Calibration
from models.calibration.rows import ANOMALY, NORMAL
from models.errors import Message, Set, joined
from models.messages import phrase, plural

INTERVALS: Final = (
    "95 % intervals: equal-tailed, of Beta laws with Jeffreys' prior for the shares of anomalies and of normal rows "
    "that are flagged (Goutte and Gaussier, ECIR 2005), at the calibration rows' share of anomalies"
)

_DRAWS: Final = 20_000
_MANY: Final = 0.05  # of the excesses that are labelled anomalies
_LISTED: Final = 5
_SHOWN_SEGMENTS: Final = 10


def threshold_report(calibration: Calibration) -> dict[str, Any]:
    """Return the thresholds and what is known about them, as plain data.

    `warnings` says where a promise cannot hold; `figures` is there where calibration rows of both kinds are labelled,
    `tail` with the method evt, `segments` with thresholds by segment.
    """
    spec, rows = calibration.spec, calibration.rows
    report: dict[str, Any] = {
        "method": spec.method,
        "goal": spec.target,
        "value": spec.value,
        "threshold": calibration.threshold,
        "rests_on": rows.population,
        "calibration_rows": len(calibration.pooled.scores),
    }
    if len(rows.normal) and len(rows.anomalies):
        report["figures"] = _figures(calibration)
        report["intervals"] = INTERVALS
    entries, warnings = THRESHOLD_METHODS[calibration.spec.method].report(calibration.pooled, "")
    report |= entries
    if rows.segments:
        report["segments"], more = _segment_reports(calibration)
        warnings += more
    report["warnings"] = [*warnings, *_warnings(calibration)]
    return report


def _figures(calibration: Calibration) -> dict[str, dict[str, float | None]]:
    """Return precision, recall, F-beta and false-positive rate on the labelled calibration rows, with intervals."""
    rows = calibration.rows
    flagged = calibration.decide(rows.score, rows.names).is_anomaly
    m, n = len(rows.anomalies), len(rows.normal)
    found, false = int(flagged[rows.label == ANOMALY].sum()), int(flagged[rows.label == NORMAL].sum())
    rng = np.random.default_rng(0)
    recall = np.array([found / m, *rng.beta(found + 0.5, m - found + 0.5, _DRAWS)])
    false_positive_rate = np.array([false / n, *rng.beta(false + 0.5, n - false + 0.5, _DRAWS)])
    right, wrong = rows.anomaly_weight * m * recall, n * false_positive_rate
    beta = calibration.spec.value if calibration.spec.target == "beta" else 1.0
    with np.errstate(invalid="ignore"):
        drawn = {
            "precision": right / (right + wrong),
            "recall": recall,
            "f_beta": (1 + beta**2) * right / (beta**2 * rows.anomaly_weight * m + right + wrong),
            "false_positive_rate": false_positive_rate,
        }
    return {name: _with_interval(values) for name, values in drawn.items()}


def _with_interval(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return the first value, None where it is not defined, and the interval of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    value = float(values[0])
    if math.isnan(value):
        return {"value": None, "low": float(low), "high": float(high)}
    # A share of 0 or 1 is an end of its interval (Brown, Cai and DasGupta, Statistical Science 16, 2001).
    return {"value": value, "low": min(value, float(low)), "high": max(value, float(high))}


def _segment_reports(calibration: Calibration) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the report of each segment, and warnings."""
    reports, warnings = [], []
    for i, name in enumerate(calibration.rows.segments):
        report = {"segment": name, "calibration_rows": len(calibration.rows.of_segment(i).reference)}
        cutoff = calibration.by_segment.get(name)
        if cutoff is None:
            reports.append(report | {"threshold": calibration.threshold, "pooled": calibration.left_pooled[name]})
            continue
        entries, more = THRESHOLD_METHODS[calibration.spec.method].report(
            cutoff, phrase(" of segment {segment!r}", segment=name)
        )
        reports.append(report | {"threshold": cutoff.threshold, "pooled": None, **entries})
        warnings += more
    return reports, warnings


def _warnings(calibration: Calibration) -> list[str]:
    warnings: list[str] = []
    pooled = calibration.pooled
    if pooled.tail is not None:
        labels = calibration.rows.label[calibration.rows.score > pooled.tail.start]
        share = float((labels == ANOMALY).mean())
        if calibration.rows.population == "all" and share >= _MANY:
            warnings.append(
                phrase(
                    "{share:.0%} of the scores that the tail was fitted to are labelled anomalies: the tail is theirs. "
                    "Say {normal}, or {rests} when calibrating, for that of the normal rows.",
                    share=share,
                    normal=Set("fit_on", "normal"),
                    rests=Set("rests_on", "normal"),
                )
            )
    if calibration.left_pooled:
        names = list(calibration.left_pooled)
        listed = ", ".join(map(repr, names[:_LISTED]))
        if names[_LISTED:]:
            listed = phrase("{listed} and {more:,} more", listed=listed, more=len(names) - _LISTED)
        warnings.append(
            phrase(
                "Flagged by the threshold of all rows, which promises nothing for them alone: {listed} ({reason}).",
                listed=listed,
                reason=calibration.left_pooled[names[0]],
            )
        )
    return warnings


_NAMES: Final = {
    "alert_rate": phrase("alert rate"),
    "beta": phrase("beta"),
    "precision": phrase("precision"),
    "recall": phrase("recall"),
    "f_beta": phrase("f beta"),
    "false_positive_rate": phrase("false positive rate"),
    "contamination": phrase("contamination"),
    "threshold": phrase("threshold"),
}
"""Targets and figures of the methods in words."""


def threshold_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts of a report from `threshold_report`, for a terminal."""
    shows = THRESHOLD_METHODS[report["method"]].shows
    found: dict[str, Any] = {"threshold": report["threshold"], "method": report["method"]}
    if "value" in shows:
        found |= {"target": _NAMES[report["goal"]], "value": report["value"]}
        rows: list[tuple[str, str]] = [
            (phrase("threshold"), phrase("{threshold:.6g} ({method}, {target} {value:g})", **found))
        ]
    else:
        rows = [(phrase("threshold"), phrase("{threshold:.6g} ({method})", **found))]
    if "figures" in shows:
        figures = joined(_shown_figures(report), by=", ")
        rows.append(("", phrase("{figures}; on the rows that it was chosen on, 95 % intervals", figures=figures)))
    if "tail" in shows:
        rows += [(phrase("tail"), text) for text in _tail(report["tail"])]
    segments = report.get("segments", [])
    rows += [("", _shown_segment(segment)) for segment in segments[:_SHOWN_SEGMENTS]]
    if len(segments) > _SHOWN_SEGMENTS:
        more = len(segments) - _SHOWN_SEGMENTS
        rows.append(("", plural("and {count:,} more segment", "and {count:,} more segments", count=more)))
    return rows


def _shown_segment(segment: dict[str, Any]) -> Message:
    found = {"name": segment["segment"], "threshold": segment["threshold"], "rows": segment["calibration_rows"]}
    if segment["pooled"]:
        return phrase("{name}: {threshold:.6g} (of all rows; {rows:,} rows)", **found)
    return phrase("{name}: {threshold:.6g} (its own; {rows:,} rows)", **found)


def _shown_figures(report: dict[str, Any]) -> list[Message]:
    return [
        phrase(
            "{name} {value} ({low:.3f} … {high:.3f})",
            name=_NAMES[name],
            value="–" if figure["value"] is None else phrase("{value:.3f}", value=figure["value"]),
            low=figure["low"],
            high=figure["high"],
        )
        for name, figure in report["figures"].items()
    ]


def _tail(fit: dict[str, float]) -> list[Message]:
    texts = [
        phrase(
            "{excesses:,} scores above {start:.6g}, shape {shape:.2f} ({shape_low:.2f} … {shape_high:.2f}), "
            "Anderson–Darling {anderson_darling:.2f} (p = {p_value:.2f})",
            **fit,
        )
    ]
    if "rate_low" in fit:
        texts.append(phrase("if it fits, an alert rate from {rate_low:.2g} to {rate_high:.2g}", **fit))
    return texts
