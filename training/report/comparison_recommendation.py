"""The first section of a comparison's report: the recommendation, its reason and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.messages import listed
from training.comparison.recommendation import Difference, Recommendation
from training.comparison.summary import Summary
from training.report.kit.formatting import as_p
from training.report.kit.page import Grid, Part, Plot, Plots, Section, Text
from training.report.kit.shapes import dot_plot, in_two_widths, interval_plot, point_plot

_VERDICTS: Final = {
    "best": "best",
    "worse": "surely worse",
    "equal": "no worse",
    "open": "these seeds cannot tell",
    "reference": "reference",
}


def verdict_of(recommendation: Recommendation) -> str:
    """Return which activation is recommended, and its flag."""
    if recommendation.activation is None:
        return "Nothing is recommended."
    return f"Take {recommendation.activation}: --activation {recommendation.activation}"


def recommendation_section(best: Sequence[Summary], recommendation: Recommendation, *, margin: float) -> Section:
    """Return the section on summaries of each activation under its best setting."""
    parts = list(_parts(best, recommendation, margin))
    return Section(anchor="recommendation", title="Recommendation", parts=parts)


def _parts(best: Sequence[Summary], recommendation: Recommendation, margin: float) -> Iterator[Part]:
    yield Text(text=recommendation.reason)
    if len(recommendation.ties) > 1:
        yield Text(text=f"As far as these seeds can tell, equally good: {listed(recommendation.ties)}.")
    if recommendation.differences:
        yield Text(text=_how_sure(best, margin))
    if len(recommendation.differences) > 1:
        yield _differences_grid(recommendation)
    if best:
        ranked = recommendation.ranked(best)
        pictures = [_seeds_plot(ranked, recommendation.activation), _speed_plot(ranked, recommendation.activation)]
        if len(recommendation.differences) > 1:
            pictures.insert(0, _difference_plot(recommendation, margin))
        yield Plots(title="Errors and costs", plots=pictures)


def _how_sure(best: Sequence[Summary], margin: float) -> str:
    seeds = min(len(summary.outcomes) for summary in best)
    return (
        f"How sure: {seeds} networks of each activation are compared seed by seed. An activation is surely worse if "
        f"its error is more than {margin:.0%} higher and p is below 0.05, corrected for the number of comparisons."
    )


def _differences_grid(recommendation: Recommendation) -> Grid:
    first = recommendation.differences[0]

    def cells(item: Difference) -> tuple[str, ...]:
        if item.verdict == "best":
            return (item.activation, "–", "–", "–", _VERDICTS[item.verdict])
        interval = f"{item.low:+.1%} to {item.high:+.1%}"
        return (item.activation, f"{item.ratio:+.1%}", interval, as_p(item.p), _VERDICTS[item.verdict])

    return Grid(
        title=f"Held-out errors against that of {first.activation}",
        header=("activation", "error above it", "95 % interval", "p (Holm)", "verdict"),
        rows=[cells(item) for item in recommendation.differences],
        note="Ratios of the errors, seed by seed; Student’s paired test on their logarithms.",
        marked=() if recommendation.activation is None else (recommendation.activation,),
    )


def _difference_plot(recommendation: Recommendation, margin: float) -> Plot:
    first, *others = recommendation.differences
    intervals = {item.activation: (1 + item.low, 1 + item.ratio, 1 + item.high) for item in recommendation.differences}
    middles = [middle for _, middle, _ in intervals.values()]
    largest, smallest = max(middles), min(middles)
    wide = largest > 3 * smallest
    return Plot(
        title=f"Error of each activation as a multiple of that of {first.activation}, with 95 % intervals. The grey "
        f"band is the margin of {margin:.0%}.",
        alt=f"Errors against that of {first.activation}, from top to bottom: "
        + ", ".join(f"{item.activation} × {1 + item.ratio:.2f}, {_VERDICTS[item.verdict]}" for item in others)
        + ".",
        svg=interval_plot(
            intervals,
            loud=recommendation.activation,
            band=(1.0, 1 + margin),
            setting={
                "xscale": "log" if wide else "linear",
                "xlim": (smallest / 1.5, largest * 1.8),
                "xlabel": f"times the error of {first.activation}" + (" (logarithmic)" if wide else ""),
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
    title = "Held-out error over the time of a step: lower is better, further left is quicker"
    alt = (
        f"Error over time of a step: {names[best]} has the lowest error, {lowest:.3g}, at {steps[best]:.2g} ms; "
        f"{names[quickest]} has the quickest step, {steps[quickest]:.2g} ms, with an error of {errors[quickest]:.3g}."
    )
    if recommended is not None:
        i = names.index(recommended)
        title += "; the recommended activation has a ring"
        alt += f" {recommended} is recommended: {errors[i]:.3g} at {steps[i]:.2g} ms."
    setting = {
        "xlim": (0, 1.5 * steps.max()),  # the names stand to the right
        "yscale": "log" if wide else "linear",
        "ylim": (lowest / 2, highest * 2) if wide else (0, 1.3 * highest),
        "xlabel": "time of a step, ms",
        "ylabel": "held-out error" + (" (log.)" if wide else ""),
    }
    svg, wide = in_two_widths(point_plot, names, x, y, loud=recommended, setting=setting)
    return Plot(title=f"{title}.", alt=alt, svg=svg, wide=wide)


def _seeds_plot(summaries: Sequence[Summary], recommended: str | None) -> Plot:
    errors = {summary.activation: [outcome.error for outcome in summary.outcomes] for summary in summaries}
    ranges = {name: (min(seeds), max(seeds)) for name, seeds in errors.items()}
    spreads = {name: high / low for name, (low, high) in ranges.items() if low > 0}
    widest = max(spreads, key=spreads.__getitem__) if spreads and len(summaries[0].outcomes) > 1 else None
    return Plot(
        title="Held-out error of every seed (dots) and their mean (bar).",
        alt="Held-out errors by seed: "
        + ", ".join(f"{name} {low:.3g} to {high:.3g}" for name, (low, high) in ranges.items())
        + (f". The seeds of {widest} lie furthest apart." if widest else "."),
        svg=dot_plot(errors, loud=recommended, xlabel="held-out error"),
    )
