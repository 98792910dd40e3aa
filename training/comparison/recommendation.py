"""Recommends an activation: a paired comparison over seeds, ties called ties, the cheaper of equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.messages import Message, Set, joined, listed, phrase
from models.network.activations import ACTIVATIONS
from training.comparison.difference import Difference
from training.comparison.reasons import left_out, outlook, ranking, references, too_few_seeds, without_labels
from training.comparison.summary import Summary

LEAST_SEEDS: Final = 2
MARGIN: Final = 0.01
_SIGNIFICANT: Final = 0.05
_SIMILAR_COST: Final = 1.2
_CERTAIN: Final = 1e-12  # spread below which all differences are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The activation that a comparison recommends.

    Args:
        activation: A key of `ACTIVATIONS`; None where the seeds are too few.
        differences: Of all activations, in the order of their errors, references last.
    """

    activation: str | None
    differences: tuple[Difference, ...]
    reason: str

    @property
    def ties(self) -> tuple[str, ...]:
        """Activations that cannot be told from the best, the best among them, in the order of their errors."""
        return _ties(self.differences)

    @property
    def settled(self) -> bool:
        """Whether more seeds would change nothing."""
        return bool(self.differences) and all(item.verdict != "open" for item in self.differences)

    def ranked(self, summaries: Sequence[Summary]) -> list[Summary]:
        """Return summaries in the order of `differences`; activations that are not among them come last."""
        order = {item.activation: i for i, item in enumerate(self.differences)}
        return sorted(summaries, key=lambda item: (order.get(item.activation, len(order)), item.error.mean))


def recommend(summaries: Sequence[Summary], *, margin: float = MARGIN) -> Recommendation:
    """Compare activations, each under one setting, by their held-out errors.

    Errors are compared as ratios, seed by seed: each activation against the one with the lowest mean, by Student's
    paired test on their logarithms, corrected for the number of comparisons by Holm's method. Activations that
    saturate are references: over labelled sets they have low errors and find fewer anomalies
    (``benchmarks.activations``), so that they are recommended only where nothing else was compared.

    The margin is the relative difference of errors that does not matter.
    """
    complete = {summary.activation: summary for summary in summaries if not summary.failures}
    failed = [summary.activation for summary in summaries if summary.failures]
    seeds = set.intersection(*map(_seeds, complete.values())) if complete else set()
    if len(seeds) < LEAST_SEEDS:
        return Recommendation(activation=None, differences=(), reason=too_few_seeds(len(seeds), least=LEAST_SEEDS))
    logs = {
        name: np.log([outcome.error for outcome in summary.outcomes if outcome.trial.seed in seeds])
        for name, summary in complete.items()
    }
    differences = _differences(logs, margin)
    chosen, why = _cheapest([complete[name] for name in _ties(differences)])
    sentences = [
        ranking(differences, len(seeds), margin),
        why,
        *references(differences),
        left_out(failed),
        outlook(differences, len(seeds), margin),
        _labels(list(complete.values()), chosen) or without_labels(differences),
    ]
    return Recommendation(activation=chosen, differences=differences, reason=joined([*filter(None, sentences)]))


def _seeds(summary: Summary) -> set[int]:
    return {outcome.trial.seed for outcome in summary.outcomes}


def _ties(differences: Sequence[Difference]) -> tuple[str, ...]:
    return tuple(item.activation for item in differences if item.verdict in {"best", "equal", "open"})


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
        elif ratio > margin and p < _SIGNIFICANT:
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


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple comparisons (Holm, Scandinavian Journal of Statistics 1979)."""
    corrected, largest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(np.argsort(ps, kind="stable")):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = largest
    return corrected


def _cheapest(ties: Sequence[Summary]) -> tuple[str, Message]:
    """Return the cheapest of the ties, the simpler one at equal cost, and the reason.

    The cost is the shortest time of a step over the seeds: other load on the machine only adds to it.
    """
    alive = [summary for summary in ties if not summary.seeds_with_dead_layer] or list(ties)
    excluded = [summary.activation for summary in ties if summary not in alive]
    costs = {summary.activation: min(item.step_seconds for item in summary.outcomes) for summary in alive}
    least = min(costs.values())
    chosen = next(name for name in ACTIVATIONS if costs.get(name, np.inf) <= _SIMILAR_COST * least)
    if len(ties) == 1:
        return chosen, phrase("Take {activation}.", activation=chosen)
    cheapest = phrase(
        "Of equals the cheaper is taken, of equally cheap the simpler: {activation}, {time:.2g} ms a step at the "
        "quickest.",
        activation=chosen,
        time=1e3 * costs[chosen],
    )
    if not excluded:
        return chosen, cheapest
    dead = phrase(
        "{activations} would cost no more, but more than half of a layer is dead.", activations=listed(excluded)
    )
    return chosen, joined([cheapest, dead])


def _labels(summaries: Sequence[Summary], activation: str) -> Message:
    """Return whether another activation finds more anomalies, by ROC AUC on untouched rows; empty without labels."""
    roc_auc = {
        summary.activation: {item.trial.seed: item.roc_auc for item in summary.outcomes if item.roc_auc is not None}
        for summary in summaries
    }
    recommended = roc_auc[activation]
    if not recommended:
        return Message()
    from scipy.stats import ttest_1samp  # takes half a second; `--help` does not need it

    means = {name: float(np.mean(list(by_seed.values()))) for name, by_seed in roc_auc.items() if by_seed}
    best = max(means, key=lambda name: means[name])
    gains = np.array([roc_auc[best][seed] - recommended[seed] for seed in recommended if seed in roc_auc[best]])
    p = 1.0 if len(gains) < 2 or not gains.any() else float(ttest_1samp(gains, 0.0).pvalue)
    if best == activation or not p < _SIGNIFICANT:
        return phrase(
            "By the labels, too, no other is surely better: ROC AUC {roc_auc:.3f}.", roc_auc=means[activation]
        )
    return phrase(
        "By the labels {best} finds more: ROC AUC {most:.3f}, with {activation} {roc_auc:.3f} (p = {p:.2g}). Labels do "
        "not change the recommendation, which is by the error; to follow them: {setting}.",
        best=best,
        most=means[best],
        activation=activation,
        roc_auc=means[activation],
        p=p,
        setting=Set("activation", best),
    )
