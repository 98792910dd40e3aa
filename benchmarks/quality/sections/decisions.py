"""The section on decisions: F1 by method and rule, and our default against the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.quality.comparison import Comparison, compare
from benchmarks.quality.experiments.decisions import OWN_RULE, PYOD_RULE
from benchmarks.quality.plots import OURS
from benchmarks.quality.results import Row
from benchmarks.quality.sections.benchmark import as_p
from benchmarks.quality.splits import PROTOCOLS
from benchmarks.quality.statistics import ALPHA, duel, holm
from training.report.kit.page import Cell, Grid, Section, Text

_FIGURES = ("f1", "precision", "recall", "flagged")
_BETWEEN = " · "


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return the section."""
    parts: list[Grid | Text] = []
    for protocol in PROTOCOLS:
        own = [row for row in rows if row["protocol"] == protocol]
        if own:
            parts += _parts(protocol, own)
    return [Section(anchor="f1", title="Decisions: F1 of thresholds without labels", parts=parts)]


def _parts(protocol: str, rows: Sequence[Row]) -> Iterable[Grid | Text]:
    fits = {(row["set"], row["seed"], row["method"], row["rule"]): row for row in rows}  # the last run of each
    found = compare([{**row, "method": row["method"] + _BETWEEN + row["rule"]} for row in fits.values()], _FIGURES)
    if found is None:
        yield Text(text=f"Protocol {protocol}: there is no split of which all have figures.")
        return
    left_out = f" Not compared: {'; '.join(found.left_out)}." if found.left_out else ""
    yield Text(text=f"Protocol {protocol}: {len(found.sets)} sets, seeds {', '.join(found.seeds)}.{left_out}")
    yield _matrix(protocol, found)
    yield from _duels(protocol, found)


def _matrix(protocol: str, found: Comparison) -> Grid:
    means = dict(zip(found.methods, found.by_set("f1").mean(axis=0), strict=True))
    methods = list(dict.fromkeys(name.partition(_BETWEEN)[0] for name in found.methods))
    rules = list(dict.fromkeys(name.partition(_BETWEEN)[2] for name in found.methods))
    rules.sort(key=lambda rule: (rule != OWN_RULE, rule != PYOD_RULE, rule))
    best = {rule: max(means.get(name + _BETWEEN + rule, -1.0) for name in methods) for rule in rules}

    def cell(name: str, rule: str) -> Cell:
        mean = means.get(name + _BETWEEN + rule)
        return Cell(text="–") if mean is None else Cell(text=f"{100 * mean:.1f}", best=bool(mean == best[rule]))

    methods.sort(key=lambda name: -max(means.get(name + _BETWEEN + rule, -1.0) for rule in rules))
    return Grid(
        title=f"Mean F1 by method and rule, protocol {protocol}, in %",
        header=("method", *rules),
        rows=[(name, *(cell(name, rule) for rule in rules)) for name in methods],
        note=f"“{OWN_RULE}” is our decision; “{PYOD_RULE}” is PyOD's: the highest tenth of the fitting rows' scores "
        "lies above the threshold. Rules are learned from the fitting rows' scores. The best of each column is bold.",
        marked=OURS,
    )


def _duels(protocol: str, found: Comparison) -> Iterable[Grid]:
    """Compare our default with every other pair of method and rule."""
    ours = "ours" + _BETWEEN + OWN_RULE
    if ours not in found.methods or len(found.sets) < 2:
        return
    by_set = {figure: found.by_set(figure) for figure in _FIGURES}
    order = np.argsort(-by_set["f1"].mean(axis=0), kind="stable")
    duels = [duel(by_set["f1"][:, found.column(ours)], by_set["f1"][:, i]) for i in order]
    adjusted = holm([item.p for item in duels])
    yield Grid(
        title=f"Our default decision against every other, protocol {protocol}",
        header=(
            *("method", "rule", "F1, %", "precision, %", "recall, %", "flagged, %"),
            *("ours: wins / ties / losses", "mean lead, points", "p (Holm)"),
        ),
        rows=[
            (
                found.methods[i].partition(_BETWEEN)[0],
                found.methods[i].partition(_BETWEEN)[2],
                *(f"{100 * by_set[figure][:, i].mean():.1f}" for figure in _FIGURES),
                *(
                    ("–", "–", "–")
                    if found.methods[i] == ours
                    else (
                        f"{item.wins} / {item.ties} / {item.losses}",
                        f"{100 * item.difference:+.1f}",
                        Cell(text=as_p(p), best=p < ALPHA and item.difference > 0),
                    )
                ),
            )
            for i, item, p in zip(order, duels, adjusted, strict=True)
        ],
        note="In the order of the mean F1; paired over the sets, Wilcoxon's signed-rank test with Holm's correction.",
        folded=True,
        marked=OURS,
    )
