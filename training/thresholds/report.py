"""What a threshold rests on, for the screen, the card and programs: figures with intervals, the fit of a tail."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration, CalibrationRows, Cutoff, Rule, rows_needed
from models.calibration.rows import ANOMALY, NORMAL
from models.calibration.tail import TAIL_SHARES, Tail, estimate, excess_of, fit_tail, survival
from models.errors import Message, Set

INTERVALS: Final = (
    "95 % intervals: equal-tailed, of Beta laws with Jeffreys' prior for the shares of anomalies and of normal rows "
    "that are flagged (Goutte and Gaussier, ECIR 2005), at the calibration rows' share of anomalies"
)

_DRAWS: Final = 20_000
_RESAMPLES: Final = 200
_POOR_FIT: Final = 0.05  # p-value of the Anderson–Darling test below which a tail does not fit
_HEAVY: Final = 0.5  # shape from which the variance of the scores is infinite
_MUCH_MORE: Final = 1.2  # times the wanted alert rate
_MANY: Final = 0.05  # of the excesses that are labelled anomalies
_SHOWN: Final = 5


def with_best_tail(rows: CalibrationRows, rule: Rule) -> Rule:
    """Return the rule with the largest share of the rows as its tail that fits; only the method evt has one."""
    if rule.method != "evt":
        return rule
    fits = {share: _fit_of(fit_tail(rows.reference, share=share), rows.reference) for share in TAIL_SHARES}
    good = [share for share, fit in fits.items() if fit["p_value"] >= 2 * _POOR_FIT]
    return replace(rule, tail_share=good[0] if good else max(fits, key=lambda share: fits[share]["p_value"]))


def threshold_report(calibration: Calibration) -> dict[str, Any]:
    """Return what the thresholds are and rest on, as plain data.

    `warnings` says where a promise cannot hold; `figures` is there where calibration rows of both kinds are labelled,
    `tail` with the method evt, `segments` with thresholds by segment.
    """
    rule, rows = calibration.rule, calibration.rows
    report: dict[str, Any] = {
        "method": rule.method,
        "goal": rule.goal,
        "value": rule.value,
        "threshold": calibration.threshold,
        "rests_on": rows.rests_on,
        "calibration_rows": len(calibration.scores),
    }
    if len(rows.normal) and len(rows.anomalies):
        report["figures"] = _figures(calibration)
        report["intervals"] = INTERVALS
    if calibration.pooled.tail is not None:
        report["tail"] = _tail_report(calibration.pooled)
    if rows.segments:
        report["segments"] = [_segment_report(calibration, place) for place in range(len(rows.segments))]
    report["warnings"] = _warnings(calibration, report)
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
    beta = calibration.value if calibration.rule.goal == "beta" else 1.0
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


def _tail_report(cutoff: Cutoff) -> dict[str, float]:
    assert cutoff.tail is not None  # noqa: S101 - asked for with one alone
    return _fit_of(cutoff.tail, cutoff.scores, rate=cutoff.rate)


def _fit_of(tail: Tail, scores: NDArray[np.float64], *, rate: float | None = None) -> dict[str, float]:
    """Return how well a tail fits, by fitting tails to rows that are drawn from it (parametric bootstrap).

    The Anderson–Darling statistic weighs the ends (Anderson and Darling, 1954); its law depends on the shape, which
    is estimated, and so on resampling (Stute, Gonzáles Manteiga and Presedo Quindimil, 1993).

    Args:
        tail: The tail.
        scores: Those it was fitted to, ascending.
        rate: The alert rate that is asked of it.
    """
    excesses = scores[np.searchsorted(scores, tail.start, side="right") :] - tail.start
    statistic = _anderson_darling(excesses, tail.shape, tail.scale)
    statistics, shapes, rates = [], [], []
    for drawn, above_start in resampled(tail, len(scores), times=_RESAMPLES):
        shape, scale = estimate(drawn)
        statistics.append(_anderson_darling(drawn, shape, scale))
        shapes.append(shape)
        if rate is not None and rate < tail.share:
            threshold = excess_of(np.array([rate / tail.share]), shape, scale)
            rates.append(float(above_start * survival(threshold, tail.shape, tail.scale)[0]))
    low, high = np.quantile(shapes, [0.025, 0.975])
    fit = {
        "start": tail.start,
        "excesses": tail.excesses,
        "shape": tail.shape,
        "shape_low": float(2 * tail.shape - high),
        "shape_high": float(2 * tail.shape - low),
        "scale": tail.scale,
        "anderson_darling": statistic,
        "p_value": (1 + sum(other >= statistic for other in statistics)) / (1 + _RESAMPLES),
    }
    if rates:
        low, high = np.quantile(rates, [0.025, 0.975])
        fit |= {"rate_low": float(low), "rate_mean": float(np.mean(rates)), "rate_high": float(high)}
    return fit


def resampled(tail: Tail, n: int, *, times: int) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Draw, again and again, what n scores with such a tail could have been.

    Yields:
        Ascending excesses, and the chance of a score above the tail's start: that of an order statistic.
    """
    rng = np.random.default_rng(0)
    for _ in range(times):
        drawn = np.sort(excess_of(1 - rng.random(tail.excesses), tail.shape, tail.scale))
        yield drawn, float(rng.beta(tail.excesses + 1, n - tail.excesses))


def _anderson_darling(excesses: NDArray[np.float64], shape: float, scale: float) -> float:
    n = len(excesses)
    above = np.clip(survival(excesses, shape, scale), 1e-300, 1 - 1e-16)
    weights = 2 * np.arange(1, n + 1) - 1
    return float(-n - (weights * (np.log1p(-above) + np.log(above[::-1]))).mean())


def _segment_report(calibration: Calibration, place: int) -> dict[str, Any]:
    name = calibration.rows.segments[place]
    own = calibration.by_segment.get(name)
    report = {"segment": name, "calibration_rows": len(calibration.rows.of_segment(place).reference)}
    if own is None:
        return report | {"threshold": calibration.threshold, "pooled": calibration.left_pooled[name]}
    tail = {} if own.tail is None else {"tail": _tail_report(own)}
    return report | {"threshold": own.threshold, "pooled": None, **tail}


def _warnings(calibration: Calibration, report: dict[str, Any]) -> list[str]:
    warnings: list[str] = [
        sentence
        for tail, cutoff, where in _tails(calibration, report)
        for sentence in _tail_warnings(tail, cutoff, where, calibration.value)
    ]
    pooled = calibration.pooled
    if pooled.tail is not None:
        labels = calibration.rows.label[calibration.rows.score > pooled.tail.start]
        share = float((labels == ANOMALY).mean())
        if calibration.rows.rests_on == "all" and share >= _MANY:
            what = f"{share:.0%} of the scores that the tail was fitted to are labelled anomalies: the tail is theirs"
            normal, rests = Set("fit_on", "normal"), Set("rests_on", "normal")
            last = " when calibrating, for that of the normal rows."
            warnings.append(Message(what, ". Say ", normal, ", or ", rests, last))
    if calibration.left_pooled:
        names = list(calibration.left_pooled)
        shown = ", ".join(map(repr, names[:_SHOWN])) + (f" and {len(names) - _SHOWN:,} more" if names[_SHOWN:] else "")
        warnings.append(
            f"Judged by the threshold of all rows, which promises nothing for them alone: {shown} "
            f"({calibration.left_pooled[names[0]]})."
        )
    return warnings


def _tails(calibration: Calibration, report: dict[str, Any]) -> list[tuple[dict[str, float], Cutoff, str]]:
    tails = [(report["tail"], calibration.pooled, "")] if "tail" in report else []
    for segment in report.get("segments", []):
        if "tail" in segment:
            name = segment["segment"]
            tails.append((segment["tail"], calibration.by_segment[name], f" of segment {name!r}"))
    return tails


def _tail_warnings(fit: dict[str, float], cutoff: Cutoff, where: str, rate: float) -> list[str]:
    warnings: list[str] = []
    fpr = Set("threshold_method", "fpr")
    possible = Message(fpr, f" can promise {1 / (len(cutoff.scores) + 1):.2g} or more")
    if len(cutoff.scores) >= rows_needed(rate):
        warnings.append(
            Message(
                f"An alert rate of {rate:g}{where} needs no fitted tail: {len(cutoff.scores):,} calibration rows are "
                "enough for ",
                fpr,
                ", whose promise holds whatever the scores.",
            )
        )
    if fit["p_value"] < _POOR_FIT:
        warnings.append(
            Message(
                f"The highest scores{where} do not follow the fitted tail (Anderson–Darling p = {fit['p_value']:.2g}): "
                f"the alert rate may be far from {rate:g}. ",
                possible,
                "; or look at the highest scores for anomalies.",
            )
        )
    if fit["shape"] >= _HEAVY:
        what = "mean" if fit["shape"] >= 1 else "variance"
        warnings.append(
            Message(
                f"The tail{where} is very heavy (shape {fit['shape']:.2g}: an infinite {what}): the threshold for "
                f"{rate:g} is uncertain. ",
                possible,
                ".",
            )
        )
    if fit.get("rate_mean", 0.0) > _MUCH_MORE * rate:
        warnings.append(
            Message(
                f"{fit['excesses']} scores in the tail{where} are few for an alert rate of {rate:g}: even where it "
                f"fits, {fit['rate_mean']:.2g} is to be expected. Give more rows, or a larger ",
                Set("alert_rate"),
                ".",
            )
        )
    return warnings
