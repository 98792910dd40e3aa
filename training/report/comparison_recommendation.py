"""The first section of a comparison's report: the recommendation, its reason and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from training.comparison.recommendation import Difference, Recommendation
from training.comparison.summary import Summary
from training.report.kit.formatting import as_p, listed
from training.report.kit.page import Grid, Part, Plot, Plots, Section, Text
from training.report.kit.shapes import Point, dot_plot, interval_plot, point_plot

_VERDICTS: Final = {
    "best": "best",
    "worse": "surely worse",
    "equal": "no worse",
    "open": "these seeds cannot tell",
    "reference": "reference",
}


def recommendation_section(best: Sequence[Summary], recommendation: Recommendation, *, margin: float) -> Section:
    """Return the section.

    Args:
        best: One for each activation, under its best setting.
        recommendation: The recommendation.
        margin: Relative difference of errors that does not matter.
    """
    parts = list(_parts(best, recommendation, margin))
    return Section(anchor="recommendation", title="Recommendation", parts=parts)


def _parts(best: Sequence[Summary], recommendation: Recommendation, margin: float) -> Iterator[Part]:
    if recommendation.activation is None:
        yield Text(text="Nothing is recommended.", loud=True)
    else:
        yield Text(text=f"Take {recommendation.activation}: --activation {recommendation.activation}", loud=True)
    yield Text(text=recommendation.reason)
    if len(recommendation.ties) > 1:
        yield Text(text=f"As far as these seeds can tell, equally good: {listed(recommendation.ties)}.")
    if recommendation.differences:
        yield Text(text=_how_sure(best, margin))
    if len(recommendation.differences) > 1:
        yield _differences_grid(recommendation)
    pictures = [
        *_difference_plot(recommendation, margin),
        *_seeds_plot(best, recommendation),
        *_speed_plot(best, recommendation),
    ]
    if pictures:
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


def _difference_plot(recommendation: Recommendation, margin: float) -> Iterator[Plot]:
    if len(recommendation.differences) < 2:
        return
    first, *others = recommendation.differences
    names = [item.activation for item in recommendation.differences]
    middles = [1 + item.ratio for item in recommendation.differences]
    largest, smallest = max(middles), min(middles)
    wide = largest > 3 * smallest
    yield Plot(
        title=f"Error of each activation as a multiple of that of {first.activation}, with 95 % intervals. The grey "
        f"band is the margin of {margin:.0%}.",
        alt=f"Errors against that of {first.activation}, from top to bottom: "
        + ", ".join(f"{item.activation} × {1 + item.ratio:.2f}, {_VERDICTS[item.verdict]}" for item in others)
        + ".",
        svg=interval_plot(
            names,
            middles,
            [(1 + item.low, 1 + item.high) for item in recommendation.differences],
            loud=recommendation.activation,
            band=(1.0, 1 + margin),
            setting={
                "xscale": "log" if wide else "linear",
                "xlim": (smallest / 1.5, largest * 1.8),
                "xlabel": f"times the error of {first.activation}" + (" (logarithmic)" if wide else ""),
            },
        ),
    )


def _speed_plot(best: Sequence[Summary], recommendation: Recommendation) -> Iterator[Plot]:
    if not best:
        return
    points = []
    for summary in recommendation.ranked(best):
        step, error = summary.mean(lambda outcome: 1e3 * outcome.step_seconds), summary.error
        points.append(
            Point(
                name=summary.activation,
                x=step.mean,
                y=error.mean,
                x_interval=None if step.low is None or step.high is None else (step.low, step.high),
                y_interval=None if error.low is None or error.high is None else (error.low, error.high),
                loud=summary.activation == recommendation.activation,
            )
        )
    cheapest = min(points, key=lambda point: point.x)
    lowest = min(points, key=lambda point: point.y)
    highest = max(point.y for point in points)
    wide = lowest.y > 0 and highest > 5 * lowest.y
    recommended = next((point for point in points if point.loud), None)
    yield Plot(
        title="Held-out error over the time of a step: lower is better, further left is quicker"
        + ("." if recommended is None else "; the recommended activation has a ring."),
        alt=(
            f"Error over time of a step: {lowest.name} has the lowest error, {lowest.y:.3g}, at {lowest.x:.2g} ms; "
            f"{cheapest.name} has the quickest step, {cheapest.x:.2g} ms, with an error of {cheapest.y:.3g}."
            + (
                ""
                if recommended is None
                else f" {recommended.name} is recommended: {recommended.y:.3g} at {recommended.x:.2g} ms."
            )
        ),
        svg=point_plot(
            points,
            setting={
                "xlim": (0, 1.5 * max(point.x for point in points)),  # the names stand to the right
                "yscale": "log" if wide else "linear",
                "ylim": (lowest.y / 2, highest * 2) if wide else (0, 1.3 * highest),
                "xlabel": "time of a step, ms",
                "ylabel": "held-out error" + (" (log.)" if wide else ""),
            },
        ),
    )


def _seeds_plot(best: Sequence[Summary], recommendation: Recommendation) -> Iterator[Plot]:
    if not best:
        return
    summaries = recommendation.ranked(best)
    errors = [[outcome.error for outcome in summary.outcomes] for summary in summaries]
    names = [summary.activation for summary in summaries]
    spreads = {name: max(seeds) / min(seeds) for name, seeds in zip(names, errors, strict=True) if min(seeds) > 0}
    widest = max(spreads, key=lambda name: spreads[name]) if spreads else ""
    yield Plot(
        title="Held-out error of every seed (dots) and their mean (bar).",
        alt="Held-out errors by seed: "
        + ", ".join(f"{name} {min(seeds):.3g} to {max(seeds):.3g}" for name, seeds in zip(names, errors, strict=True))
        + (f". The seeds of {widest} lie furthest apart." if len(errors[0]) > 1 and widest else "."),
        svg=dot_plot(names, errors, loud=recommendation.activation, xlabel="held-out error"),
    )
