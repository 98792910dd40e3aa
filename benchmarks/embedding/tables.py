"""The tables of results, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.embedding.example import Example
from benchmarks.embedding.features import ACTIVATIONS, PEERS
from benchmarks.embedding.measure import Row
from benchmarks.embedding.probes import PROBES
from benchmarks.quality.statistics import duel, holm, ranks

_SHOWN_COLUMNS: Final = 6

Values = NDArray[np.float64]


def overview(rows: Sequence[Row]) -> str:
    """Return each method's mean average precision over the sets, its mean rank, and its time to learn."""
    methods = methods_of(rows)
    head = ["features"]
    columns: list[list[str]] = []
    for probe in PROBES:
        values = values_of(rows, probe.name)
        means, mean_ranks = values.mean(axis=0), ranks(values).mean(axis=0)
        head += [f"{probe.says}, %", "mean rank"]
        columns += [_best(100 * means, "{:.1f}", most=True), _best(mean_ranks, "{:.1f}", most=False)]
    seconds = values_of(rows, "seconds").mean(axis=0)
    body = [[name, *cells, f"{s:.2f}"] for name, s, *cells in zip(methods, seconds, *columns, strict=True)]
    return table([*head, "learn, s"], body)


def duels(rows: Sequence[Row], *, against: str) -> str:
    """Return the paired comparison of each activation with another method, over the sets."""
    methods = methods_of(rows)
    found = {}
    for probe in PROBES:
        values = dict(zip(methods, values_of(rows, probe.name).T, strict=True))
        found[probe.name] = [duel(values[name], values[against]) for name in ACTIVATIONS]
    head = [f"against {against}"]
    columns = []
    for probe in PROBES[:2]:
        fights = found[probe.name]
        head += [f"{probe.says}: wins / ties / losses", "mean lead, points", "p (Holm)"]
        columns.append([f"{item.wins} / {item.ties} / {item.losses}" for item in fights])
        columns.append([f"{100 * item.difference:+.1f}" for item in fights])
        columns.append([f"{p:.3f}" for p in holm([item.p for item in fights])])
    return table(head, [list(cells) for cells in zip(ACTIVATIONS, *columns, strict=True)])


def by_set(rows: Sequence[Row], probe: str) -> str:
    """Return the average precision of each method on each set, in %; the best is bold."""
    methods = methods_of(rows)
    body = [
        [name, *_best(100 * values, "{:.1f}", most=True)]
        for name, values in zip(sets_of(rows), values_of(rows, probe), strict=True)
    ]
    return table(["set", *methods], body)


def sparsity(rows: Sequence[Row]) -> str:
    """Return the share of zeros in embeddings with relu, and the number of units that are always 0."""
    relu = [row for row in rows if row["method"] == "relu"]
    body = []
    for name in sets_of(rows):
        zeros, silent, units = (
            np.mean([float(row[figure]) for row in relu if row["set"] == name])
            for figure in ("zeros", "silent", "units")
        )
        body.append([name, f"{zeros:.0%}", f"{silent:.1f} of {units:.0f}", f"{units * (1 - zeros):.1f}"])
    return table(["set", "share of zeros", "units that are 0 on every test row", "units above 0 in a row"], body)


def example_table(example: Example) -> str:
    """Return the columns that drive a unit most."""
    drives = example.drives[:_SHOWN_COLUMNS]
    body = [[item.column, f"{item.share:.0%}", f"{item.anomalies:.4g}", f"{item.normal:.4g}"] for item in drives]
    said = (
        f"Unit {example.unit} of {example.units}: mean {example.anomalies:.2f} over the anomalies and "
        f"{example.normal:.2f} over the normal rows, {example.difference:+.1f} deviations apart; 0 on "
        f"{example.zero_anomalies:.0%} of the anomalies and {example.zero_normal:.0%} of the normal rows.\n\n"
    )
    return said + table(["column", "share of the difference", "mean of the anomalies", "mean of the normal rows"], body)


def methods_of(rows: Sequence[Row]) -> list[str]:
    """Return the measured methods: first those compared with, then the activations."""
    known = {row["method"] for row in rows}
    return [name for name in (*(peer.name for peer in PEERS), *ACTIVATIONS) if name in known]


def sets_of(rows: Sequence[Row]) -> list[str]:
    """Return the sets, in the order of the rows."""
    return list(dict.fromkeys(row["set"] for row in rows))


def values_of(rows: Sequence[Row], figure: str) -> Values:
    """Return the means of a figure over the folds, sets × methods."""
    sets, methods = sets_of(rows), methods_of(rows)
    found: dict[tuple[str, str], list[float]] = {(name, method): [] for name in sets for method in methods}
    for row in rows:
        found[row["set"], row["method"]].append(float(row[figure]))
    return np.array([[np.mean(found[name, method]) for method in methods] for name in sets])


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _best(values: Values, form: str, *, most: bool) -> list[str]:
    """Format numbers, the best ones bold."""
    shown = [form.format(value) for value in values]
    best = form.format(values.max() if most else values.min())
    return [f"**{text}**" if text == best else text for text in shown]
