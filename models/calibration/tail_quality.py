"""How well a tail fits the scores: goodness of fit, the choice of the tail's share, and what to warn of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from models.calibration.cutoff import Cutoff, ThresholdSpec
from models.calibration.ranks import FloatVector, rows_needed
from models.calibration.rows import CalibrationRows
from models.calibration.tail import TAIL_SHARES, Tail, estimate, excess_of, fit_tail, survival
from models.errors import Message, Set
from models.messages import phrase

_RESAMPLES: Final = 200
_POOR_FIT: Final = 0.05  # p-value of the Anderson–Darling test below which a tail does not fit
_HEAVY: Final = 0.5  # shape from which the variance of the scores is infinite
_MUCH_MORE: Final = 1.2  # times the wanted alert rate


def with_best_tail(rows: CalibrationRows, spec: ThresholdSpec) -> ThresholdSpec:
    """Return the spec with the largest share of the rows as its tail that fits; where none fits, the best."""
    qualities = {share: _quality(fit_tail(rows.reference, share=share), rows.reference) for share in TAIL_SHARES}
    good = [share for share, quality in qualities.items() if quality["p_value"] >= 2 * _POOR_FIT]
    best = max(qualities, key=lambda share: qualities[share]["p_value"])
    return replace(spec, tail_share=good[0] if good else best)


def tail_report(cutoff: Cutoff, where: str) -> tuple[dict[str, Any], list[str]]:
    """Return the fit of a cutoff's tail as plain data, and warnings; `where` stands behind nouns."""
    assert cutoff.tail is not None  # noqa: S101 - of the method evt
    quality = _quality(cutoff.tail, cutoff.scores, rate=cutoff.rate)
    return {"tail": quality}, list(_warnings(quality, cutoff, where))


def resampled(tail: Tail, n: int, *, times: int) -> Iterator[tuple[FloatVector, float]]:
    """Draw, again and again, what n scores with such a tail could have been.

    Yields:
        Ascending excesses, and the chance of a score above the tail's start: that of an order statistic.
    """
    rng = np.random.default_rng(0)
    for _ in range(times):
        drawn = np.sort(excess_of(1 - rng.random(tail.excesses), tail.shape, tail.scale))
        yield drawn, float(rng.beta(tail.excesses + 1, n - tail.excesses))


def _quality(tail: Tail, scores: FloatVector, *, rate: float | None = None) -> dict[str, float]:
    """Return how well a tail fits, by fitting tails to rows that are drawn from it (parametric bootstrap).

    The Anderson–Darling statistic weighs the ends (Anderson and Darling, 1954); its law depends on the shape, which
    is estimated, and so on resampling (Stute, Gonzáles Manteiga and Presedo Quindimil, 1993).
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
    quality = {
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
        quality |= {"rate_low": float(low), "rate_mean": float(np.mean(rates)), "rate_high": float(high)}
    return quality


def _anderson_darling(excesses: FloatVector, shape: float, scale: float) -> float:
    n = len(excesses)
    above = np.clip(survival(excesses, shape, scale), 1e-300, 1 - 1e-16)
    weights = 2 * np.arange(1, n + 1) - 1
    return float(-n - (weights * (np.log1p(-above) + np.log(above[::-1]))).mean())


def _warnings(quality: dict[str, float], cutoff: Cutoff, where: str) -> Iterator[Message]:
    n, rate = len(cutoff.scores), cutoff.rate
    fpr = Set("threshold_method", "fpr")
    possible = phrase("{method} can promise {rate:.2g} or more", method=fpr, rate=1 / (n + 1))
    if n >= rows_needed(rate):
        yield phrase(
            "An alert rate of {rate:g}{where} needs no fitted tail: {rows:,} calibration rows are enough for {method}, "
            "whose promise holds whatever the scores.",
            rate=rate,
            where=where,
            rows=n,
            method=fpr,
        )
    if quality["p_value"] < _POOR_FIT:
        yield phrase(
            "The highest scores{where} do not follow the fitted tail (Anderson–Darling p = {p:.2g}): the alert rate "
            "may be far from {rate:g}. {possible}; or look at the highest scores for anomalies.",
            where=where,
            p=quality["p_value"],
            rate=rate,
            possible=possible,
        )
    if quality["shape"] >= _HEAVY:
        infinite = phrase("an infinite mean") if quality["shape"] >= 1 else phrase("an infinite variance")
        yield phrase(
            "The tail{where} is very heavy (shape {shape:.2g}: {infinite}): the threshold for {rate:g} is uncertain. "
            "{possible}.",
            where=where,
            shape=quality["shape"],
            infinite=infinite,
            rate=rate,
            possible=possible,
        )
    if quality.get("rate_mean", 0.0) > _MUCH_MORE * rate:
        yield phrase(
            "{excesses} scores in the tail{where} are few for an alert rate of {rate:g}: even where it fits, "
            "{likely:.2g} is to be expected. Give more rows, or a larger {setting}.",
            excesses=quality["excesses"],
            where=where,
            rate=rate,
            likely=quality["rate_mean"],
            setting=Set("alert_rate"),
        )
