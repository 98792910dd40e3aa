"""Compares our rows with those of another program, to find errors in the harness."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Final

from benchmarks.quality.results import Results
from models.errors import ConfigError

_KEY: Final = ("set", "protocol", "method", "seed")
_MEASURES: Final = ("roc_auc", "average_precision")
_ROUNDING: Final = 1.5e-5  # both are rounded to five digits


def check(results: Results, against: Path | None) -> int:
    """Print, for each method, the differences between the figures of the rows that both have.

    Returns:
        1 where some differ, else 0.

    Raises:
        ConfigError: There is nothing to compare.
    """
    if against is None:
        raise ConfigError("--against FILE is missing: a CSV with set, protocol, method, seed, roc_auc, …")
    with against.open(newline="", encoding="utf-8") as file:
        theirs = {tuple(row[name] for name in _KEY): row for row in csv.DictReader(file)}
    apart: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in results.read():
        other = theirs.get(results.job_of(row))
        if other is not None and not results.failed(row):
            furthest = max(abs(float(row[name]) - float(other[name])) for name in _MEASURES)
            apart[row["method"]].append((furthest, f"{row['set']} {row['protocol']}"))
    if not apart:
        raise ConfigError(f"{results.path} and {against} have no rows of the same set, protocol, method and seed.")
    print("| method | rows in both | equal | furthest apart | where |\n|---|---|---|---|---|")
    for method, differences in apart.items():
        equal = sum(difference <= _ROUNDING for difference, _ in differences)
        furthest, where = max(differences)
        where = where if furthest > _ROUNDING else "–"
        print(f"| {method} | {len(differences)} | {equal} | {furthest:.5f} | {where} |")
    return int(any(difference > _ROUNDING for rows in apart.values() for difference, _ in rows))
