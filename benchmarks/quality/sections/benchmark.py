"""The section on the main experiment: means, ranks, tests, losses and every set, by protocol."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.comparison import MEASURES, Comparison, compare
from benchmarks.quality.measure import FIGURES
from benchmarks.quality.plots import OURS, critical_difference_diagram, dots_by_set, quality_and_seconds
from benchmarks.quality.results import Row
from benchmarks.quality.splits import PROTOCOLS
from benchmarks.quality.statistics import ALPHA, can_be_compared, critical_difference, duel, friedman, holm, ranks
from training.report.kit.page import Cell, Grid, Part, Plot, Section, Text

_YARDSTICK: Final = "AutoEncoder"
"""The method whose fit time is the unit of the others."""

_COMPARED_WITH_ALL: Final = ("ours", "ours_clean")


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return a section for each protocol."""
    return [
        _section(protocol, says, [row for row in rows if row["protocol"] == protocol])
        for protocol, says in PROTOCOLS.items()
        if any(row["protocol"] == protocol for row in rows)
    ]


def _section(protocol: str, says: str, rows: Sequence[Row]) -> Section:
    title = f"{protocol}: {says}"
    names = dict.fromkeys(row["method"] for row in rows)
    found = compare(rows, FIGURES, methods=[name for name in names if not _is_variant(name)])
    parts: list[Part] = []
    if found is None:
        parts.append(Text(text="There is no split of which all methods have figures."))
    else:
        parts += Contest(where=f"protocol {protocol}", comparison=found).parts()
    variants = [name for name in names if _is_variant(name)]
    if variants:
        parts += _variants(protocol, rows, variants)
    return Section(anchor=protocol, title=title, parts=parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Methods in the order of their mean rank by ROC AUC.

    Args:
        where: End of the titles.
        comparison: The figures.
    """

    where: str
    comparison: Comparison

    def parts(self) -> Iterable[Part]:
        """Return all parts of the section."""
        found = self.comparison
        yield self.what()
        yield self.means()
        if can_be_compared(found.by_set("roc_auc")):
            yield from self._ranks()
            for reference in [name for name in _COMPARED_WITH_ALL if name in found.methods]:
                yield self._duels(reference)
                yield from self._against_best_peer(reference)
        yield from self._seconds()
        for measure, label in MEASURES.items():
            yield self.every_set(measure, label)

    def what(self) -> Text:
        """Return a paragraph on the compared and the left-out methods and sets."""
        found = self.comparison
        seeds = f"seed{'s' * (len(found.seeds) > 1)} {', '.join(found.seeds)}"
        left_out = f"Not compared: {'; '.join(found.left_out)}." if found.left_out else ""
        return Text(text=f"{len(found.sets)} sets, {seeds}. " + (left_out or "Every method has figures of each split."))

    def _order(self) -> list[int]:
        return list(np.argsort(ranks(self.comparison.by_set("roc_auc")).mean(axis=0), kind="stable"))

    def means(self) -> Grid:
        """Return the table of the means over the sets."""
        found = self.comparison
        means = {name: found.by_set(name).mean(axis=0) for name in MEASURES}
        mean_ranks = {name: ranks(found.by_set(name)).mean(axis=0) for name in MEASURES}
        spread = {name: found.spread(name) for name in MEASURES}
        median = {name: np.median(found.by_set(name), axis=0) for name in FIGURES[2:]}
        most_mb = found.by_set("peak_mb").max(axis=0)
        header = ["method"]
        for label in MEASURES.values():
            header += [f"mean {label}, %", "± over seeds", "mean rank"]
        header += ["fit, s", f"× {_YARDSTICK}", "score, s", "peak, MB", "largest peak, MB"]
        times = self._times_yardstick()
        rows = []
        for i in self._order():
            cells: list[Cell | str] = [found.methods[i]]
            for name in MEASURES:
                cells += [
                    Cell(text=f"{100 * means[name][i]:.1f}", best=bool(means[name][i] == means[name].max())),
                    f"{100 * spread[name][i]:.1f}" if len(found.seeds) > 1 else "–",
                    Cell(text=f"{mean_ranks[name][i]:.2f}", best=bool(mean_ranks[name][i] == mean_ranks[name].min())),
                ]
            cells += [
                _digits(median["fit_seconds"][i]),
                "–" if times is None else _digits(times[i]),
                _digits(median["score_seconds"][i]),
                f"{median['peak_mb'][i]:.0f}",
                f"{most_mb[i]:.0f}",
            ]
            rows.append(cells)
        return Grid(
            title=f"Means over the sets, {self.where}",
            header=header,
            rows=rows,
            note="In the order of the mean rank by ROC AUC. Seconds and MB are medians over the sets; × is the median "
            "of the ratio on each set; ± is half the range over the seeds of the mean over the sets.",
            marked=OURS,
        )

    def _times_yardstick(self) -> NDArray[np.float64] | None:
        found = self.comparison
        if _YARDSTICK not in found.methods:
            return None
        seconds = np.maximum(found.by_set("fit_seconds"), 1e-3)  # the resolution of the CSV
        times: NDArray[np.float64] = np.median(seconds / seconds[:, [found.column(_YARDSTICK)]], axis=0)
        return times

    def _ranks(self) -> Iterable[Plot | Text]:
        found = self.comparison
        for measure, label in MEASURES.items():
            values = found.by_set(measure)
            test = friedman(values)
            difference = critical_difference(methods=len(found.methods), sets=len(found.sets))
            mean_ranks = dict(zip(found.methods, ranks(values).mean(axis=0).tolist(), strict=True))
            first = min(mean_ranks, key=mean_ranks.__getitem__)
            apart = [name for name, rank in mean_ranks.items() if rank - mean_ranks[first] >= difference]
            yield Plot(
                title=f"Mean ranks by {label} (1 is best); a bar joins methods that do not differ at {ALPHA:g}.",
                alt=f"Critical-difference diagram of {label}, {self.where}: {first} is first with a mean rank "
                f"of {mean_ranks[first]:.2f}; significantly behind it: {', '.join(apart) or 'none'}.",
                svg=critical_difference_diagram(mean_ranks, difference),
            )
            yield Text(
                text=f"{label}: Friedman χ² {test.chi2:.1f}, F {test.f:.2f}, p {as_p(test.p)}; critical difference of "
                f"two mean ranks (Nemenyi, {ALPHA:g}) {difference:.2f}. {first} is first; significantly behind it: "
                f"{', '.join(apart) or 'none'}."
            )

    def _duels(self, reference: str) -> Grid:
        found = self.comparison
        others = [i for i in self._order() if found.methods[i] != reference]
        rows: list[list[Cell | str]] = [[found.methods[i]] for i in others]
        header = [f"{reference} against"]
        for measure, label in MEASURES.items():
            values = found.by_set(measure)
            duels = [duel(values[:, found.column(reference)], values[:, i]) for i in others]
            adjusted = holm([item.p for item in duels])
            header += [f"{label}: wins / ties / losses", "mean lead, points", "p", "p (Holm)"]
            for row, item, p in zip(rows, duels, adjusted, strict=True):
                row += [
                    f"{item.wins} / {item.ties} / {item.losses}",
                    f"{100 * item.difference:+.1f}",
                    as_p(item.p),
                    Cell(text=as_p(p), best=p < ALPHA and item.difference > 0),
                ]
        return Grid(
            title=f"{reference} against every other, {self.where}",
            header=header,
            rows=rows,
            note=f"Paired over the sets: Wilcoxon's signed-rank test, two-sided. Holm's p holds for the whole column; "
            f"bold is a lead with p below {ALPHA:g}.",
            marked=OURS,
        )

    def _against_best_peer(self, reference: str) -> Iterable[Grid | Plot]:
        found = self.comparison
        peers = [i for i, name in enumerate(found.methods) if name not in OURS]
        if not peers:
            return
        values = found.by_set("roc_auc")
        lead = values[:, found.column(reference)] - values[:, peers].max(axis=1)
        order = np.argsort(lead, kind="stable")
        ahead = int((lead > 0).sum())
        yield Plot(
            title=f"ROC AUC of {reference} and of the peers on each set; lowest, where the best peer leads most.",
            alt=f"Dots by set, {self.where}: {reference} is above the best peer of the set on {ahead} of "
            f"{len(lead)} sets; its largest lag is {-100 * lead.min():.1f} points on {found.sets[order[0]]}.",
            svg=dots_by_set(
                [found.sets[i] for i in order], values[order], found.methods, ours=reference, label="ROC AUC"
            ),
        )
        losses = [i for i in order if lead[i] < 0]
        yield Grid(
            title=f"Sets on which a peer is ahead of {reference}, {self.where}",
            header=("set", reference, "best peer", "its ROC AUC, %", "lag, points", "peers ahead"),
            rows=[
                (
                    found.sets[i],
                    f"{100 * values[i, found.column(reference)]:.1f}",
                    found.methods[peers[int(values[i, peers].argmax())]],
                    f"{100 * values[i, peers].max():.1f}",
                    f"{-100 * lead[i]:.1f}",
                    f"{int((values[i, peers] > values[i, found.column(reference)]).sum())} of {len(peers)}",
                )
                for i in losses
            ],
            note=f"The best of {len(peers)} peers is chosen for each set after the fact: no single method is as good.",
            folded=True,
        )

    def _seconds(self) -> Iterable[Plot]:
        found = self.comparison
        seconds = np.median(found.by_set("fit_seconds"), axis=0)
        quality = 100 * found.by_set("roc_auc").mean(axis=0)
        yield Plot(
            title="Quality and time: up is better, left is quicker.",
            alt=f"Mean ROC AUC over median seconds to fit, {self.where}: "
            + ", ".join(
                f"{name} {q:.1f} in {s:.2f} s" for name, q, s in zip(found.methods, quality, seconds, strict=True)
            ),
            svg=quality_and_seconds(
                dict(zip(found.methods, quality.tolist(), strict=True)),
                dict(zip(found.methods, seconds.tolist(), strict=True)),
                label="ROC AUC",
            ),
        )

    def every_set(self, measure: str, label: str) -> Grid:
        """Return the table of one measure on every set."""
        found, order = self.comparison, self._order()
        values = found.by_set(measure)
        return Grid(
            title=f"Every set, {label} in %, {self.where}",
            header=("set", *(found.methods[i] for i in order)),
            rows=[
                (name, *(Cell(text=f"{100 * line[i]:.1f}", best=bool(line[i] == line.max())) for i in order))
                for name, line in zip(found.sets, values, strict=True)
            ],
            note="The best of each row is bold.",
            folded=True,
        )


def _variants(protocol: str, rows: Sequence[Row], variants: Sequence[str]) -> Iterable[Grid]:
    """Compare each variant with ours, over the splits of both."""
    lines: list[list[Cell | str]] = []
    for name in variants:
        found = compare(rows, FIGURES, methods=["ours", name], covered=0)
        if found is None or found.methods != ("ours", name):
            lines.append([name, "0", *["–"] * (2 * 4 + 2)])
            continue
        line: list[Cell | str] = [name, f"{len(found.sets)} × {len(found.seeds)}"]
        for measure in MEASURES:
            values = found.by_set(measure)
            item = duel(values[:, 1], values[:, 0])
            line += [
                f"{100 * values[:, 1].mean():.1f}",
                f"{100 * item.difference:+.1f}",
                f"{item.wins} / {item.ties} / {item.losses}",
                as_p(item.p),
            ]
        seconds = np.maximum(found.by_set("fit_seconds"), 1e-3)
        peak = found.by_set("peak_mb")
        line += [
            f"{np.median(seconds[:, 1] / seconds[:, 0]):.2f}",
            f"{np.median(peak[:, 1] - peak[:, 0]):+.0f}",
        ]
        lines.append(line)
    header = ["variant", "sets × seeds"]
    for label in MEASURES.values():
        header += [f"mean {label}, %", "against ours, points", "wins / ties / losses", "p"]
    yield Grid(
        title=f"Variants of ours, protocol {protocol}",
        header=[*header, "fit time × ours", "peak against ours, MB"],
        rows=lines,
        note="Each against ours over the splits of which both have figures; p of Wilcoxon's signed-rank test over the "
        "sets, not corrected for the number of variants.",
    )


def _is_variant(name: str) -> bool:
    return name.startswith(("ours:", "without:"))


def _digits(number: float) -> str:
    """Format with two significant digits, at most three decimals, the resolution of the CSV."""
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}" if number >= 1 else f"{number:.3f}"


def as_p(p: float) -> str:
    """Format a p-value; NaN is a missing one."""
    return "–" if math.isnan(p) else "< 0.0001" if p < 1e-4 else f"{p:.4f}"
