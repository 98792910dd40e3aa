"""Heat maps of shares, in a few levels that can be told apart in light and in dark."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.report.kit.drawing import LEVELS, drawing, svg_of

_BOUNDS: Final = (0.1, 0.25, 0.5, 0.75)
_NAMES: Final = ("to 10 %", "to 25 %", "to 50 %", "to 75 %", "to 100 %")
_ROW: Final = 0.24  # inches


def heat_map(shares: NDArray[np.float64], rows: Sequence[str], *, xlabel: str, columns: Sequence[str] = ()) -> str:
    """Draw shares as rectangles, darker where they are larger; what is zero is left blank.

    Args:
        shares: Rows × columns, in [0, 1].
        rows: Their names, from top to bottom.
        xlabel: What the columns are.
        columns: Their names; without any they are numbered from 1.
    """
    levels = np.where(shares > 0, np.digitize(shares, _BOUNDS, right=True) + 1, 0)
    height = 1.2 + _ROW * len(rows) + (0.6 if columns else 0.0)
    with drawing(width=4.4, height=height) as (figure, axes):
        for row, line in enumerate(levels.tolist()):
            for start, length, level in _runs(line):
                if level:
                    axes.broken_barh([(start + 0.5, length)], (row - 0.45, 0.9), facecolors=LEVELS[level - 1])
        axes.set(
            xlim=(0.5, shares.shape[1] + 0.5), ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)), xlabel=xlabel
        )
        axes.set_yticklabels(rows)
        if not columns:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            axes.set_xticks(range(1, len(columns) + 1), columns, rotation=45, ha="right", rotation_mode="anchor")
        figure.legend(
            handles=[Patch(facecolor=colour, label=name) for colour, name in zip(LEVELS, _NAMES, strict=True)],
            loc="outside lower center",
            ncols=5,
            handlelength=1,
            columnspacing=1,
            handletextpad=0.4,
            fontsize=8,
        )
        return svg_of(figure)


def _runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return start, length and level of the stretches of a row that are of one level."""
    runs, start = [], 0
    for level, members in groupby(levels):
        length = len(list(members))
        runs.append((start, length, level))
        start += length
    return runs
