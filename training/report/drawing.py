"""How every picture looks: Matplotlib draws SVG that takes its colours from the page, in light and in dark."""

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

from training.report.parts import PICTURE

# Matplotlib draws in these colours; on the page they are those of its style.
INK, SOFT, ACCENT, SECOND = "#101112", "#b0b1b2", "#d04050", "#3070b0"
LEVELS: Final = ("#f1c0c1", "#e29394", "#d36667", "#a43638", "#751617")
"""From little to much."""
LINES: Final = (
    *("#c13141", "#2f6fb4", "#1b7f4c", "#8a4fc0", "#a3560c"),
    *("#0b7a87", "#b03090", "#5b6471", "#6b6a01"),
)
"""For lines that have to be told apart, one for each activation."""
_COLOURS: Final = {
    INK: "currentColor",
    SOFT: "var(--soft)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    **{colour: f"var(--level-{number})" for number, colour in enumerate(LEVELS, 1)},
    **{colour: f"var(--line-{number})" for number, colour in enumerate(LINES, 1)},
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
_NEAR = (95, 11)  # points within which two labels would touch: across, up
_LARGEST: Final = 1.6  # pixels of the page for a point of a picture: letters are never larger than those of the text


@contextmanager
def drawing(*, width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure of so many inches, and its axes; within, everything has the style of the pages."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has it
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def svg_of(figure: Figure) -> str:
    """Return a figure as an element of a page: nothing before it, names of its own, the page's colours.

    Args:
        figure: From `drawing`, within its block.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<[^>]*>", _of_the_page, svg)
    width = float(figure.get_figwidth()) * 72
    svg = re.sub(
        r'<svg [^>]*(viewBox="[^"]+")[^>]*>', rf'<svg \1 style="max-width:{_LARGEST * width:.0f}px">', svg, count=1
    )
    return re.sub(r"\n\s*", "\n", svg)


def _of_the_page(tag: re.Match[str]) -> str:
    changed = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{PICTURE}-", tag[0]).replace("xlink:href", "href")
    changed = changed.replace("'DejaVu Sans'", "system-ui, sans-serif")
    for drawn, styled in _COLOURS.items():
        changed = changed.replace(drawn, styled)
    return changed


def label_points(
    axes: Axes,
    names: Sequence[str],
    x: Sequence[float],
    y: Sequence[float],
    *,
    colours: Mapping[str, str],
) -> None:
    """Write the names beside points, moved up where two would touch.

    Args:
        axes: Where; its limits must not change any more.
        names: Of the points.
        x: Where they are, across.
        y: And up.
        colours: By name; the others are written in ink.
    """
    axes.figure.canvas.draw()
    places = axes.transData.transform(np.column_stack([x, y])) * 72 / axes.figure.dpi
    written: list[tuple[float, float]] = []
    for i in np.argsort(places[:, 1], kind="stable"):
        across, up = places[i]
        at = up
        while any(abs(across - other) < _NEAR[0] and abs(at - height) < _NEAR[1] for other, height in written):
            at += 1
        written.append((across, at))
        axes.annotate(
            names[i],
            (x[i], y[i]),
            xytext=(6, at - up),
            textcoords="offset points",
            va="center",
            color=colours.get(names[i], INK),
        )
