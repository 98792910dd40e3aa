"""The style of every plot: Matplotlib draws SVG whose colours are those of the page, light or dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from models.languages import shown, spoken
from training.report.kit.page import PLOT_ID

# Placeholders that Matplotlib draws with; the page's style has the colours.
INK, SOFT, ACCENT, SECOND = "#101112", "#b0b1b2", "#d04050", "#3070b0"
LEVELS: Final = ("#f1c0c1", "#e29394", "#d36667", "#a43638", "#751617")
"""From low to high."""
LINES: Final = (
    *("#c13141", "#2f6fb4", "#1b7f4c", "#8a4fc0", "#a3560c"),
    *("#0b7a87", "#b03090", "#5b6471", "#6b6a01"),
)
"""For lines that must be told apart, one for each activation."""
_COLOURS: Final = {
    INK: "currentColor",
    SOFT: "var(--soft)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    **{colour: f"var(--level-{index})" for index, colour in enumerate(LEVELS, 1)},
    **{colour: f"var(--line-{index})" for index, colour in enumerate(LINES, 1)},
}
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.color": INK,
    "text.parse_math": False,  # a column's name may hold dollar signs
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.formatter.use_mathtext": False,
    "figure.facecolor": "none",
    "legend.frameon": False,
}
_WIDE: Final = 100  # ratio of the ends of a logarithmic axis above which only powers of ten have ticks
# In points: letter width, line height, dot radius, gap between point and label, longest move of a label.
_LETTER, _LINE, _DOT, _GAP, _FARTHEST = 5.6, 11, 3, 7, 150
_RISE: Final = 6  # points of a label above its point, so that no interval crosses it
_OFFSETS: Final = [
    (moved, to_left)
    for moved in sorted(range(-_FARTHEST, _FARTHEST + 1), key=lambda up: abs(up - _RISE))
    for to_left in (False, True)
]
_LARGEST: Final = 1.67  # pixels on the page for a point of a plot: labels are never larger than the text


@contextmanager
def drawing(*, width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure of the given inches and its axes, in the style of the pages."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has them
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_Numbers())
        yield figure, axes


def in_language(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of axes with their texts in the language that is asked for; Matplotlib keeps no messages."""
    return {name: shown(value) if isinstance(value, str) else value for name, value in setting.items()}


class _Numbers(ScalarFormatter):
    """The numbers of an axis with the marks of the language that is asked for."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return spoken().number(super().__call__(x, pos))


def svg_of(figure: Figure) -> str:
    """Return a figure as an SVG element for a page: without XML header, ids behind `PLOT_ID`, the page's colours.

    Args:
        figure: From `drawing`, within its block.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"):
        axis.set_minor_locator(NullLocator())
        if isinstance(axis.get_major_locator(), LogLocator):  # no ticks were set
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1,) if high > _WIDE * low else (1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: spoken().number(f"{value:g}")))
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<[^>]*>", _tag_for_page, svg)
    widest = f"{_LARGEST * 72 * figure.get_figwidth():.0f}px"
    svg = re.sub(r'<svg [^>]*(viewBox="[^"]+")[^>]*>', rf'<svg \1 style="max-width:{widest}">', svg, count=1)
    return re.sub(r"\n\s*", "\n", svg)


def _tag_for_page(tag: re.Match[str]) -> str:
    changed = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{PLOT_ID}-", tag[0]).replace("xlink:href", "href")
    changed = changed.replace("'DejaVu Sans'", "system-ui, sans-serif")
    for drawn, styled in _COLOURS.items():
        changed = changed.replace(drawn, styled)
    return changed


def label_points(
    figure: Figure,
    axes: Axes,
    names: Sequence[str],
    x: Sequence[float],
    y: Sequence[float],
    *,
    colours: Mapping[str, str],
) -> None:
    """Write names beside points, moved where they would overlap, in the colour of the name or `INK`.

    The limits of the axes must not change afterwards.
    """
    positions = _positions(figure, axes, x, y)
    written = [(across - _DOT, up - _DOT, across + _DOT, up + _DOT) for across, up in positions.tolist()]
    for i in np.argsort(positions[:, 1], kind="stable").tolist():
        across, up = positions[i].tolist()
        width = _LETTER * len(names[i])
        for moved, to_left in _OFFSETS:
            start = across - _GAP - width if to_left else across + _GAP
            box = (start, up + moved - _LINE / 2, start + width, up + moved + _LINE / 2)
            if not any(_overlap(box, other) for other in written):
                break
        written.append(box)
        _write(axes, names[i], (x[i], y[i]), (-_GAP if to_left else _GAP, moved), colours.get(names[i], INK))


def label_ends(
    figure: Figure,
    axes: Axes,
    names: Sequence[str],
    x: Sequence[float],
    y: Sequence[float],
    *,
    colours: Mapping[str, str],
) -> None:
    """Write names to the right of the ends of lines, in order of height and without overlap, as `label_points` does."""
    heights = _positions(figure, axes, x, y)[:, 1]
    order = np.argsort(heights, kind="stable")
    ranks = _LINE * np.arange(len(order))
    bottom, top = axes.get_window_extent().get_points()[:, 1] * 72 / figure.dpi
    spread = np.clip(isotonic_regression(heights[order] - ranks).x, bottom + _LINE / 2, top - ranks[-1]) + ranks
    for i, height in zip(order.tolist(), spread.tolist(), strict=True):
        _write(axes, names[i], (x[i], y[i]), (_GAP, height - heights[i]), colours.get(names[i], INK))


def _positions(figure: Figure, axes: Axes, x: Sequence[float], y: Sequence[float]) -> NDArray[np.float64]:
    """Convert data coordinates to points of the picture `(n, 2)`."""
    figure.draw_without_rendering()  # fixes the layout
    positions: NDArray[np.float64] = axes.transData.transform(np.column_stack([x, y])) * 72 / figure.dpi
    return positions


def _write(axes: Axes, name: str, at: tuple[float, float], offset: tuple[float, float], colour: str) -> None:
    side = "left" if offset[0] > 0 else "right"
    axes.annotate(name, at, xytext=offset, textcoords="offset points", ha=side, va="center", color=colour)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
