"""Figures of ours beside plain Arrow: ratios of the same round, their median and their ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process.

    Args:
        seconds: Seconds from the first byte read to the complete output.
        cpu_seconds: CPU seconds of all threads in that time.
        peak_mb: Peak memory of the process, imports included.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All measurements.

    Args:
        rows: Rows of the files for the speeds.
        runs: Runs of all rounds, by contender: ours are called ``FORMAT_PRESET``, plain Arrow ``FORMAT_arrow`` and
            ``FORMAT_arrow_pieces``.
        memory: One run of ours on a Parquet file, by the number of rows.
    """

    rows: int
    runs: Mapping[str, tuple[Run, ...]]
    memory: Mapping[int, Run]

    def seconds(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the seconds of each round."""
        return np.array([run.seconds for run in self.runs[name]])

    def ratios(self, name: str, beside: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the speed ratio of two contenders in each round: seconds of the other over seconds of the one."""
        return self.seconds(beside) / self.seconds(name)


def figures_by_name(found: Measured) -> dict[str, float]:
    """Return the figures that other programs may check.

    ``FORMAT_PRESET_over_arrow`` is the speed of ours over plain Arrow's, the file read as a whole;
    ``…_over_arrow_pieces`` in chunks; medians of the rounds. ``memory_growth`` is the peak at the largest
    number of rows over that at the smallest.
    """
    figures = {
        f"{name}_over_{beside.partition('_')[2]}": float(np.median(found.ratios(name, beside)))
        for name, beside in _pairs(found)
    }
    if found.memory:
        peaks = {rows: run.peak_mb for rows, run in found.memory.items()}
        figures |= {f"peak_mb_at_{rows}_rows": peak for rows, peak in peaks.items()}
        figures["memory_growth"] = peaks[max(peaks)] / peaks[min(peaks)]
    return figures


def page_of(found: Measured) -> str:
    """Return a table of speeds and one of memory, as Markdown."""
    ratios = {pair: found.ratios(*pair) for pair in _pairs(found)}

    def ratio(name: str, beside: str) -> str:
        if (name, beside) not in ratios:
            return ""
        of = ratios[name, beside]
        return f"{np.median(of):.2f} ({of.min():.2f}–{of.max():.2f})"

    lines = [
        f"{found.rows:,} rows:\n",
        "| what | ÷ Arrow, whole file | ÷ Arrow, in pieces | rows/s | CPU, µs a row | peak, MB |",
        "| --- " * 6 + "|",
    ]
    for name, runs in found.runs.items():
        form = name.partition("_")[0]
        cpu = np.median([run.cpu_seconds for run in runs]) / found.rows
        lines.append(
            f"| {name.replace('_', ', ')} | {ratio(name, f'{form}_arrow')} | {ratio(name, f'{form}_arrow_pieces')} | "
            f"{found.rows / np.median(found.seconds(name)):,.0f} | {1e6 * cpu:.2f} | "
            f"{np.median([run.peak_mb for run in runs]):,.0f} |"
        )
    if found.memory:
        lines += ["", "| rows, Parquet, fast | peak, MB | rows/s |", "| --- " * 3 + "|"]
        lines += [
            f"| {rows:,} | {run.peak_mb:,.0f} | {rows / run.seconds:,.0f} |" for rows, run in found.memory.items()
        ]
    return "\n".join(lines)


def _pairs(found: Measured) -> list[tuple[str, str]]:
    arrow = [name for name in found.runs if "_arrow" in name]
    ours = [name for name in found.runs if name not in arrow]
    return [(name, beside) for name in ours for beside in arrow if name.partition("_")[0] == beside.partition("_")[0]]
