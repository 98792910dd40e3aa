"""Measures the growth of time and memory of a whole fit with rows and columns: a table, exponents and a plot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.training.programs import Fit, exponent, fit_in_a_process
from benchmarks.training.tables import row_of, seconds_text, table_head

_ROWS: Final = 10_000  # where columns grow
_COLUMNS: Final = 30  # where rows grow


def growth_of(
    *,
    rows: list[int],
    columns: list[int],
    presets: list[str],
    activation: str,
    say: Callable[[str], None],
    plot: Path | None,
) -> dict[str, float]:
    """Measure fits of growing numbers of rows with 30 columns, and of 10,000 rows with growing numbers of columns."""
    sizes = dict.fromkeys([*((n, _COLUMNS) for n in rows), *((_ROWS, d) for d in columns)])
    say(table_head("rows × columns", "preset", "read, s", "prepare", "fit", "its epochs", "memory ÷ matrix in float32"))
    figures: dict[str, float] = {}
    lines: dict[str, list[tuple[int, float]]] = {}
    for preset in presets:
        found: dict[tuple[int, int], Fit] = {}
        for size in sizes:
            fit = found[size] = fit_in_a_process(*size, preset=preset, activation=activation)
            parts = (fit.reading, fit.preparing, fit.fitting, fit.epochs)
            times = map(seconds_text, parts)
            say(row_of(f"{size[0]:,} × {size[1]}", preset, *times, f"{fit.peak_over_matrix:.1f}"))
            figures[f"memory_over_matrix_{size[0]}x{size[1]}_{preset}"] = fit.peak_over_matrix
        by_rows = [(n, found[n, _COLUMNS].seconds) for n in rows]
        by_columns = [(d, found[_ROWS, d].seconds) for d in columns]
        for what, points in (("rows", by_rows), ("columns", by_columns)):
            if len(points) > 1:
                slope = exponent(*map(list, zip(*points, strict=True)))
                last = exponent(*map(list, zip(*points[-2:], strict=True)))
                say(f"\n{preset}: time grows like {what}^{slope:.2f}; between the two largest like ^{last:.2f}.")
                figures |= {f"exponent_{what}_{preset}": slope, f"exponent_{what}_{preset}_largest": last}
        lines |= {f"{preset}, {_COLUMNS} columns": by_rows}
    if plot is not None:
        _draw(plot, lines)
    return figures


def _draw(path: Path, lines: dict[str, list[tuple[int, float]]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="rows", ylabel="seconds, from file to detector")
    for name, points in lines.items():
        sizes, seconds = zip(*points, strict=True)
        axes.plot(sizes, seconds, marker="o", label=name)
    largest, slowest = next(iter(lines.values()))[-1]
    axes.plot([largest / 100, largest], [slowest / 100, slowest], color="grey", linestyle=":", label="linear")
    axes.legend(frameon=False)
    figure.savefig(path)
