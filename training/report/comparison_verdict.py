"""The first part of a comparison's report: what to take, why, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from training.comparison.summary import Summary
from training.comparison.verdict import Difference, Verdict
from training.report.kit.marks import Point, dot_plot, interval_plot, point_plot
from training.report.kit.parts import Grid, Part, Plot, Plots, Section, Text
from training.report.kit.words import as_p, listed

_VERDICTS: Final = {
    "best": "best",
    "worse": "surely worse",
    "equal": "no worse",
    "open": "these seeds cannot tell",
    "reference": "to compare with",
}


def verdict_section(best: Sequence[Summary], verdict: Verdict, *, margin: float) -> Section:
    """Return the section.

    Args:
        best: One for each activation, under the setting that suits it best.
        verdict: On them.
        margin: Share by which errors may differ without mattering.
    """
    return Section(anchor="verdict", title="Verdict", parts=list(_parts(best, verdict, margin)))


def ranked(best: Sequence[Summary], verdict: Verdict) -> list[Summary]:
    """Return the summaries in the order of the verdict, best first; those without one behind."""
    order = {one.activation: place for place, one in enumerate(verdict.differences)}
    return sorted(best, key=lambda one: (order.get(one.activation, len(order)), one.error.mean))


def _parts(best: Sequence[Summary], verdict: Verdict, margin: float) -> Iterator[Part]:
    if verdict.activation is None:
        yield Text(text="Nothing is recommended.", loud=True)
    else:
        yield Text(text=f"Take {verdict.activation}: --activation {verdict.activation}", loud=True)
    yield Text(text=verdict.reason)
    if len(verdict.ties) > 1:
        yield Text(text=f"As far as these seeds tell, no worse than one another: {listed(verdict.ties)}.")
    if verdict.differences:
        yield Text(text=_how_sure(best, margin))
    if len(verdict.differences) > 1:
        yield _differences_grid(verdict)
    pictures = [*_difference_plot(verdict, margin), *_seeds_plot(best, verdict), *_speed_plot(best, verdict)]
    if pictures:
        yield Plots(title="The verdict in pictures", plots=pictures)


def _how_sure(best: Sequence[Summary], margin: float) -> str:
    seeds = min(len(summary.outcomes) for summary in best)
    return (
        f"How sure: {seeds} networks of each activation are compared seed by seed. One counts as worse where its error "
        f"is more than {margin:.0%} higher and chance makes so large a difference in less than one case of twenty, "
        f"all comparisons taken together."
    )


def _differences_grid(verdict: Verdict) -> Grid:
    first = verdict.differences[0]

    def cells(one: Difference) -> tuple[str, ...]:
        if one.verdict == "best":
            return (one.activation, "–", "–", "–", _VERDICTS[one.verdict])
        interval = f"{one.low:+.1%} to {one.high:+.1%}"
        return (one.activation, f"{one.ratio:+.1%}", interval, as_p(one.p), _VERDICTS[one.verdict])

    return Grid(
        title=f"Held-out errors against that of {first.activation}",
        header=("activation", "error above it", "95 % interval", "p (Holm)", "verdict"),
        rows=[cells(one) for one in verdict.differences],
        note="Ratios of the errors, seed by seed; Student’s paired test on their logarithms.",
        marked=() if verdict.activation is None else (verdict.activation,),
    )


def _difference_plot(verdict: Verdict, margin: float) -> Iterator[Plot]:
    if len(verdict.differences) < 2:
        return
    first, *others = verdict.differences
    names = [one.activation for one in verdict.differences]
    middles = [1 + one.ratio for one in verdict.differences]
    largest, smallest = max(middles), min(middles)
    wide = largest > 3 * smallest
    yield Plot(
        title=f"Error of each activation as a multiple of that of {first.activation}, with 95 % intervals. The grey "
        f"band is the margin of {margin:.0%}.",
        alt=f"Errors against that of {first.activation}, from top to bottom: "
        + ", ".join(f"{one.activation} × {1 + one.ratio:.2f}, {_VERDICTS[one.verdict]}" for one in others)
        + ".",
        svg=interval_plot(
            names,
            middles,
            [(1 + one.low, 1 + one.high) for one in verdict.differences],
            loud=verdict.activation,
            band=(1.0, 1 + margin),
            setting={
                "xscale": "log" if wide else "linear",
                "xlim": (smallest / 1.5, largest * 1.8),
                "xlabel": f"times the error of {first.activation}" + (" (logarithmic)" if wide else ""),
            },
        ),
    )


def _speed_plot(best: Sequence[Summary], verdict: Verdict) -> Iterator[Plot]:
    if not best:
        return
    points = []
    for summary in ranked(best, verdict):
        step, error = summary.mean(lambda one: 1e3 * one.step_seconds), summary.error
        points.append(
            Point(
                name=summary.activation,
                x=step.mean,
                y=error.mean,
                x_interval=None if step.low is None or step.high is None else (step.low, step.high),
                y_interval=None if error.low is None or error.high is None else (error.low, error.high),
                loud=summary.activation == verdict.activation,
            )
        )
    cheapest = min(points, key=lambda point: point.x)
    lowest = min(points, key=lambda point: point.y)
    highest = max(point.y for point in points)
    wide = lowest.y > 0 and highest > 5 * lowest.y
    marked = next((point for point in points if point.loud), None)
    yield Plot(
        title="Held-out error over the time of a step: lower is better, further left is quicker"
        + ("." if marked is None else "; the recommended activation has a ring."),
        alt=(
            f"Error over time of a step: {lowest.name} has the lowest error, {lowest.y:.3g}, at {lowest.x:.2g} ms; "
            f"{cheapest.name} has the quickest step, {cheapest.x:.2g} ms, with an error of {cheapest.y:.3g}."
            + ("" if marked is None else f" {marked.name} is recommended: {marked.y:.3g} at {marked.x:.2g} ms.")
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


def _seeds_plot(best: Sequence[Summary], verdict: Verdict) -> Iterator[Plot]:
    if not best:
        return
    summaries = ranked(best, verdict)
    errors = [[outcome.error for outcome in summary.outcomes] for summary in summaries]
    spreads = {one.activation: max(own) / min(own) for one, own in zip(summaries, errors, strict=True) if min(own) > 0}
    widest = max(spreads, key=lambda name: spreads[name]) if spreads else ""
    yield Plot(
        title="Held-out error of every seed (dots) and their mean (bar).",
        alt="Held-out errors by seed: "
        + ", ".join(
            f"{one.activation} {min(own):.3g} to {max(own):.3g}" for one, own in zip(summaries, errors, strict=True)
        )
        + (f". The seeds of {widest} lie furthest apart." if len(errors[0]) > 1 and widest else "."),
        svg=dot_plot(
            [summary.activation for summary in summaries], errors, loud=verdict.activation, xlabel="held-out error"
        ),
    )
