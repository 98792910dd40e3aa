"""Figures that compare servers: ratios of the same round, their median and their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.batches import ARROW, COLUMNS_AND_ROWS
from benchmarks.serving.in_process import InProcess
from benchmarks.serving.load import Load
from benchmarks.serving.open_loop import OpenLoad

Series = NDArray[np.float64]
"""A figure of each round."""

OWN: Final = "own"
"""Name of the open load by the server's own capacity; other loads have their server's name."""

Batch = tuple[str, int]
"""Format and number of rows of a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One closed-loop measurement.

    Args:
        load: The answers.
        cpu_seconds: CPU time of the server, a request.
    """

    load: Load
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Measurements of a server from its start to its end, one turn a round.

    Args:
        start_seconds: Seconds from its start to its first answer.
        resident_mb: Memory after all requests of one record.
        closed: One record a request, by the number of connections.
        open: The same in an open loop, by the name of the load.
        batches: Many rows a request, one connection.
    """

    start_seconds: float
    resident_mb: float
    closed: Mapping[int, Round] = field(default_factory=dict)
    open: Mapping[str, OpenLoad] = field(default_factory=dict)
    batches: Mapping[Batch, Round] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Measurements of a server.

    Args:
        says: Its description.
        turns: One turn a round.
    """

    says: str
    turns: tuple[Turn, ...]

    def of(self, figure: Callable[[Turn], float]) -> Series:
        """Return a figure of each round."""
        return np.array([figure(turn) for turn in self.turns])

    def rates(self, connections: int) -> Series:
        """Return the requests a second of each round."""
        return self.of(lambda turn: turn.closed[connections].load.rate)

    def rows(self, batch: Batch) -> Series:
        """Return the rows a second of each round."""
        return self.of(lambda turn: batch[1] * turn.batches[batch].load.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All measurements.

    Args:
        servers: Servers by name.
        in_process: One a round; empty where it was not chosen.
        left_out: Names of peers that are not installed or failed, and why.
    """

    servers: Mapping[str, Figures]
    in_process: tuple[InProcess, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def many_connections(found: Found) -> int | None:
    """Return the number of connections for the figures: 64, or the most measured below; None without any."""
    measured = sorted(number for item in found.servers.values() for number in item.turns[0].closed)
    return max((number for number in measured if number <= 64), default=measured[0]) if measured else None


def figures_by_name(found: Found) -> dict[str, float]:
    """Return the figures that other programs may check, medians of the rounds.

    ``single_over_X`` is the rate of ours over that of X, one record a request. ``p99_over_mlserver`` is each at 70 % of
    what it can do itself, ``p99_over_mlserver_same_load`` both at 70 % of what MLServer can.
    """
    series = {**_single(found), **_open(found), **_batches(found), **_in_process(found)}
    return {name: float(np.median(item)) for name, item in series.items()}


_OF_OURS: Final = {
    "default_over_fast": ("ours_balanced", "ours"),
    "explained_over_plain": ("ours_explained", "ours"),
    "mixed_over_numeric": ("ours_mixed", "ours_narrow"),
}
"""Ratios of two of our servers, by the figure's name."""


def _single(found: Found) -> dict[str, Series]:
    servers, figures = found.servers, {}
    if (many := many_connections(found)) is not None:
        pairs = {f"single_over_{name}": ("ours", name) for name in servers if not name.startswith("ours")}
        for figure, (above, below) in {**pairs, **_OF_OURS}.items():
            if above in servers and below in servers:
                figures[figure] = servers[above].rates(many) / servers[below].rates(many)
    if "ours" in servers and "predict" in servers:
        ours, predict = servers["ours"], servers["predict"]
        figures["start_over_tensorflow"] = _ratio(ours, predict, lambda turn: turn.start_seconds)
        figures["memory_over_tensorflow"] = _ratio(ours, predict, lambda turn: turn.resident_mb)
    return figures


def _open(found: Found) -> dict[str, Series]:
    ours, mlserver = found.servers.get("ours"), found.servers.get("mlserver")
    if ours is None or mlserver is None or not mlserver.turns[0].open:
        return {}
    loads = {"p99_over_mlserver": OWN, "p99_over_mlserver_same_load": "mlserver"}
    theirs = _p99(mlserver, OWN)
    return {name: _p99(ours, load) / theirs for name, load in loads.items()}


def _p99(server: Figures, load: str) -> Series:
    return server.of(lambda turn: turn.open[load].load.p99)


def _batches(found: Found) -> dict[str, Series]:
    ours, mlserver = found.servers.get("ours"), found.servers.get("mlserver")
    if ours is None or not ours.turns[0].batches:
        return {}
    figures = {}
    if mlserver is not None:
        figures["batch_over_mlserver"] = ours.rows((COLUMNS_AND_ROWS, 1_000)) / best_rows(mlserver, 1_000)
        figures["batch_10k_over_mlserver"] = ours.rows((COLUMNS_AND_ROWS, 10_000)) / best_rows(mlserver, 10_000)
        figures["batch_best_over_mlserver"] = best_rows(ours, 1_000) / best_rows(mlserver, 1_000)
        figures["batch_10k_best_over_mlserver"] = best_rows(ours, 10_000) / best_rows(mlserver, 10_000)
    if found.in_process:
        numpy = np.array([item.products for item in found.in_process])
        figures["arrow_over_numpy"] = ours.rows((ARROW, 10_000)) / numpy
    return figures


def best_rows(server: Figures, rows: int) -> Series:
    """Return the rows a second of each round in the fastest measured format."""
    forms = [server.rows(batch) for batch in server.turns[0].batches if batch[1] == rows]
    return max(forms, key=lambda item: float(np.median(item)))


def _in_process(found: Found) -> dict[str, Series]:
    if not found.in_process:
        return {}
    peak = max(item.peak for item in found.in_process)  # of the CPU: a lower one was disturbed
    shares = [item.share_of(peak) for item in found.in_process]
    return {"engine_share_of_peak": np.array(shares)}


def _ratio(above: Figures, below: Figures, figure: Callable[[Turn], float]) -> Series:
    return above.of(figure) / below.of(figure)
