"""Pictures of single marks: dots, intervals, bars and histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.report.kit.drawing import ACCENT, INK, LEVELS, SECOND, SOFT, drawing, label_points, svg_of

_WIDTH: Final = 4.4  # inches
_ROW: Final = 0.24  # inches of a line of text
_BINS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point with what is known of its place.

    Args:
        name: Written beside it.
        x: Where it is.
        y: Likewise.
        x_interval: Both ends of its interval; None where there is none.
        y_interval: Likewise.
        loud: It is the one to look at.
    """

    name: str
    x: float
    y: float
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    loud: bool = False


def point_plot(points: Sequence[Point], *, setting: Mapping[str, Any]) -> str:
    """Draw points with their intervals and names; the loud one has a ring.

    Args:
        points: The points.
        setting: What Matplotlib's `Axes.set` takes.
    """
    with drawing(width=_WIDTH, height=3.6) as (figure, axes):
        for point in points:
            colour = ACCENT if point.loud else SECOND
            axes.errorbar(
                point.x,
                point.y,
                xerr=_from(point.x, point.x_interval),
                yerr=_from(point.y, point.y_interval),
                fmt="o",
                color=colour,
                markersize=6,
                elinewidth=0.8,
            )
            if point.loud:
                axes.scatter(point.x, point.y, s=140, facecolors="none", edgecolors=colour, linewidths=1.5)
        axes.set(**setting)
        label_points(
            figure,
            axes,
            [point.name for point in points],
            [point.x for point in points],
            [point.y for point in points],
            colours={point.name: ACCENT for point in points if point.loud},
        )
        return svg_of(figure)


def _from(middle: float, ends: tuple[float, float] | None) -> list[list[float]] | None:
    return None if ends is None else [[middle - ends[0]], [ends[1] - middle]]


def interval_plot(
    names: Sequence[str],
    middles: Sequence[float],
    ends: Sequence[tuple[float, float]],
    *,
    loud: str | None,
    band: tuple[float, float] | None = None,
    setting: Mapping[str, Any],
) -> str:
    """Draw an interval for each name, the first on top.

    Args:
        names: What the intervals are of.
        middles: Where the dots are.
        ends: Both ends of each interval.
        loud: Which is the one to look at.
        band: What is drawn behind them.
        setting: What Matplotlib's `Axes.set` takes.
    """
    with drawing(width=_WIDTH, height=0.8 + _ROW * len(names)) as (figure, axes):
        if band is not None:
            axes.axvspan(*band, color=SOFT, alpha=0.35, linewidth=0)
        for row, (name, middle, (low, high)) in enumerate(zip(names, middles, ends, strict=True)):
            colour = ACCENT if name == loud else SECOND
            axes.plot([low, high], [row, row], color=colour, linewidth=2)
            axes.plot(middle, row, "D" if name == loud else "o", color=colour, markersize=6)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), **setting)
        return svg_of(figure)


def dot_plot(names: Sequence[str], values: Sequence[Sequence[float]], *, loud: str | None, xlabel: str) -> str:
    """Draw all values of each name as dots, and their mean as a line; the first name is on top.

    Args:
        names: What the values are of.
        values: Of each name.
        loud: Which is the one to look at.
        xlabel: What the values are.
    """
    with drawing(width=_WIDTH, height=0.8 + _ROW * len(names)) as (figure, axes):
        for row, (name, own) in enumerate(zip(names, values, strict=True)):
            colour = ACCENT if name == loud else SECOND
            axes.scatter(own, np.full(len(own), row), s=26, color=colour, alpha=0.75, linewidths=0)
            axes.vlines(float(np.mean(own)), row - 0.3, row + 0.3, color=INK, linewidth=1.5)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), xlabel=xlabel)
        everything = [value for own in values for value in own]
        if min(everything) > 0 and max(everything) > 5 * min(everything):
            axes.set_xscale("log")
        return svg_of(figure)


def range_plot(names: Sequence[str], ranges: Sequence[tuple[float, float, float]], *, xlabel: str) -> str:
    """Draw lowest, mean and highest value of each name, the first on top.

    Args:
        names: What the values are of.
        ranges: Lowest, mean and highest.
        xlabel: What the values are.
    """
    with drawing(width=_WIDTH, height=0.8 + _ROW * len(names)) as (figure, axes):
        axes.axvline(0, color=SOFT, linewidth=0.8)
        for row, (low, mean, high) in enumerate(ranges):
            axes.plot([low, high], [row, row], color=SECOND, linewidth=3, alpha=0.6)
            axes.plot(mean, row, "o", color=SECOND, markersize=6)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), xlabel=xlabel)
        axes.locator_params(axis="x", nbins=6)
        return svg_of(figure)


def pair_plot(
    names: Sequence[str],
    first: Sequence[float],
    second: Sequence[float] | None,
    *,
    labels: tuple[str, str],
    xlabel: str,
) -> str:
    """Draw one or two values of each name as marks on a logarithmic axis, the first name on top.

    Args:
        names: What the values are of.
        first: Drawn as dots.
        second: Drawn as diamonds in the colour of what stands out; None without any.
        labels: What both are.
        xlabel: What is measured.
    """
    everything = [value for value in (*first, *(second or ())) if value > 0]
    low, high = (min(everything) / 1.5, max(everything) * 1.5) if everything else (0.1, 1.0)
    rows = np.arange(len(names))
    with drawing(width=_WIDTH, height=1.1 + _ROW * len(names)) as (figure, axes):
        if second is not None:
            axes.hlines(rows, np.maximum(first, low), np.maximum(second, low), color=SOFT, linewidth=0.8)
            axes.scatter(np.maximum(second, low), rows, s=34, marker="D", color=ACCENT, zorder=3, label=labels[1])
        axes.scatter(np.maximum(first, low), rows, s=34, color=SECOND, zorder=4, label=labels[0])
        axes.set(yticks=rows, yticklabels=names, ylim=(len(names) - 0.4, -0.6), xscale="log", xlabel=xlabel)
        axes.set_xlim(low, high)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return svg_of(figure)


def score_histogram(
    groups: Sequence[tuple[str, NDArray[np.float64]]],
    *,
    threshold: float,
    p_values: Sequence[tuple[float, float]] = (),
) -> str:
    """Draw how scores are distributed, on a logarithmic axis, with the threshold.

    Args:
        groups: Scores, and what they are of; the second group is drawn in the colour of what stands out.
        threshold: Where scores begin to be anomalous.
        p_values: Scores and their p-values, for an axis on top.
    """
    everything = np.concatenate([*(scores for _, scores in groups), [threshold]])
    positive = everything[everything > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    bins = np.geomspace(low / 1.05, high * 1.05, _BINS)
    with drawing(width=_WIDTH, height=3.4) as (figure, axes):
        for (name, scores), colour in zip(groups, (SECOND, ACCENT), strict=False):
            axes.hist(np.maximum(scores, low), bins, color=colour, alpha=0.7, label=name)  # type: ignore[arg-type]
        shown = max(threshold, bins[0])
        axes.axvline(shown, color=INK, linestyle="--", linewidth=1.2, label=f"threshold {threshold:.4g}")
        axes.set(xscale="log", xlabel="anomaly score (logarithmic)", ylabel="rows")
        figure.legend(loc="outside lower center", ncols=3, columnspacing=1)
        if p_values:
            kept = _apart(p_values, least=0.1 * float(np.log(bins[-1] / bins[0])))
            top = axes.twiny()
            top.spines["top"].set_visible(True)
            top.set(xscale="log", xlim=axes.get_xlim(), xlabel="p-value")
            top.set_xticks([score for score, _ in kept], [f"{p:g}" for _, p in kept])
        return svg_of(figure)


def _apart(p_values: Sequence[tuple[float, float]], *, least: float) -> list[tuple[float, float]]:
    """Return those of some scores and p-values between which there is room for a number, the last ones first."""
    kept: list[tuple[float, float]] = []
    for score, p in reversed(p_values):
        if not kept or np.log(kept[-1][0] / score) >= least:
            kept.append((score, p))
    return kept


def cloud_plot(
    points: NDArray[np.float64], groups: Sequence[tuple[str, NDArray[np.bool_]]], *, xlabel: str, ylabel: str
) -> str:
    """Draw rows as points in a plane, group by group, from little to much.

    Args:
        points: `(n, 2)`.
        groups: What a group is, and which rows it has; the last is drawn before the others.
        xlabel: Of the horizontal axis.
        ylabel: Of the other.
    """
    colours = [SOFT, LEVELS[2], LEVELS[3], LEVELS[4]] if len(groups) > 2 else [SECOND, ACCENT]
    with drawing(width=_WIDTH, height=4.2) as (figure, axes):
        for place, (name, rows) in enumerate(groups):
            colour = colours[place]
            axes.scatter(
                points[rows, 0],
                points[rows, 1],
                s=(7, 12, 18, 26)[place] if len(groups) > 2 else (8, 24)[place],
                color=colour,
                marker="o" if place < len(groups) - 1 else "D",
                linewidths=0,
                label=f"{name} ({int(rows.sum()):,})",
                zorder=2 + place,
            )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, markerscale=1.3)
        return svg_of(figure)
