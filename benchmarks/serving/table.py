"""Figures of servers beside one another: ratios of the same round, their median and their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.serving.load import Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One measurement.

    Args:
        load: What was answered.
        cpu_seconds: CPU time of the server, a request.
    """

    load: Load
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of a server.

    Args:
        says: What it is.
        start_seconds: From its start to its first answer.
        resident_mb: Memory after all load.
        rounds: By the number of connections.
    """

    says: str
    start_seconds: float
    resident_mb: float
    rounds: Mapping[int, tuple[Round, ...]]

    def rates(self, connections: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the requests a second of each round."""
        return np.array([one.load.rate for one in self.rounds[connections]])

    def median(self, connections: int, figure: Callable[[Round], float]) -> float:
        """Return the median of a figure over the rounds."""
        return float(np.median([figure(one) for one in self.rounds[connections]]))


_OF_OURS: Final = {
    "default_over_fast": ("ours_balanced", "ours"),
    "explained_over_plain": ("ours_explained", "ours"),
    "mixed_over_numeric": ("ours_mixed", "ours_narrow"),
}
"""Ratios of two of ours, by the figure's name."""


def figures_by_name(found: Mapping[str, Figures]) -> dict[str, float]:
    """Return the figures that other programs may check; `found` has at least ``empty`` and ``ours``.

    ``single_over_X`` is the rate of ours over that of X with 64 connections, or the most that were measured below; the
    median of the rounds.
    """
    ours = found["ours"]
    others = {name: one for name, one in found.items() if not name.startswith("ours")}
    many = max((number for number in ours.rounds if number <= 64), default=min(ours.rounds))
    figures = {
        f"single_over_{name}": float(np.median(ours.rates(many) / other.rates(many))) for name, other in others.items()
    }
    for figure, (above, below) in _OF_OURS.items():
        if above in found and below in found:
            figures[figure] = float(np.median(found[above].rates(many) / found[below].rates(many)))
    if "predict" in found:
        figures["start_over_tensorflow"] = ours.start_seconds / found["predict"].start_seconds
        figures["memory_over_tensorflow"] = ours.resident_mb / found["predict"].resident_mb
    return figures


def page_of(found: Mapping[str, Figures]) -> str:
    """Return a table for each number of connections, and one of starts and memory, as Markdown."""
    parts = []
    for many in next(iter(found.values())).rounds:
        rows = []
        for name, one in found.items():
            ratios = one.rates(many) / found["empty"].rates(many)
            rows.append(
                f"| {name} | {one.says} | {np.median(ratios):.2f} ({ratios.min():.2f}–{ratios.max():.2f}) | "
                f"{np.median(one.rates(many)):,.0f} | {one.median(many, lambda round_: round_.load.p50):.2f} | "
                f"{one.median(many, lambda round_: round_.load.p99):.2f} | "
                f"{one.median(many, lambda round_: round_.load.p999):.2f} | "
                f"{one.median(many, lambda round_: 1e6 * round_.cpu_seconds):.0f} |"
            )
        head = "| server | what it is | ÷ empty | requests/s | p50, ms | p99, ms | p99.9, ms | CPU, µs a request |"
        parts.append("\n".join([f"{many} connection{'s' * (many > 1)}:\n", head, "| --- " * 8 + "|", *rows]))
    rows = [f"| {name} | {one.start_seconds:.2f} | {one.resident_mb:,.0f} |" for name, one in found.items()]
    parts.append("\n".join(["| server | start, s | memory, MB |", "| --- " * 3 + "|", *rows]))
    return "\n\n".join(parts)
