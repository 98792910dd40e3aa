"""The words of a recommendation, for terminal, JSON and report alike: what is found, and what more seeds would tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.messages import Message, Set, joined, listed, phrase, plural
from models.network.activations import ACTIVATIONS
from training.comparison.difference import Difference
from training.comparison.gains import Gain
from training.comparison.summary import Summary

_SIMILAR_COST: Final = 1.2

VERDICTS: Final = {
    "baseline": phrase("compared with"),
    "more": phrase("surely more"),
    "fewer": phrase("surely fewer"),
    "equal": phrase("no difference that matters"),
    "open": phrase("these seeds cannot tell"),
}
"""The verdicts of `Gain` in words."""

ERROR_VERDICTS: Final = {
    "best": phrase("best"),
    "worse": phrase("surely worse"),
    "equal": phrase("no worse"),
    "open": phrase("these seeds cannot tell"),
    "reference": phrase("reference"),
}
"""The verdicts of `Difference` in words."""


def too_few_seeds(count: int, *, least: int) -> Message:
    """Return that nothing is recommended from so few seeds."""
    return plural(
        "Nothing is recommended: there is {count} seed with a result of every activation, and one network says nothing "
        "about the next. Take at least {setting}, better 5.",
        "Nothing is recommended: there are {count} seeds with a result of every activation, and one network says "
        "nothing about the next. Take at least {setting}, better 5.",
        count=count,
        setting=Set("seeds", least),
    )


def verdict(chosen: str, gains: Sequence[Gain], judged_by: str, summaries: Sequence[Summary]) -> Message:
    """Return what is recommended, and why: it finds more, or nothing matters and it is the cheapest."""
    if len(summaries) == 1:
        return phrase("Only {activation} was compared.", activation=chosen)
    cost = _cost(chosen, summaries)
    if judged_by == "nothing":
        nothing = phrase(
            "Take {activation}: no kind of error can be planted into these columns, there are no labels, and a lower "
            "error does not find more.",
            activation=chosen,
        )
        return joined([nothing, cost])
    gain = next(item for item in gains if item.activation == chosen)
    rivals = [item for item in gains if item is not gain and not ACTIVATIONS[item.activation].ends]
    if gain.verdict != "more" and rivals and all(item.verdict == "fewer" for item in rivals):
        return joined([phrase("Take {activation}: the others surely find fewer.", activation=chosen), cost])
    if gain.verdict != "more":
        none = phrase("No difference that matters: take {activation}, the simplest.", activation=chosen)
        if _is_cheapest(chosen, summaries):
            none = phrase("No difference that matters: take {activation}, the cheapest.", activation=chosen)
        return joined([none, cost])
    base = next(item.activation for item in gains if item.verdict == "baseline")
    found = {"activation": chosen, "baseline": base, "gain": 100 * gain.gain, "p": gain.p} | {
        "low": 100 * gain.low,
        "high": 100 * gain.high,
    }
    if judged_by == "labels":
        more = phrase(
            "Take {activation}: it finds more of the labelled anomalies than {baseline}, by {gain:.1f} points of ROC "
            "AUC ({low:.1f} to {high:.1f}, p = {p:.2g}).",
            **found,
        )
    else:
        more = phrase(
            "Take {activation}: it finds more planted errors than {baseline}, by {gain:.1f} points of ROC AUC "
            "({low:.1f} to {high:.1f}, p = {p:.2g}).",
            **found,
        )
    return joined([more, cost])


def _step(summary: Summary) -> float:
    """Return the shortest time of a step over the seeds: other load on the machine only adds to it."""
    return min(outcome.step_seconds for outcome in summary.outcomes)


def _is_cheapest(name: str, summaries: Sequence[Summary]) -> bool:
    """Return whether no step is quicker by more than a fifth, which is within what a machine does by itself."""
    steps = {summary.activation: _step(summary) for summary in summaries}
    return steps[name] <= _SIMILAR_COST * min(steps.values())


def _cost(chosen: str, summaries: Sequence[Summary]) -> Message:
    """Return the measured time of a step, and which activation's is the shortest."""
    steps = {summary.activation: 1e3 * _step(summary) for summary in summaries}
    quickest = min(steps, key=lambda name: steps[name])
    if quickest == chosen:
        return phrase("As measured, its step is the quickest: {time:.3g} ms.", time=steps[chosen])
    if _is_cheapest(chosen, summaries):
        return phrase(
            "As measured, no step is quicker by more than a fifth: {time:.3g} ms; {quickest} {least:.3g} ms.",
            time=steps[chosen],
            quickest=quickest,
            least=steps[quickest],
        )
    return phrase(
        "As measured, the cheapest is {quickest}, {least:.3g} ms a step; {activation} {time:.3g} ms.",
        activation=chosen,
        time=steps[chosen],
        quickest=quickest,
        least=steps[quickest],
    )


def judged_by(evidence: str, summaries: Sequence[Summary], *, seeds: int, labels: bool) -> Message:
    """Return what decided, and how much of it there is."""
    first = summaries[0].outcomes[0]
    planted = phrase(
        "Judged by {errors:,} errors of {kinds} kinds, planted into copies of held-out rows anew for each of {seeds} "
        "seeds.",
        errors=sum(kind.rows for kind in first.found),
        kinds=len(first.found),
        seeds=seeds,
    )
    if evidence == "labels":
        return phrase(
            "Judged by {anomalies:,} labelled anomalies over {seeds} seeds: labels count more than planted errors.",
            anomalies=len(first.anomalies),
            seeds=seeds,
        )
    if evidence != "planted errors":
        return Message()
    if labels:
        return joined([planted, phrase("The labels count more, and do not speak against it.")])
    return joined([planted, phrase("Labels would count more ({setting}).", setting=Set("label"))])


def fewer(gains: Sequence[Gain]) -> Message:
    """Return which activations surely find fewer than the baseline; nothing where none does."""
    names = [item.activation for item in gains if item.verdict == "fewer"]
    if not names:
        return Message()
    return plural("{names} surely finds fewer.", "{names} surely find fewer.", count=len(names), names=listed(names))


def references(gains: Sequence[Gain]) -> Message:
    """Return that activations which saturate are not recommended, where one of them finds more."""
    names = [item.activation for item in gains if item.verdict == "more" and ACTIVATIONS[item.activation].ends]
    rising = [item for item in gains if not ACTIVATIONS[item.activation].ends]
    if not names or not rising:
        return Message()
    return plural(
        "{names} would find more here, but it saturates, and over labelled sets such activations find fewer: it is "
        "there to compare with.",
        "{names} would find more here, but they saturate, and over labelled sets such activations find fewer: they are "
        "there to compare with.",
        count=len(names),
        names=listed(names),
    )


def errors(differences: Sequence[Difference], chosen: str) -> Message:
    """Return which activation has the lowest held-out error, where it is another one; nothing else."""
    best = differences[0].activation
    if best == chosen:
        return Message()
    return phrase(
        "The held-out error of {best} is lower; over labelled sets that says little about what is found.", best=best
    )


def left_out(names: Sequence[str]) -> Message:
    """Return that activations without a result of every seed are left out; nothing where there are none."""
    if not names:
        return Message()
    return phrase("With some seeds the loss of {activations} was not a number: left out.", activations=listed(names))


def outlook(gains: Sequence[Gain], *, seeds: int, margin: float) -> Message:
    """Return what more seeds would change; nothing where nothing was judged."""
    unsettled = [item for item in gains if item.verdict == "open" and not ACTIVATIONS[item.activation].ends]
    if len(gains) < 2:
        return Message()
    if not unsettled:
        return phrase("More seeds would change nothing.")
    promising = [item.activation for item in unsettled if item.gain > margin]
    if not promising:
        return phrase("These seeds cannot tell all apart; in the mean, none finds more by over the margin.")
    base = next(item.activation for item in gains if item.verdict == "baseline")
    return phrase(
        "More seeds may tell {activations} from {baseline}: {setting}.",
        activations=listed(promising),
        baseline=base,
        setting=Set("seeds", 2 * seeds),
    )
