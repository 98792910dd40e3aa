"""The tables: speed of each engine beside ours, difference of its scores from ours, load time and memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.engines.alone import Alone
from benchmarks.engines.beside import Beside
from benchmarks.engines.engines import ENGINES, OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Load time, memory and size of an engine.

    Args:
        alone: Time and memory.
        package_mb: Its package on disk.
    """

    alone: Alone
    package_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All measurements.

    Args:
        cpus: Number of CPUs, with a thread on each.
        speed: Speed by preset and engine.
        costs: Costs by engine and preset.
        left_out: Engines that were not measured, and why.
    """

    cpus: int
    speed: dict[str, Mapping[str, Beside]] = field(default_factory=dict)
    costs: dict[str, dict[str, Cost]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def page_of(found: Found) -> str:
    """Return all tables."""
    lines = [f"{found.cpus} CPU{'s' * (found.cpus > 1)}, a thread on each.", ""]
    for preset, engines in found.speed.items():
        lines += _speed(preset, engines)
    lines += _costs(found)
    lines += [f"Left out: {name}: {why}" for name, why in found.left_out.items()]
    return "\n".join(lines)


def _speed(preset: str, engines: Mapping[str, Beside]) -> Iterator[str]:
    sizes = list(engines[OURS].microseconds)
    yield f"Preset {preset}, ours ÷ each, by the rows that come at once:"
    yield ""
    yield f"| engine | {' | '.join(f'{size:,}' for size in sizes)} | scores apart, at most | 99.9 % of them |"
    yield "| --- |" + " --- |" * (len(sizes) + 2)
    for name, item in engines.items():
        cells = [f"{item.microseconds[size]:.3g} µs" if name == OURS else _ratio(item.ratios[size]) for size in sizes]
        yield f"| {ENGINES[name].says} | {' | '.join(cells)} | {item.worst:.0e} | {item.usual:.0e} |"
    yield ""


def _ratio(ratios: Sequence[float]) -> str:
    return f"{np.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def _costs(found: Found) -> Iterator[str]:
    presets = list(found.speed)
    yield f"| engine | package, MB | {' | '.join(f'{p}: load, s | {p}: memory, MB' for p in presets)} |"
    yield "| --- | --- |" + " --- | --- |" * len(presets)
    for name, costs in found.costs.items():
        cells = [
            f"{costs[p].alone.load_seconds:.2f} | {costs[p].alone.memory_mb:.0f}" if p in costs else "– | –"
            for p in presets
        ]
        package = next(iter(costs.values())).package_mb
        yield f"| {ENGINES[name].says} | {package:.0f} | {' | '.join(cells)} |"
    yield ""
