"""Plots of points, intervals, bars, histograms and heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from models.languages import shown, spoken
from models.messages import phrase
from training.report.kit.drawing import ACCENT, INK, LEVELS, SECOND, SOFT, drawing, in_language, label_points, svg_of

NARROW: Final = 4.5
"""Inches of a picture beside another, or on a phone."""

WIDE: Final = 9.3
"""Inches of a picture that has the whole width of a wide screen."""

_ROW: Final = 0.24  # inches of a line of text
_BINS: Final = 40
_ZERO: Final = 0.005  # below it a share rounds to 0 %
_BOUNDS: Final = (0.1, 0.25, 0.5, 0.75)
_RANGES: Final = tuple(phrase("to {percent} %", percent=percent) for percent in (10, 25, 50, 75, 100))


def in_two_widths(draw: Callable[..., str], *data: Any, **setting: Any) -> tuple[str, str]:
    """Return a picture drawn `NARROW` and `WIDE`, for `Plot.svg` and `Plot.wide`."""
    return draw(*data, width=NARROW, **setting), draw(*data, width=WIDE, **setting)


def point_plot(
    names: Sequence[str],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    loud: str | None,
    setting: Mapping[str, Any],
    width: float = NARROW,
) -> str:
    """Draw points with their intervals and names; a ring marks the highlighted one.

    `x` and `y` have low end, middle and high end of each coordinate `(n, 3)`; `setting` is for Matplotlib's `Axes.set`.
    """
    with drawing(width=width, height=3.6) as (figure, axes):
        for name, across, up in zip(names, x, y, strict=True):
            colour = ACCENT if name == loud else SECOND
            xerr, yerr = (np.abs(ends[[0, 2]] - ends[1])[:, None] for ends in (across, up))
            axes.errorbar(across[1], up[1], yerr, xerr, "o", color=colour, markersize=6, elinewidth=0.8)
            if name == loud:
                axes.scatter(across[1], up[1], s=140, facecolors="none", edgecolors=colour, linewidths=1.5)
        axes.set(**in_language(setting))
        colours = {} if loud is None else {loud: ACCENT}
        label_points(figure, axes, names, x[:, 1].tolist(), y[:, 1].tolist(), colours=colours)
        return svg_of(figure)


def interval_plot(
    intervals: Mapping[str, tuple[float, float, float]],
    *,
    loud: str | None,
    band: tuple[float, float],
    setting: Mapping[str, Any],
) -> str:
    """Draw low end, middle and high end of an interval for each name, the first on top, over the band."""
    with _rows_of(list(intervals)) as (figure, axes):
        axes.axvspan(*band, color=SOFT, alpha=0.35, linewidth=0)
        for row, (name, (low, middle, high)) in enumerate(intervals.items()):
            colour = ACCENT if name == loud else SECOND
            axes.plot([low, high], [row, row], color=colour, linewidth=2)
            axes.plot(middle, row, "D" if name == loud else "o", color=colour, markersize=6)
        axes.set(**in_language(setting))
        return svg_of(figure)


def dot_plot(values: Mapping[str, Sequence[float]], *, loud: str | None, xlabel: str) -> str:
    """Draw all values of each name as dots and their mean as a bar, the first name on top, `loud` highlighted."""
    with _rows_of(list(values), xlabel=xlabel) as (figure, axes):
        for row, (name, dots) in enumerate(values.items()):
            axes.scatter(
                dots, [row] * len(dots), s=26, color=ACCENT if name == loud else SECOND, alpha=0.75, linewidths=0
            )
            axes.vlines(float(np.mean(dots)), row - 0.3, row + 0.3, color=INK, linewidth=1.5)
        everything = [value for dots in values.values() for value in dots]
        if min(everything) > 0 and max(everything) > 5 * min(everything):
            axes.set_xscale("log")
        return svg_of(figure)


def range_plot(ranges: Mapping[str, tuple[float, float, float]], *, xlabel: str, width: float = NARROW) -> str:
    """Draw the lowest, mean and highest value of each name, the first on top."""
    with _rows_of(list(ranges), width=width, xlabel=xlabel) as (figure, axes):
        axes.axvline(0, color=SOFT, linewidth=0.8)
        for row, (low, mean, high) in enumerate(ranges.values()):
            axes.plot([low, high], [row, row], color=SECOND, linewidth=3, alpha=0.6)
            axes.plot(mean, row, "o", color=SECOND, markersize=6)
        axes.locator_params(axis="x", nbins=6)
        return svg_of(figure)


def pair_plot(
    names: Sequence[str], values: Mapping[str, NDArray[np.float64]], *, xlabel: str, width: float = NARROW
) -> str:
    """Draw one or two values of each name on a logarithmic axis, the first name on top.

    The values are by their name in the legend: the first are dots, the second highlighted diamonds.
    """
    everything = np.concatenate(list(values.values()))
    positive = everything[everything > 0]
    low, high = (float(positive.min()) / 1.5, float(positive.max()) * 1.5) if len(positive) else (0.1, 1.0)
    rows = np.arange(len(names))
    with _rows_of(names, above=0.3, width=width, xlabel=xlabel, xscale="log") as (figure, axes):
        drawn = [np.maximum(each, low) for each in values.values()]
        if len(drawn) > 1:
            axes.hlines(rows, drawn[0], drawn[1], color=SOFT, linewidth=0.8)
        styles = [*zip(values, drawn, "oD", (SECOND, ACCENT), (4, 3), strict=False)]
        for label, each, marker, colour, order in reversed(styles):
            axes.scatter(each, rows, s=34, marker=marker, color=colour, zorder=order, label=shown(label))
        axes.set_xlim(low, high)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return svg_of(figure)


@contextmanager
def _rows_of(
    names: Sequence[str], *, above: float = 0.0, width: float = NARROW, **setting: Any
) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure with a row for each name, the first on top, and `above` inches over them."""
    with drawing(width=width, height=0.8 + above + _ROW * len(names)) as (figure, axes):
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), **in_language(setting))
        yield figure, axes


def score_histogram(
    groups: Mapping[str, NDArray[np.float64]], *, threshold: float, p_values: Sequence[tuple[float, float]] = ()
) -> str:
    """Draw the distribution of scores on a logarithmic axis, with the threshold.

    The second of the groups is highlighted; `p_values` are scores and their p-values, for an axis on top.
    """
    everything = np.concatenate([*groups.values(), [threshold]])
    positive = everything[everything > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    bins = np.geomspace(low / 1.05, high * 1.05, _BINS)
    with drawing(width=NARROW, height=3.4) as (figure, axes):
        for (name, scores), colour in zip(groups.items(), (SECOND, ACCENT), strict=False):
            axes.hist(np.maximum(scores, low), bins, color=colour, alpha=0.7, label=shown(name))  # type: ignore[arg-type]
        line = max(threshold, bins[0])
        name = shown(phrase("threshold {threshold:.4g}", threshold=threshold))
        axes.axvline(line, color=INK, linestyle="--", linewidth=1.2, label=name)
        axes.set(xscale="log", xlabel=shown(phrase("anomaly score (logarithmic)")), ylabel=shown(phrase("rows")))
        figure.legend(loc="outside lower center", ncols=3, columnspacing=1)
        if p_values:
            ticks = _spaced(p_values, least=0.1 * float(np.log(bins[-1] / bins[0])))
            top = axes.twiny()
            top.spines["top"].set_visible(True)
            top.set(xscale="log", xlim=axes.get_xlim(), xlabel=shown(phrase("p-value")))
            top.set_xticks([score for score, _ in ticks], [spoken().number(f"{p:g}") for _, p in ticks])
        return svg_of(figure)


def _spaced(p_values: Sequence[tuple[float, float]], *, least: float) -> list[tuple[float, float]]:
    """Return the scores and p-values whose ticks do not overlap, the last ones first."""
    kept: list[tuple[float, float]] = []
    for score, p in reversed(p_values):
        if not kept or np.log(kept[-1][0] / score) >= least:
            kept.append((score, p))
    return kept


def cloud_plot(
    points: NDArray[np.float64],
    groups: Mapping[str, NDArray[np.bool_]],
    *,
    xlabel: str,
    ylabel: str,
    width: float = NARROW,
) -> str:
    """Draw points `(n, 2)` in a plane, coloured by groups, which are masks `(n,)` by name, the last one on top."""
    several = ((7, SOFT), (12, LEVELS[2]), (18, LEVELS[3]), (26, LEVELS[4]))
    styles = several if len(groups) > 2 else ((8, SECOND), (24, ACCENT))
    with drawing(width=width, height=4.2) as (figure, axes):
        for i, ((name, rows), (size, colour)) in enumerate(zip(groups.items(), styles, strict=True)):
            label, marker = (
                shown(phrase("{name} ({rows:,})", name=name, rows=int(rows.sum()))),
                "o" if i < len(groups) - 1 else "D",
            )
            x, y = points[rows].T
            axes.scatter(x, y, size, colour, marker=marker, linewidths=0, label=label, zorder=2 + i)
        axes.set(xlabel=shown(xlabel), ylabel=shown(ylabel))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4 if width == WIDE else 2, markerscale=1.3)
        return svg_of(figure)


def heat_map(
    shares: NDArray[np.float64],
    rows: Sequence[str],
    *,
    xlabel: str = "",
    columns: Sequence[str] = (),
    width: float = NARROW,
) -> str:
    """Draw shares as rectangles, darker where they are larger; white, as the page, where they round to 0 %.

    The shares, rows × columns, are in [0, 1]; rows go from top to bottom; columns without names are numbered from 1.
    """
    levels = np.where(shares >= _ZERO, np.digitize(shares, _BOUNDS, right=True) + 1, 0)
    setting = {"xlabel": xlabel, "xlim": (0.5, shares.shape[1] + 0.5)}
    with _rows_of(rows, above=1.0 if columns else 0.4, width=width, **setting) as (figure, axes):
        for row, line in enumerate(levels.tolist()):
            start = 0.5
            for level, members in groupby(line):
                length = len(list(members))
                if level:
                    axes.broken_barh([(start, length)], (row - 0.45, 0.9), facecolors=LEVELS[level - 1])
                start += length
        if columns:
            axes.set_xticks(range(1, len(columns) + 1), columns, rotation=45, ha="right", rotation_mode="anchor")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        zero = Patch(facecolor="none", edgecolor=SOFT, linewidth=0.6, label="0 %")
        figure.legend(
            handles=[
                zero,
                *(Patch(facecolor=each, label=shown(name)) for each, name in zip(LEVELS, _RANGES, strict=True)),
            ],
            loc="outside lower center",
            ncols=6,
            handlelength=1,
            columnspacing=0.8,
            handletextpad=0.4,
            fontsize=8,
        )
        return svg_of(figure)
