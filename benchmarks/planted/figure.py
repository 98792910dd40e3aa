"""The figure of the page: for each kind and table, the share of the errors that is in the top 2 %."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.planted.kinds import KINDS
from benchmarks.planted.measures import Found, kinds_found

_CELL = 0.34  # inches of a line


def draw(found: Sequence[Found], method: str, path: Path) -> None:
    """Draw the kinds of errors by table, fitted and fresh rows together, and write the file.

    Args:
        found: Results of several tables.
        method: The method that is drawn.
        path: The file, SVG.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    tables = list(dict.fromkeys(one.table for one in found))
    shares = np.full((len(KINDS), len(tables)), np.nan)
    with mpl.rc_context({"svg.hashsalt": "planted", "font.size": 9}):
        figure = Figure(figsize=(6.6, 0.9 + _CELL * len(KINDS)), layout="constrained")
        axes = figure.add_subplot()
        for column, table in enumerate(tables):
            of_table = [one for one in found if (one.table, one.method) == (table, method)]
            for row, kind in enumerate(KINDS):
                total, top, _ = kinds_found(of_table, kind)
                shares[row, column] = top / total if total else np.nan
                dark = total and top / total > 0.5
                text = f"{top} of {total}" if total else "–"
                axes.text(column, row, text, ha="center", va="center", color="white" if dark else "#333333")
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
        axes.set(xticks=range(len(tables)), yticks=range(len(KINDS)), xticklabels=tables, yticklabels=list(KINDS))
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        for side in axes.spines.values():
            side.set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
