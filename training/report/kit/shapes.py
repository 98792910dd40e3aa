"""Plots of points, intervals, bars, histograms and heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.report.kit.drawing import ACCENT, INK, LEVELS, SECOND, SOFT, drawing, label_points, svg_of

_WIDTH: Final = 4.4  # inches
_ROW: Final = 0.24  # inches of a line of text
_BINS: Final = 40
_BOUNDS: Final = (0.1, 0.25, 0.5, 0.75)
_RANGES: Final = ("to 10 %", "to 25 %", "to 50 %", "to 75 %", "to 100 %")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A named point.

    Args:
        name: Its label.
        x: x coordinate.
        y: y coordinate.
        x_interval: Both ends of the interval of `x`; None without one.
        y_interval: Both ends of the interval of `y`; None without one.
        loud: Whether it is highlighted.
    """

    name: str
    x: float
    y: float
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    loud: bool = False


def point_plot(points: Sequence[Point], *, setting: Mapping[str, Any]) -> str:
    """Draw points with their intervals and names; a ring marks the highlighted one.

    Args:
        points: The points.
        setting: Arguments of Matplotlib's `Axes.set`.
    """
    with drawing(width=_WIDTH, height=3.6) as (figure, axes):
        for point in points:
            colour = ACCENT if point.loud else SECOND
            axes.errorbar(
                point.x,
                point.y,
                xerr=_errors(point.x, point.x_interval),
                yerr=_errors(point.y, point.y_interval),
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


def _errors(middle: float, ends: tuple[float, float] | None) -> list[list[float]] | None:
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
        names: Names of the intervals.
        middles: x coordinates of the dots.
        ends: Both ends of each interval.
        loud: The name to highlight.
        band: Both ends of a band behind the intervals.
        setting: Arguments of Matplotlib's `Axes.set`.
    """
    with _rows_of(names) as (figure, axes):
        if band is not None:
            axes.axvspan(*band, color=SOFT, alpha=0.35, linewidth=0)
        for row, (name, middle, (low, high)) in enumerate(zip(names, middles, ends, strict=True)):
            colour = ACCENT if name == loud else SECOND
            axes.plot([low, high], [row, row], color=colour, linewidth=2)
            axes.plot(middle, row, "D" if name == loud else "o", color=colour, markersize=6)
        axes.set(**setting)
        return svg_of(figure)


def dot_plot(names: Sequence[str], values: Sequence[Sequence[float]], *, loud: str | None, xlabel: str) -> str:
    """Draw all values of each name as dots and their mean as a bar, the first name on top.

    Args:
        names: Names of the rows.
        values: Values of each row.
        loud: The name to highlight.
        xlabel: Label of the horizontal axis.
    """
    with _rows_of(names, xlabel=xlabel) as (figure, axes):
        for row, (name, dots) in enumerate(zip(names, values, strict=True)):
            colour = ACCENT if name == loud else SECOND
            axes.scatter(dots, np.full(len(dots), row), s=26, color=colour, alpha=0.75, linewidths=0)
            axes.vlines(float(np.mean(dots)), row - 0.3, row + 0.3, color=INK, linewidth=1.5)
        everything = [value for dots in values for value in dots]
        if min(everything) > 0 and max(everything) > 5 * min(everything):
            axes.set_xscale("log")
        return svg_of(figure)


def range_plot(names: Sequence[str], ranges: Sequence[tuple[float, float, float]], *, xlabel: str) -> str:
    """Draw the lowest, mean and highest value of each name, the first on top.

    Args:
        names: Names of the rows.
        ranges: Lowest, mean and highest value of each.
        xlabel: Label of the horizontal axis.
    """
    with _rows_of(names, xlabel=xlabel) as (figure, axes):
        axes.axvline(0, color=SOFT, linewidth=0.8)
        for row, (low, mean, high) in enumerate(ranges):
            axes.plot([low, high], [row, row], color=SECOND, linewidth=3, alpha=0.6)
            axes.plot(mean, row, "o", color=SECOND, markersize=6)
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
    """Draw one or two values of each name on a logarithmic axis, the first name on top.

    Args:
        names: Names of the rows.
        first: Values drawn as dots.
        second: Values drawn as highlighted diamonds; None without any.
        labels: Legend of `first` and `second`.
        xlabel: Label of the horizontal axis.
    """
    positive = [value for value in (*first, *(second or ())) if value > 0]
    low, high = (min(positive) / 1.5, max(positive) * 1.5) if positive else (0.1, 1.0)
    rows = np.arange(len(names))
    with _rows_of(names, above=0.3, xlabel=xlabel, xscale="log") as (figure, axes):
        if second is not None:
            axes.hlines(rows, np.maximum(first, low), np.maximum(second, low), color=SOFT, linewidth=0.8)
            axes.scatter(np.maximum(second, low), rows, s=34, marker="D", color=ACCENT, zorder=3, label=labels[1])
        axes.scatter(np.maximum(first, low), rows, s=34, color=SECOND, zorder=4, label=labels[0])
        axes.set_xlim(low, high)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return svg_of(figure)


@contextmanager
def _rows_of(names: Sequence[str], *, above: float = 0.0, **setting: Any) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure with a row for each name, the first on top, and `above` inches over them."""
    with drawing(width=_WIDTH, height=0.8 + above + _ROW * len(names)) as (figure, axes):
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), **setting)
        yield figure, axes


def score_histogram(
    groups: Sequence[tuple[str, NDArray[np.float64]]],
    *,
    threshold: float,
    p_values: Sequence[tuple[float, float]] = (),
) -> str:
    """Draw the distribution of scores on a logarithmic axis, with the threshold.

    Args:
        groups: Name and scores of each group; the second group is highlighted.
        threshold: The threshold.
        p_values: Scores and their p-values, for an axis on top.
    """
    everything = np.concatenate([*(scores for _, scores in groups), [threshold]])
    positive = everything[everything > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    bins = np.geomspace(low / 1.05, high * 1.05, _BINS)
    with drawing(width=_WIDTH, height=3.4) as (figure, axes):
        for (name, scores), colour in zip(groups, (SECOND, ACCENT), strict=False):
            axes.hist(np.maximum(scores, low), bins, color=colour, alpha=0.7, label=name)  # type: ignore[arg-type]
        line = max(threshold, bins[0])
        axes.axvline(line, color=INK, linestyle="--", linewidth=1.2, label=f"threshold {threshold:.4g}")
        axes.set(xscale="log", xlabel="anomaly score (logarithmic)", ylabel="rows")
        figure.legend(loc="outside lower center", ncols=3, columnspacing=1)
        if p_values:
            ticks = _spaced(p_values, least=0.1 * float(np.log(bins[-1] / bins[0])))
            top = axes.twiny()
            top.spines["top"].set_visible(True)
            top.set(xscale="log", xlim=axes.get_xlim(), xlabel="p-value")
            top.set_xticks([score for score, _ in ticks], [f"{p:g}" for _, p in ticks])
        return svg_of(figure)


def _spaced(p_values: Sequence[tuple[float, float]], *, least: float) -> list[tuple[float, float]]:
    """Return the scores and p-values whose ticks do not overlap, the last ones first."""
    kept: list[tuple[float, float]] = []
    for score, p in reversed(p_values):
        if not kept or np.log(kept[-1][0] / score) >= least:
            kept.append((score, p))
    return kept


def cloud_plot(
    points: NDArray[np.float64], groups: Sequence[tuple[str, NDArray[np.bool_]]], *, xlabel: str, ylabel: str
) -> str:
    """Draw rows as points in a plane, coloured by group.

    Args:
        points: Coordinates `(n, 2)`.
        groups: Name and mask `(n,)` of each group; the last one is drawn on top.
        xlabel: Label of the horizontal axis.
        ylabel: Label of the vertical axis.
    """
    colours = [SOFT, LEVELS[2], LEVELS[3], LEVELS[4]] if len(groups) > 2 else [SECOND, ACCENT]
    sizes = (7, 12, 18, 26) if len(groups) > 2 else (8, 24)
    with drawing(width=_WIDTH, height=4.2) as (figure, axes):
        for i, (name, rows) in enumerate(groups):
            axes.scatter(
                points[rows, 0],
                points[rows, 1],
                s=sizes[i],
                color=colours[i],
                marker="o" if i < len(groups) - 1 else "D",
                linewidths=0,
                label=f"{name} ({int(rows.sum()):,})",
                zorder=2 + i,
            )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, markerscale=1.3)
        return svg_of(figure)


def heat_map(shares: NDArray[np.float64], rows: Sequence[str], *, xlabel: str, columns: Sequence[str] = ()) -> str:
    """Draw shares as rectangles, darker where they are larger; zero is left blank.

    Args:
        shares: Rows × columns, in [0, 1].
        rows: Names of the rows, from top to bottom.
        xlabel: Label of the horizontal axis.
        columns: Names of the columns; without any they are numbered from 1.
    """
    levels = np.where(shares > 0, np.digitize(shares, _BOUNDS, right=True) + 1, 0)
    setting = {"xlabel": xlabel, "xlim": (0.5, shares.shape[1] + 0.5)}
    with _rows_of(rows, above=1.0 if columns else 0.4, **setting) as (figure, axes):
        for row, line in enumerate(levels.tolist()):
            for start, length, level in _runs(line):
                if level:
                    axes.broken_barh([(start + 0.5, length)], (row - 0.45, 0.9), facecolors=LEVELS[level - 1])
        if columns:
            axes.set_xticks(range(1, len(columns) + 1), columns, rotation=45, ha="right", rotation_mode="anchor")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(
            handles=[Patch(facecolor=colour, label=name) for colour, name in zip(LEVELS, _RANGES, strict=True)],
            loc="outside lower center",
            ncols=5,
            handlelength=1,
            columnspacing=1,
            handletextpad=0.4,
            fontsize=8,
        )
        return svg_of(figure)


def _runs(levels: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield start, length and level of each run of equal levels in a row."""
    start = 0
    for level, members in groupby(levels):
        length = len(list(members))
        yield start, length, level
        start += length
