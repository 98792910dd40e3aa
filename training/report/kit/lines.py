"""Line plots over epochs, layers, settings or inputs, with intervals as bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.ticker import MaxNLocator

from training.report.kit.drawing import INK, SOFT, drawing, in_language, label_ends, svg_of

PANEL: Final = (3.4, 2.5)
"""Inches of a plot beside others."""

WHOLE: Final = (4.4, 3.3)
"""Inches of a plot by itself."""

_BAND: Final = 0.1  # opacity where many bands overlap
_MOST_POINTS: Final = 300  # of a line: about one for each pixel


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with the `name` at its end, and a band between the low and the high ends of intervals."""

    name: str = ""
    x: Sequence[float]
    y: Sequence[float]
    band: tuple[Sequence[float], Sequence[float]] | None = None
    colour: str = INK
    style: str = "-"
    width: float = 1.5
    marker: str = ""


def line_plot(
    lines: Sequence[Line],
    *,
    size: tuple[float, float] = WHOLE,
    zero: bool = False,
    whole: bool = False,
    room: float = 0.0,
    setting: Mapping[str, Any],
) -> str:
    """Draw lines from back to front, on a plot of a size in inches.

    With `zero`, lines mark zero on both axes; with `whole`, the horizontal axis has whole numbers. `room` is the share
    of the width for names at the ends of the lines; `setting` is for Matplotlib's `Axes.set`.
    """
    with drawing(width=size[0], height=size[1]) as (figure, axes):
        if zero:
            axes.axhline(0, color=SOFT, linewidth=0.6)
            axes.axvline(0, color=SOFT, linewidth=0.6)
        many = sum(line.band is not None for line in lines) > 3
        for line in lines:
            points = len(line.x)
            kept = np.unique(np.linspace(0, points - 1, min(points, _MOST_POINTS)).round().astype(np.intp))
            x, y = np.asarray(line.x)[kept], np.asarray(line.y)[kept]
            if line.band is not None and line.band[0] != line.band[1]:
                low, high = np.asarray(line.band)[:, kept]
                axes.fill_between(x, low, high, color=line.colour, alpha=_BAND if many else 2 * _BAND, linewidth=0)
            axes.plot(x, y, line.style, color=line.colour, linewidth=line.width, marker=line.marker, markersize=3.5)
        axes.set(**in_language(setting))
        if whole:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if room:
            transform = axes.transScale + axes.transLimits
            (left, _), (right, _) = (transform.transform((x, 1.0)) for x in axes.get_xlim())
            stretched = right + (right - left) * room / (1 - room)
            axes.set_xlim(right=float(transform.inverted().transform((stretched, 0.5))[0]))
        if named := [line for line in lines if line.name]:
            ends = np.array([(line.x[-1], line.y[-1]) for line in named]).T.tolist()
            label_ends(figure, axes, [line.name for line in named], *ends, colours={n.name: n.colour for n in named})
        return svg_of(figure)
