"""Which activation to take: a paired comparison over seeds, ties called ties, the cheaper of equals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from training.comparison.labels import labels_said
from training.comparison.summary import Summary

LEAST_SEEDS: Final = 2
MARGIN: Final = 0.01
_SIGNIFICANT: Final = 0.05
_COSTS_ALIKE: Final = 1.2
_CERTAIN: Final = 1e-12  # spread below which differences are one and the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An activation against the best: the one with the lowest error of those that may be recommended.

    Args:
        activation: Which one.
        ratio: How much higher its error is, as a share: 0.1 is a tenth higher; negative where it is lower.
        low: Lower end of the 95 % interval of `ratio`.
        high: Upper end.
        p: That so large a difference comes by chance, corrected for the number of comparisons (Holm).
        verdict: ``best``, ``worse``, ``equal`` (surely higher by no more than the margin), ``open`` (these seeds
            cannot tell) or ``reference`` (there to compare with: it saturates, and is not recommended beside others).
    """

    activation: str
    ratio: float
    low: float
    high: float
    p: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from a comparison.

    Args:
        activation: Which to take; None where the seeds are too few to say.
        ties: Activations that cannot be told from the best, itself among them, in the order of their errors.
        differences: Of all activations, in that order, references behind.
        reason: Why, in sentences.
        settled: More seeds would change nothing.
    """

    activation: str | None
    ties: tuple[str, ...]
    differences: tuple[Difference, ...]
    reason: str
    settled: bool


def verdict_on(summaries: Sequence[Summary], *, margin: float = MARGIN) -> Verdict:
    """Compare activations, each under one setting, by their held-out errors.

    Errors are compared as ratios, seed by seed: each activation against the one with the lowest mean, by Student's
    paired test on their logarithms, corrected for the number of comparisons by Holm's method. Activations that
    saturate are references: over labelled sets they have low errors and find fewer anomalies
    (``benchmarks.activations``), so that they are recommended only where nothing else was compared.

    Args:
        summaries: One for each activation.
        margin: Share by which errors may differ without mattering.
    """
    whole = [summary for summary in summaries if not summary.failures]
    failed = [summary.activation for summary in summaries if summary.failures]
    seeds = set.intersection(*({one.trial.seed for one in summary.outcomes} for summary in whole)) if whole else set()
    if len(seeds) < LEAST_SEEDS:
        return Verdict(
            activation=None,
            ties=(),
            differences=(),
            reason=(
                f"Nothing is recommended: {_seeds(len(seeds))} with a result of every activation, and one network says "
                f"nothing about the next. Take at least --seeds {LEAST_SEEDS}, better 5."
            ),
            settled=False,
        )
    logs = {
        summary.activation: np.log([one.error for one in summary.outcomes if one.trial.seed in seeds])
        for summary in whole
    }
    order = sorted(logs, key=lambda name: float(logs[name].mean()))
    references = [name for name in order if ACTIVATIONS[name].ends]
    if len(references) == len(order):
        references = []
    order = [name for name in order if name not in references]
    differences = _differences(logs, order, references, margin)
    ties = tuple(one.activation for one in differences if one.verdict in {"best", "equal", "open"})
    by_name = {summary.activation: summary for summary in whole}
    chosen, why = _cheapest([by_name[name] for name in ties])
    settled = all(one.verdict != "open" for one in differences)
    said = [
        *_said(differences, len(seeds), margin),
        why,
        *_references(differences),
        *_failures(failed),
        _outlook(differences, len(seeds), margin),
        labels_said(whole, chosen) or _meaning(differences),
    ]
    return Verdict(
        activation=chosen,
        ties=ties,
        differences=differences,
        reason=" ".join(filter(None, said)),
        settled=settled,
    )


def _differences(
    logs: dict[str, NDArray[np.float64]], order: Sequence[str], references: Sequence[str], margin: float
) -> tuple[Difference, ...]:
    best, *others = order
    found = [(name, *_ratio(logs[name] - logs[best])) for name in (*others, *references)]
    corrected = holm([p for *_, p in found])
    differences = [Difference(activation=best, ratio=0.0, low=0.0, high=0.0, p=1.0, verdict="best")]
    for (name, ratio, low, high, _), p in zip(found, corrected, strict=True):
        if name in references:
            verdict = "reference"
        elif ratio > margin and p < _SIGNIFICANT:
            verdict = "worse"
        else:
            verdict = "equal" if high <= margin else "open"
        differences.append(Difference(activation=name, ratio=ratio, low=low, high=high, p=p, verdict=verdict))
    return tuple(differences)


def _ratio(logs: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return the ratio of two errors less one, both ends of its interval, and p, from the differences of their logs."""
    mean, spread = float(logs.mean()), float(logs.std(ddof=1))
    if spread < _CERTAIN:
        half, p = 0.0, float(abs(mean) <= _CERTAIN)
    else:
        from scipy.stats import t, ttest_1samp  # half a second, and the program may only be asked for its help

        half = float(t.ppf(0.975, len(logs) - 1)) * spread / np.sqrt(len(logs))
        p = float(ttest_1samp(logs, 0.0).pvalue)
    low, middle, high = np.expm1([mean - half, mean, mean + half]).tolist()
    return middle, low, high, p


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, Scandinavian Journal of Statistics 1979)."""
    corrected, largest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(np.argsort(ps, kind="stable")):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = largest
    return corrected


def _cheapest(ties: Sequence[Summary]) -> tuple[str, str]:
    """Return the cheapest of equals, and why it is taken: the simpler one where they cost alike.

    What else the machine does only adds to a time, so the quickest seed of each says what it costs.
    """
    alive = [summary for summary in ties if not summary.seeds_with_dead_layer] or list(ties)
    aside = [summary.activation for summary in ties if summary not in alive]
    costs = {summary.activation: min(one.step_seconds for one in summary.outcomes) for summary in alive}
    least = min(costs.values())
    chosen = next(name for name in ACTIVATIONS if costs.get(name, np.inf) <= _COSTS_ALIKE * least)
    dead = f" {_listed(aside)} would cost no more, but more than half of a layer is dead." if aside else ""
    if len(ties) == 1:
        return chosen, f"Take {chosen}."
    step = f"{1e3 * costs[chosen]:.2g} ms a step at the quickest"
    return chosen, f"Of equals the cheaper is taken, of equally cheap the simpler: {chosen}, {step}.{dead}"


def _said(differences: Sequence[Difference], seeds: int, margin: float) -> list[str]:
    best, *others = (one for one in differences if one.verdict != "reference")
    if not others:
        return [f"Only {best.activation} was compared{'' if len(differences) == 1 else ' that does not saturate'}."]
    of_those = " of those that do not saturate" if any(one.ratio < 0 for one in differences) else ""
    ties = [one for one in others if one.verdict != "worse"]
    worse = [one for one in others if one.verdict == "worse"]
    if not worse:
        sure = all(one.verdict == "equal" for one in others)
        told = "No difference" if sure else f"No difference that {seeds} seeds can tell"
        return [
            f"{told}: no activation has a held-out error that is surely more than {margin:.0%} above that of "
            f"{best.activation}, the lowest{of_those}."
        ]
    nearest = min(worse, key=lambda one: one.ratio)
    said = f"{best.activation} has the lowest held-out error{of_those} over {seeds} seeds"
    if ties:
        said += f"; {_listed([one.activation for one in ties])} cannot be told from it"
    names = _listed([one.activation for one in worse])
    if len(worse) == 1:
        return [f"{said}. {names} is surely worse, by {nearest.ratio:.1%} (p = {nearest.p:.2g})."]
    least = f"{nearest.activation} by the least, {nearest.ratio:.1%} (p = {nearest.p:.2g})"
    return [f"{said}. {names} are surely worse, {least}."]


def _references(differences: Sequence[Difference]) -> Iterator[str]:
    found = [one for one in differences if one.verdict == "reference"]
    if not found:
        return
    best = differences[0].activation
    errors = [f"{one.activation} {abs(one.ratio):.1%} {'below' if one.ratio < 0 else 'above'}" for one in found]
    yield f"For comparison, against the error of {best}: {_listed(errors)}."
    if any(one.ratio < 0 for one in found):
        yield "A lower error is no reason to take one that saturates: over labelled sets, they found fewer anomalies."


def _meaning(differences: Sequence[Difference]) -> str:
    """Say what lower errors are worth, where there are no labels to say it (``benchmarks.activations``)."""
    if all(one.verdict != "worse" for one in differences):
        return ""
    return (
        "A lower error is a better picture of the records; over labelled sets it decided little about what was found. "
        "Labels would tell (--label)."
    )


def _failures(names: Sequence[str]) -> list[str]:
    return [f"With some seeds the loss of {_listed(names)} was not a number: left out."] if names else []


def _outlook(differences: Sequence[Difference], seeds: int, margin: float) -> str:
    undecided = [one.activation for one in differences if one.verdict == "open" and one.ratio > margin]
    if all(one.verdict != "open" for one in differences):
        return "More seeds would change nothing."
    if not undecided:
        return f"More seeds will hardly change this: what they could tell is within {margin:.0%}."
    return f"More seeds may tell {_listed(undecided)} from {differences[0].activation}: --seeds {2 * seeds}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _seeds(number: int) -> str:
    return f"there is {number} seed" if number == 1 else f"there are {number} seeds"
