"""Compares methods over the splits that all of them have, so that all means are over the same sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.results import Row

MEASURES: Final = {"roc_auc": "ROC AUC", "average_precision": "average precision"}
"""Compared figures, by the column of the CSV."""

_COVERED: Final = 0.9  # one method with few sets must not remove the sets of all others

Block = tuple[str, str]  # set and seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Methods over the splits of which all of them have figures.

    Args:
        methods: Their names.
        blocks: Set and seed of each split.
        figures: By column of the CSV: splits × methods.
        left_out: Methods and sets that are not compared, each with the reason.
    """

    methods: tuple[str, ...]
    blocks: tuple[Block, ...]
    figures: Mapping[str, NDArray[np.float64]]
    left_out: tuple[str, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the sets, in order."""
        return tuple(sorted({name for name, _ in self.blocks}, key=_place))

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds."""
        return tuple(sorted({seed for _, seed in self.blocks}, key=_place))

    def by_set(self, figure: str) -> NDArray[np.float64]:
        """Return a figure's means over the seeds: sets × methods."""
        names = np.array([name for name, _ in self.blocks])
        return np.array([self.figures[figure][names == name].mean(axis=0) for name in self.sets])

    def spread(self, figure: str) -> NDArray[np.float64]:
        """Return half the range over the seeds of each method's mean over the sets `(methods,)`."""
        seeds = np.array([seed for _, seed in self.blocks])
        means = np.array([self.figures[figure][seeds == seed].mean(axis=0) for seed in self.seeds])
        spread: NDArray[np.float64] = np.ptp(means, axis=0) / 2
        return spread

    def column(self, method: str) -> int:
        """Return the index of a method."""
        return self.methods.index(method)


def compare(
    rows: Iterable[Row], figures: Sequence[str], *, methods: Sequence[str] | None = None, covered: float = _COVERED
) -> Comparison | None:
    """Compare methods over their common splits.

    Args:
        rows: Rows of one protocol: set, seed, method and figures; a row without figures is a failure.
        figures: The columns to compare.
        methods: The methods; all of the rows by default.
        covered: Least share of the splits of the most complete method; methods with fewer are left out.

    Returns:
        None where nothing can be compared.
    """
    found: dict[str, dict[Block, Row]] = {name: {} for name in methods or ()}
    for row in rows:
        if methods is None or row["method"] in found:
            known = found.setdefault(row["method"], {})
            if row[figures[0]]:
                known[row["set"], row["seed"]] = row
    most = max(map(len, found.values()), default=0)
    kept = {name: known for name, known in found.items() if known and len(known) >= covered * most}
    left_out = [
        f"{name}: it has figures of {len(known)} splits, the others of {most}"
        for name, known in found.items()
        if name not in kept
    ]
    if not kept:
        return None
    everywhere = set.union(*(set(known) for known in kept.values()))
    blocks = sorted(
        set.intersection(*(set(known) for known in kept.values())), key=lambda block: tuple(map(_place, block))
    )
    for name, seed in sorted(everywhere - set(blocks), key=lambda block: tuple(map(_place, block))):
        without = [method for method, known in kept.items() if (name, seed) not in known]
        left_out.append(f"{name}, seed {seed}: no figures of {', '.join(without)}")
    if not blocks:
        return None
    return Comparison(
        methods=tuple(kept),
        blocks=tuple(blocks),
        figures={
            figure: np.array([[float(known[block][figure]) for known in kept.values()] for block in blocks])
            for figure in figures
        },
        left_out=tuple(left_out),
    )


def _place(name: str) -> tuple[int, str]:
    number = re.match(r"\d+", name)
    return (int(number[0]) if number else 0, name)
