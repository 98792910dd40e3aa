"""Recommends an activation: a paired comparison over seeds, ties called ties, the cheaper of equals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.messages import listed
from models.network.activations import ACTIVATIONS
from training.comparison.summary import Summary

LEAST_SEEDS: Final = 2
MARGIN: Final = 0.01
_SIGNIFICANT: Final = 0.05
_SIMILAR_COST: Final = 1.2
_CERTAIN: Final = 1e-12  # spread below which all differences are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One activation against the best: the one with the lowest error of those that may be recommended.

    Args:
        ratio: Relative difference of its error: 0.1 is 10 % above the best, negative is below it.
        low, high: Ends of the 95 % interval of `ratio`.
        p: p-value of the difference, with Holm's correction for the number of comparisons.
        verdict: ``best``, ``worse``, ``equal`` (surely higher by no more than the margin), ``open`` (these seeds
            cannot tell) or ``reference`` (compared only: it saturates, and is not recommended beside others).
    """

    activation: str
    ratio: float
    low: float
    high: float
    p: float
    verdict: str


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
        return Recommendation(activation=None, differences=(), reason=_too_few_seeds(len(seeds)))
    logs = {
        name: np.log([outcome.error for outcome in summary.outcomes if outcome.trial.seed in seeds])
        for name, summary in complete.items()
    }
    differences = _differences(logs, margin)
    chosen, why = _cheapest([complete[name] for name in _ties(differences)])
    sentences = [
        *_ranking(differences, len(seeds), margin),
        why,
        *_references(differences),
        f"With some seeds the loss of {listed(failed)} was not a number: left out." if failed else "",
        _outlook(differences, len(seeds), margin),
        _labels(list(complete.values()), chosen) or _without_labels(differences),
    ]
    return Recommendation(activation=chosen, differences=differences, reason=" ".join(filter(None, sentences)))


def _seeds(summary: Summary) -> set[int]:
    return {outcome.trial.seed for outcome in summary.outcomes}


def _too_few_seeds(count: int) -> str:
    seeds = "is 1 seed" if count == 1 else f"are {count} seeds"
    return (
        f"Nothing is recommended: there {seeds} with a result of every activation, and one network says nothing "
        f"about the next. Take at least --seeds {LEAST_SEEDS}, better 5."
    )


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


def _cheapest(ties: Sequence[Summary]) -> tuple[str, str]:
    """Return the cheapest of the ties, the simpler one at equal cost, and the reason.

    The cost is the shortest time of a step over the seeds: other load on the machine only adds to it.
    """
    alive = [summary for summary in ties if not summary.seeds_with_dead_layer] or list(ties)
    excluded = [summary.activation for summary in ties if summary not in alive]
    costs = {summary.activation: min(item.step_seconds for item in summary.outcomes) for summary in alive}
    least = min(costs.values())
    chosen = next(name for name in ACTIVATIONS if costs.get(name, np.inf) <= _SIMILAR_COST * least)
    if len(ties) == 1:
        return chosen, f"Take {chosen}."
    dead = f" {listed(excluded)} would cost no more, but more than half of a layer is dead." if excluded else ""
    step = f"{1e3 * costs[chosen]:.2g} ms a step at the quickest"
    return chosen, f"Of equals the cheaper is taken, of equally cheap the simpler: {chosen}, {step}.{dead}"


def _ranking(differences: Sequence[Difference], seeds: int, margin: float) -> list[str]:
    best, *others = (item for item in differences if item.verdict != "reference")
    if not others:
        return [f"Only {best.activation} was compared{'' if len(differences) == 1 else ' that does not saturate'}."]
    of_those = " of those that do not saturate" if any(item.ratio < 0 for item in differences) else ""
    ties = [item for item in others if item.verdict != "worse"]
    worse = [item for item in others if item.verdict == "worse"]
    if not worse:
        sure = all(item.verdict == "equal" for item in others)
        none = "No difference" if sure else f"No difference that {seeds} seeds can tell"
        return [
            f"{none}: no activation has a held-out error that is surely more than {margin:.0%} above that of "
            f"{best.activation}, the lowest{of_those}."
        ]
    nearest = min(worse, key=lambda item: item.ratio)
    lowest = f"{best.activation} has the lowest held-out error{of_those} over {seeds} seeds"
    if ties:
        lowest += f"; {listed([item.activation for item in ties])} cannot be told from it"
    names = listed([item.activation for item in worse])
    if len(worse) == 1:
        return [f"{lowest}. {names} is surely worse, by {nearest.ratio:.1%} (p = {nearest.p:.2g})."]
    least = f"{nearest.activation} by the least, {nearest.ratio:.1%} (p = {nearest.p:.2g})"
    return [f"{lowest}. {names} are surely worse, {least}."]


def _references(differences: Sequence[Difference]) -> Iterator[str]:
    references = [item for item in differences if item.verdict == "reference"]
    if not references:
        return
    best = differences[0].activation
    errors = [
        f"{item.activation} {abs(item.ratio):.1%} {'below' if item.ratio < 0 else 'above'}" for item in references
    ]
    yield f"For comparison, against the error of {best}: {listed(errors)}."
    if any(item.ratio < 0 for item in references):
        yield "A lower error is no reason to take one that saturates: over labelled sets, they found fewer anomalies."


def _outlook(differences: Sequence[Difference], seeds: int, margin: float) -> str:
    unsettled = [item for item in differences if item.verdict == "open"]
    if not unsettled:
        return "More seeds would change nothing."
    undecided = [item.activation for item in unsettled if item.ratio > margin]
    if not undecided:
        reach = max(max(abs(item.low), abs(item.high)) for item in unsettled)
        return (
            f"The mean errors of those that these seeds cannot tell apart are within {margin:.0%}; the intervals reach "
            f"{reach:.1%}, and more seeds would narrow them."
        )
    return f"More seeds may tell {listed(undecided)} from {differences[0].activation}: --seeds {2 * seeds}."


def _labels(summaries: Sequence[Summary], activation: str) -> str:
    """Return whether another activation finds more anomalies, by ROC AUC on untouched rows; empty without labels."""
    roc_auc = {
        summary.activation: {item.trial.seed: item.roc_auc for item in summary.outcomes if item.roc_auc is not None}
        for summary in summaries
    }
    recommended = roc_auc[activation]
    if not recommended:
        return ""
    from scipy.stats import ttest_1samp  # takes half a second; `--help` does not need it

    means = {name: float(np.mean(list(by_seed.values()))) for name, by_seed in roc_auc.items() if by_seed}
    best = max(means, key=lambda name: means[name])
    gains = np.array([roc_auc[best][seed] - recommended[seed] for seed in recommended if seed in roc_auc[best]])
    p = 1.0 if len(gains) < 2 or not gains.any() else float(ttest_1samp(gains, 0.0).pvalue)
    if best == activation or not p < _SIGNIFICANT:
        return f"By the labels, too, no other is surely better: ROC AUC {means[activation]:.3f}."
    return (
        f"By the labels {best} finds more: ROC AUC {means[best]:.3f}, with {activation} {means[activation]:.3f} "
        f"(p = {p:.2g}). "
        f"Labels do not change the recommendation, which is by the error; to follow them: --activation {best}."
    )


def _without_labels(differences: Sequence[Difference]) -> str:
    if all(item.verdict != "worse" for item in differences):
        return ""
    return (
        "A lower error is a better picture of the records; over labelled sets it decided little about what was found. "
        "Labels would tell (--label)."
    )
