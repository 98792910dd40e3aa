"""Recommends an activation by what is found: relu, unless another finds more, beyond the spread of seeds and kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import Message
from models.messages import joined
from models.network.activations import ACTIVATIONS
from training.comparison import reasons
from training.comparison.difference import Difference
from training.comparison.gains import SIGNIFICANT, Gain, baseline_of, found_labelled, found_planted, gains_of, holm
from training.comparison.summary import Summary

LEAST_SEEDS: Final = 2
MARGIN: Final = 0.01
_CERTAIN: Final = 1e-12  # spread below which all differences are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The activation that a comparison recommends.

    Args:
        activation: A key of `ACTIVATIONS`; None where the seeds are too few.
        verdict: What is recommended and why, in one or two sentences.
        reason: The verdict, and what it rests on.
        judged_by: ``labels``, ``planted errors``, or ``nothing`` where there are neither.
        gains: How much more planted errors each activation finds than the baseline, most first; empty where none fits.
        label_gains: The same for labelled anomalies; empty where there are fewer than five.
        differences: Held-out errors of all activations, in their order, references last.
    """

    activation: str | None
    verdict: Message
    reason: Message
    judged_by: str
    gains: tuple[Gain, ...] = ()
    label_gains: tuple[Gain, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def decisive(self) -> tuple[Gain, ...]:
        """The gains that decided: those by the labels, if these did."""
        return self.label_gains if self.judged_by == "labels" else self.gains

    @property
    def ties(self) -> tuple[str, ...]:
        """Activations that cannot be told from the recommended one, itself among them, that which finds most first."""
        mine = [item.verdict for item in self.decisive if item.activation == self.activation]
        alike = {"more"} if mine == ["more"] else {"baseline", "equal", "open"}
        found = [item.activation for item in self.decisive if item.verdict in alike]
        others = [name for name in found if name == self.activation or not ACTIVATIONS[name].ends]
        return tuple(others) if others or self.activation is None else (self.activation,)

    @property
    def settled(self) -> bool:
        """Whether more seeds would change nothing."""
        return self.activation is not None and all(
            item.verdict != "open" for item in self.decisive if not ACTIVATIONS[item.activation].ends
        )

    def ranked(self, summaries: Sequence[Summary]) -> list[Summary]:
        """Return summaries, that which finds most first, else in the order of the errors; those left out come last."""
        names = [item.activation for item in self.decisive or self.differences]
        order = {name: i for i, name in enumerate(names)}
        return sorted(summaries, key=lambda item: (order.get(item.activation, len(order)), item.error.mean))


def recommend(summaries: Sequence[Summary], *, margin: float = MARGIN) -> Recommendation:
    """Compare activations, each under one setting, by what they find.

    An activation is recommended in place of the baseline, relu, only where it finds more by more than the margin,
    beyond the spread of seeds and of kinds of errors (`gains_of`). Labels count more than planted errors: what finds
    more labelled anomalies is taken, whatever the planted ones say; what finds more planted ones is taken only if it
    does not find fewer labelled ones. Activations that saturate are references: over labelled sets they find fewer
    anomalies (``benchmarks.activations``), so that they are recommended only where nothing else was compared.
    """
    complete = {summary.activation: summary for summary in summaries if not summary.failures}
    failed = [summary.activation for summary in summaries if summary.failures]
    seeds = sorted(set.intersection(*map(_seeds, complete.values()))) if complete else []
    if len(seeds) < LEAST_SEEDS:
        few = reasons.too_few_seeds(len(seeds), least=LEAST_SEEDS)
        return Recommendation(activation=None, verdict=few, reason=few, judged_by="nothing")
    gains, label_gains = (gains_of(found(complete, seeds), margin=margin) for found in (found_planted, found_labelled))
    chosen, judged_by = _chosen(gains, label_gains, baseline_of(list(complete)))
    decisive = label_gains if judged_by == "labels" else gains
    differences = _differences(
        {
            name: np.log([outcome.error for outcome in summary.outcomes if outcome.trial.seed in seeds])
            for name, summary in complete.items()
        },
        margin,
    )
    verdict = reasons.verdict(chosen, decisive, judged_by, list(complete.values()))
    sentences = [
        verdict,
        reasons.judged_by(judged_by, list(complete.values()), seeds=len(seeds), labels=bool(label_gains)),
        reasons.fewer(decisive),
        reasons.references(decisive),
        reasons.errors(differences, chosen),
        reasons.left_out(failed),
        reasons.outlook(decisive, seeds=len(seeds), margin=margin),
    ]
    return Recommendation(
        activation=chosen,
        verdict=verdict,
        reason=joined([*filter(None, sentences)]),
        judged_by=judged_by,
        gains=gains,
        label_gains=label_gains,
        differences=differences,
    )


def _chosen(gains: Sequence[Gain], label_gains: Sequence[Gain], baseline: str) -> tuple[str, str]:
    """Return the activation to take, and what decided."""
    surely = {
        by: [item.activation for item in found if item.verdict == "more" and not ACTIVATIONS[item.activation].ends]
        for by, found in (("labels", label_gains), ("planted errors", gains))
    }
    if surely["labels"]:
        return surely["labels"][0], "labels"
    by_label = {item.activation: item.gain for item in label_gains}
    agreed = [name for name in surely["planted errors"] if by_label.get(name, 0.0) >= 0]
    if agreed:
        return agreed[0], "planted errors"
    return baseline, "labels" if label_gains else "planted errors" if gains else "nothing"


def _seeds(summary: Summary) -> set[int]:
    return {outcome.trial.seed for outcome in summary.outcomes}


def _differences(logs: dict[str, NDArray[np.float64]], margin: float) -> tuple[Difference, ...]:
    """Compare the log errors of each activation, seed by seed, with the lowest; references come last."""
    order = sorted(logs, key=lambda name: float(logs[name].mean()))
    saturating = [name for name in order if ACTIVATIONS[name].ends]
    references = [] if len(saturating) == len(order) else saturating
    best, *others = [name for name in order if name not in references]
    ratios = {name: _ratio(logs[name] - logs[best]) for name in (*others, *references)}
    corrected = holm([p for *_, p in ratios.values()])
    differences = [Difference(activation=best, ratio=0.0, low=0.0, high=0.0, p=1.0, verdict="best")]
    for (name, (ratio, low, high, _)), p in zip(ratios.items(), corrected, strict=True):
        if name in references:
            verdict = "reference"
        elif ratio > margin and p < SIGNIFICANT:
            verdict = "worse"
        else:
            verdict = "equal" if high <= margin else "open"
        differences.append(Difference(activation=name, ratio=ratio, low=low, high=high, p=p, verdict=verdict))
    return tuple(differences)


def _ratio(logs: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return the ratio of two errors minus 1, both ends of its interval, and p, from the differences of their logs."""
    mean, spread = float(logs.mean()), float(logs.std(ddof=1))
    if spread < _CERTAIN:
        half, p = 0.0, float(abs(mean) <= _CERTAIN)
    else:
        from scipy.stats import t, ttest_1samp  # takes half a second; `--help` does not need it

        half = float(t.ppf(0.975, len(logs) - 1)) * spread / np.sqrt(len(logs))
        p = float(ttest_1samp(logs, 0.0).pvalue)
    low, middle, high = np.expm1([mean - half, mean, mean + half]).tolist()
    return middle, low, high, p
