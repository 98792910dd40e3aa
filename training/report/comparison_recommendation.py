"""The first section of a comparison's report: the recommendation, its reason and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.languages import spoken
from models.messages import joined, phrase
from training.comparison.difference import Difference
from training.comparison.gains import Gain
from training.comparison.reasons import ERROR_VERDICTS, VERDICTS
from training.comparison.recommendation import Recommendation
from training.comparison.summary import Summary
from training.planting.kinds import KINDS
from training.report.kit.formatting import as_p
from training.report.kit.page import Grid, Part, Plot, Plots, Section, Text
from training.report.kit.shapes import dot_plot, in_two_widths, interval_plot, point_plot

_RATIOS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Ticks of an axis of ratios."""


def recommendation_section(best: Sequence[Summary], recommendation: Recommendation, *, margin: float) -> Section:
    """Return the section on summaries of each activation under its best setting."""
    parts = list(_parts(best, recommendation, margin))
    return Section(anchor="recommendation", title=phrase("Recommendation"), parts=parts)


def _parts(best: Sequence[Summary], recommendation: Recommendation, margin: float) -> Iterator[Part]:
    yield Text(text=recommendation.reason)
    if recommendation.decisive:
        yield Text(text=_how_sure(best, margin))
    if len(recommendation.label_gains) > 1:
        yield _gains_grid(recommendation.label_gains, recommendation, phrase("Labelled anomalies that are found"))
    if len(recommendation.gains) > 1:
        yield _gains_grid(recommendation.gains, recommendation, phrase("Planted errors that are found"))
    if best and best[0].found is not None:
        yield _kinds_grid(recommendation.ranked(best))
    if len(recommendation.differences) > 1:
        yield _differences_grid(recommendation)
    if best:
        ranked = recommendation.ranked(best)
        pictures = [_seeds_plot(ranked, recommendation.activation), _speed_plot(ranked, recommendation.activation)]
        if len(recommendation.differences) > 1:
            pictures.insert(0, _difference_plot(recommendation, margin))
        if len(recommendation.decisive) > 1:
            pictures.insert(0, _gain_plot(recommendation, margin))
        yield Plots(title=phrase("What is found, errors and costs"), plots=pictures)


def _how_sure(best: Sequence[Summary], margin: float) -> str:
    seeds = min(len(summary.outcomes) for summary in best)
    return phrase(
        "How sure: {seeds} networks of each activation are compared seed by seed, kind by kind. An activation surely "
        "finds more if its ROC AUC is more than {margin:g} points higher and p is below {level}, corrected for the "
        "number of comparisons; both the seeds and the kinds of errors could have been others.",
        seeds=seeds,
        margin=100 * margin,
        level=0.05,
    )


def _gains_grid(gains: Sequence[Gain], recommendation: Recommendation, title: str) -> Grid:
    base = next(item.activation for item in gains if item.verdict == "baseline")

    def cells(item: Gain) -> tuple[str, ...]:
        if item.verdict == "baseline":
            return (item.activation, "–", "–", "–", VERDICTS[item.verdict])
        interval = phrase("{low:+.1f} to {high:+.1f}", low=100 * item.low, high=100 * item.high)
        return (
            item.activation,
            phrase("{gain:+.1f}", gain=100 * item.gain),
            interval,
            as_p(item.p),
            VERDICTS[item.verdict],
        )

    return Grid(
        title=title,
        header=(
            phrase("activation"),
            phrase("points more than {baseline}", baseline=base),
            phrase("95 % interval"),
            "p (Holm)",
            phrase("verdict"),
        ),
        rows=[cells(item) for item in gains],
        note=phrase(
            "Differences of ROC AUC in points, paired; Student’s t with the spread of the seeds and that of what is to "
            "be found."
        ),
        marked=() if recommendation.activation is None else (recommendation.activation,),
    )


def _kinds_grid(ranked: Sequence[Summary]) -> Grid:
    found = {summary.activation: summary.found_by_kind for summary in ranked}
    kinds = list(dict.fromkeys(kind for by_kind in found.values() for kind in by_kind))

    def cell(name: str, kind: str) -> str:
        if kind not in found[name]:
            return "–"
        roc_auc, at_rate, _ = found[name][kind]
        return phrase("{roc_auc:.3f}, {at_rate:.0%}", roc_auc=roc_auc, at_rate=at_rate)

    return Grid(
        title=phrase("Kinds of errors"),
        header=(phrase("kind"), *found),
        rows=[(KINDS[kind].says, *(cell(name, kind) for name in found)) for kind in kinds],
        note=phrase(
            "ROC AUC of the planted errors against the untouched rows, and the share of them that is flagged at a rate "
            "of {rate:.0%} of false alarms: means over the seeds.",
            rate=ranked[0].outcomes[0].false_alarm_rate,
        ),
    )


def _gain_plot(recommendation: Recommendation, margin: float) -> Plot:
    gains = recommendation.decisive
    base = next(item.activation for item in gains if item.verdict == "baseline")
    intervals = {item.activation: (100 * item.low, 100 * item.gain, 100 * item.high) for item in gains}
    found = [
        phrase(
            "{activation} {gain:+.1f}, {verdict}",
            activation=item.activation,
            gain=100 * item.gain,
            verdict=VERDICTS[item.verdict],
        )
        for item in gains
        if item.verdict != "baseline"
    ]
    return Plot(
        title=phrase(
            "Points of ROC AUC more than {baseline}, with 95 % intervals. The grey band is the margin of {margin:g}.",
            baseline=base,
            margin=100 * margin,
        ),
        alt=phrase(
            "Points of ROC AUC more than {baseline}, from top to bottom: {found}.",
            baseline=base,
            found=joined(found, by=", "),
        ),
        svg=interval_plot(
            intervals,
            loud=recommendation.activation,
            band=(-100 * margin, 100 * margin),
            setting={"xlabel": phrase("points of ROC AUC more than {baseline}", baseline=base)},
        ),
    )


def _differences_grid(recommendation: Recommendation) -> Grid:
    first = recommendation.differences[0]

    def cells(item: Difference) -> tuple[str, ...]:
        if item.verdict == "best":
            return (item.activation, "–", "–", "–", ERROR_VERDICTS[item.verdict])
        interval = phrase("{low:+.1%} to {high:+.1%}", low=item.low, high=item.high)
        above = phrase("{ratio:+.1%}", ratio=item.ratio)
        return (item.activation, above, interval, as_p(item.p), ERROR_VERDICTS[item.verdict])

    return Grid(
        title=phrase("Held-out errors against that of {activation}", activation=first.activation),
        header=(
            phrase("activation"),
            phrase("error above it"),
            phrase("95 % interval"),
            "p (Holm)",
            phrase("verdict"),
        ),
        rows=[cells(item) for item in recommendation.differences],
        note=phrase("Ratios of the errors, seed by seed; Student’s paired test on their logarithms."),
        marked=() if recommendation.activation is None else (recommendation.activation,),
    )


def _difference_plot(recommendation: Recommendation, margin: float) -> Plot:
    first, *others = recommendation.differences
    intervals = {item.activation: (1 + item.low, 1 + item.ratio, 1 + item.high) for item in recommendation.differences}
    middles = [middle for _, middle, _ in intervals.values()]
    low, high = min(middles) / 1.5, max(middles) * 1.8
    ticks = [ratio for ratio in _RATIOS if low <= ratio <= high]
    errors = [
        phrase(
            "{activation} × {times:.2f}, {verdict}",
            activation=item.activation,
            times=1 + item.ratio,
            verdict=ERROR_VERDICTS[item.verdict],
        )
        for item in others
    ]
    xlabel = phrase("times the error of {activation} (logarithmic)", activation=first.activation)
    return Plot(
        title=phrase(
            "Error of each activation as a multiple of that of {activation}, with 95 % intervals. The grey band is the "
            "margin of {margin:.0%}.",
            activation=first.activation,
            margin=margin,
        ),
        alt=phrase(
            "Errors against that of {activation}, from top to bottom: {errors}.",
            activation=first.activation,
            errors=joined(errors, by=", "),
        ),
        svg=interval_plot(
            intervals,
            loud=recommendation.activation,
            band=(1.0, 1 + margin),
            setting={
                "xscale": "log",
                "xlim": (low, high),
                "xticks": ticks,
                "xticklabels": [spoken().formatted(tick, "g") for tick in ticks],
                "xlabel": xlabel,
            },
        ),
    )


def _speed_plot(summaries: Sequence[Summary], recommended: str | None) -> Plot:
    names = [summary.activation for summary in summaries]
    means = [(summary.mean(lambda outcome: 1e3 * outcome.step_seconds), summary.error) for summary in summaries]
    x, y = np.array([[(mean.low, mean.mean, mean.high) for mean in pair] for pair in means]).swapaxes(0, 1)
    steps, errors = x[:, 1], y[:, 1]
    quickest, best = int(steps.argmin()), int(errors.argmin())
    lowest, highest = errors.min(), errors.max()
    wide = lowest > 0 and highest > 5 * lowest
    title = phrase("Held-out error over the time of a step: lower is better, further left is quicker.")
    alt = phrase(
        "Error over time of a step: {best} has the lowest error, {lowest:.3g}, at {best_step:.2g} ms; {quickest} has "
        "the quickest step, {step:.2g} ms, with an error of {error:.3g}.",
        best=names[best],
        lowest=lowest,
        best_step=steps[best],
        quickest=names[quickest],
        step=steps[quickest],
        error=errors[quickest],
    )
    if recommended is not None:
        i = names.index(recommended)
        title = phrase(
            "Held-out error over the time of a step: lower is better, further left is quicker; the recommended "
            "activation has a ring."
        )
        taken = phrase(
            "{activation} is recommended: {error:.3g} at {step:.2g} ms.",
            activation=recommended,
            error=errors[i],
            step=steps[i],
        )
        alt = joined([alt, taken])
    setting = {
        "xlim": (0, 1.5 * steps.max()),  # the names stand to the right
        "yscale": "log" if wide else "linear",
        "ylim": (lowest / 2, highest * 2) if wide else (0, 1.3 * highest),
        "xlabel": phrase("time of a step, ms"),
        "ylabel": phrase("held-out error (log.)") if wide else phrase("held-out error"),
    }
    svg, wide = in_two_widths(point_plot, names, x, y, loud=recommended, setting=setting)
    return Plot(title=title, alt=alt, svg=svg, wide=wide)


def _seeds_plot(summaries: Sequence[Summary], recommended: str | None) -> Plot:
    errors = {summary.activation: [outcome.error for outcome in summary.outcomes] for summary in summaries}
    ranges = {name: (min(seeds), max(seeds)) for name, seeds in errors.items()}
    spreads = {name: high / low for name, (low, high) in ranges.items() if low > 0}
    widest = max(spreads, key=spreads.__getitem__) if spreads and len(summaries[0].outcomes) > 1 else None
    shown_ranges = [
        phrase("{name} {low:.3g} to {high:.3g}", name=name, low=low, high=high) for name, (low, high) in ranges.items()
    ]
    alt = phrase("Held-out errors by seed: {ranges}.", ranges=joined(shown_ranges, by=", "))
    if widest:
        alt = joined([alt, phrase("The seeds of {activation} lie furthest apart.", activation=widest)])
    return Plot(
        title=phrase("Held-out error of every seed (dots) and their mean (bar)."),
        alt=alt,
        svg=dot_plot(errors, loud=recommended, xlabel=phrase("held-out error")),
    )
