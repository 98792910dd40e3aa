"""The plots of the page; our methods have a colour of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.statistics import groups_alike
from training.report.kit.drawing import ACCENT, INK, SECOND, SOFT, drawing, label_ends, label_points, svg_of

OURS: Final = ("ours", "ours_clean", "fast", "best")
"""Our methods, which have a colour of their own in plots."""

_OUR_COLOUR: Final = dict.fromkeys(OURS, ACCENT)
_ROW: Final = 0.22  # inches of a line of text


def critical_difference_diagram(mean_ranks: Mapping[str, float], difference: float) -> str:
    """Draw mean ranks on a line, and bars over those that do not differ significantly.

    Args:
        mean_ranks: Mean ranks by method.
        difference: The critical difference.
    """
    names = sorted(mean_ranks, key=mean_ranks.__getitem__)
    values = [mean_ranks[name] for name in names]
    groups = groups_alike(values, difference)
    lowest, highest = 1, len(names)
    left = (len(names) + 1) // 2
    bars = 0.28 * len(groups)
    with drawing(width=7.5, height=1.0 + _ROW * (left + 1) + 0.12 * len(groups)) as (figure, axes):
        depth = left + 1 + bars
        axes.set(xlim=(lowest - 1.6, highest + 1.6), ylim=(-depth, 1.4))
        axes.axis("off")
        axes.hlines(0, lowest, highest, color=INK, linewidth=1)
        for rank in range(lowest, highest + 1):
            axes.vlines(rank, 0, 0.2, color=INK, linewidth=1)
            axes.text(rank, 0.3, str(rank), ha="center", va="bottom")
        axes.hlines(1.1, lowest, lowest + difference, color=INK, linewidth=2)
        axes.text(lowest + difference + 0.1, 1.1, f"critical difference {difference:.2f}", va="center")
        for i, (name, value) in enumerate(zip(names, values, strict=True)):
            to_left = i < left
            y = -(bars + 0.8 + (i if to_left else len(names) - 1 - i))
            end = lowest - 0.15 if to_left else highest + 0.15
            colour = ACCENT if name in OURS else INK
            axes.plot([value, value, end], [0, y, y], color=colour, linewidth=0.8)
            label = f"{name}  {value:.2f}" if to_left else f"{value:.2f}  {name}"
            axes.text(
                end - 0.05 if to_left else end + 0.05,
                y,
                label,
                ha="right" if to_left else "left",
                va="center",
                color=colour,
            )
        for i, (first, last) in enumerate(groups):
            axes.hlines(-0.3 - 0.28 * i, values[first] - 0.05, values[last] + 0.05, color=INK, linewidth=3)
        return svg_of(figure)


def dots_by_set(
    sets: Sequence[str], values: NDArray[np.float64], methods: Sequence[str], *, ours: str, label: str
) -> str:
    """Draw, for each set, ours and every peer as dots.

    Args:
        sets: Names of the sets, from bottom to top.
        values: Sets × methods, in [0, 1].
        methods: Names of the methods.
        ours: The method to highlight.
        label: Label of the axis.
    """
    peers = [i for i, name in enumerate(methods) if name not in OURS]
    rows = np.arange(len(sets))
    with drawing(width=7.5, height=0.9 + _ROW * len(sets)) as (figure, axes):
        for row, line in enumerate(values):
            if peers:
                axes.hlines(row, line[peers].min(), line[peers].max(), color=SOFT, linewidth=0.8, zorder=1)
        for peer in peers:
            axes.scatter(values[:, peer], rows, s=14, color=SOFT, zorder=2, label="peers" if peer == peers[0] else None)
        if peers:
            axes.scatter(values[:, peers].max(axis=1), rows, s=22, color=SECOND, zorder=3, label="best peer of the set")
        axes.scatter(values[:, list(methods).index(ours)], rows, s=34, marker="D", color=ACCENT, zorder=4, label=ours)
        axes.set(yticks=rows, yticklabels=sets, xlabel=label, ylim=(-0.7, len(sets) - 0.3))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        return svg_of(figure)


def quality_and_seconds(quality: Mapping[str, float], seconds: Mapping[str, float], *, label: str) -> str:
    """Draw each method's mean quality over its median fit time.

    Args:
        quality: Quality in percent, by method.
        seconds: Seconds by method.
        label: Name of the quality.
    """
    with drawing(width=7.5, height=4.2) as (figure, axes):
        names = list(quality)
        x = [max(seconds[name], 1e-3) for name in names]  # the resolution of the CSV
        y = [quality[name] for name in names]
        for name, across, up in zip(names, x, y, strict=True):
            axes.scatter(across, up, s=36, color=ACCENT if name in OURS else SECOND, zorder=2)
        axes.set(xscale="log", xlabel="seconds to fit, median over the sets (logarithmic)", ylabel=f"mean {label}, %")
        axes.margins(x=0.15, y=0.12)
        axes.grid(color=SOFT, linewidth=0.3, alpha=0.6)
        label_points(figure, axes, names, x, y, colours=_OUR_COLOUR)
        return svg_of(figure)


def curves(x: Sequence[float], lines: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str) -> str:
    """Draw a line for each method, its name at its end.

    Args:
        x: x coordinates of the points.
        lines: y coordinates by method.
        xlabel: Label of the horizontal axis.
        ylabel: Label of the vertical axis.
    """
    with drawing(width=7.5, height=4.4) as (figure, axes):
        for i, (name, y) in enumerate(lines.items()):
            ours = name in OURS
            style = "-" if ours else ("-", "--", "-.", ":")[i % 4]
            axes.plot(
                x,
                y,
                style,
                color=ACCENT if ours else SECOND,
                linewidth=2.2 if ours else 1.0,
                marker="o",
                markersize=3,
            )
        axes.set(xlabel=xlabel, ylabel=ylabel, xticks=x)
        axes.margins(x=0.02)
        axes.set_xlim(right=x[-1] + (x[-1] - x[0]) * 0.22)
        ends = [y[-1] for y in lines.values()]
        label_ends(figure, axes, list(lines), [x[-1]] * len(lines), ends, colours=_OUR_COLOUR)
        return svg_of(figure)
