"""The words of a recommendation: what the errors of the activations say, and what more seeds or labels would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.messages import Message, Set, joined, listed, phrase, plural
from training.comparison.difference import Difference


def left_out(names: Sequence[str]) -> Message:
    """Return that activations without a result of every seed are left out; nothing where there are none."""
    if not names:
        return Message()
    return phrase("With some seeds the loss of {activations} was not a number: left out.", activations=listed(names))


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


def ranking(differences: Sequence[Difference], seeds: int, margin: float) -> Message:
    """Return which activation has the lowest error, and which are surely worse."""
    best, *others = (item for item in differences if item.verdict != "reference")
    found = {"activation": best.activation, "seeds": seeds, "margin": margin, "among": ""}
    if not others and len(differences) == 1:
        return phrase("Only {activation} was compared.", **found)
    if not others:
        return phrase("Only {activation} was compared that does not saturate.", **found)
    if any(item.ratio < 0 for item in differences):
        found["among"] = phrase(" of those that do not saturate")
    ties = [item.activation for item in others if item.verdict != "worse"]
    if len(ties) < len(others):
        worse = [item for item in others if item.verdict == "worse"]
        if ties:
            lowest = phrase(
                "{activation} has the lowest held-out error{among} over {seeds} seeds; {ties} cannot be told from it.",
                **found,
                ties=listed(ties),
            )
        else:
            lowest = phrase("{activation} has the lowest held-out error{among} over {seeds} seeds.", **found)
        return joined([lowest, _worse(worse)])
    if all(item.verdict == "equal" for item in others):
        return phrase(
            "No difference: no activation has a held-out error that is surely more than {margin:.0%} above that of "
            "{activation}, the lowest{among}.",
            **found,
        )
    return phrase(
        "No difference that {seeds} seeds can tell: no activation has a held-out error that is surely more than "
        "{margin:.0%} above that of {activation}, the lowest{among}.",
        **found,
    )


def _worse(worse: Sequence[Difference]) -> Message:
    nearest = min(worse, key=lambda item: item.ratio)
    return plural(
        "{activations} is surely worse, by {ratio:.1%} (p = {p:.2g}).",
        "{activations} are surely worse, {nearest} by the least, {ratio:.1%} (p = {p:.2g}).",
        count=len(worse),
        activations=listed([item.activation for item in worse]),
        nearest=nearest.activation,
        ratio=nearest.ratio,
        p=nearest.p,
    )


def references(differences: Sequence[Difference]) -> Iterator[Message]:
    """Yield how the errors of those that saturate compare."""
    references = [item for item in differences if item.verdict == "reference"]
    if not references:
        return
    errors = [
        phrase("{activation} {ratio:.1%} below", activation=item.activation, ratio=-item.ratio)
        if item.ratio < 0
        else phrase("{activation} {ratio:.1%} above", activation=item.activation, ratio=item.ratio)
        for item in references
    ]
    best = differences[0].activation
    yield phrase("For comparison, against the error of {activation}: {errors}.", activation=best, errors=listed(errors))
    if any(item.ratio < 0 for item in references):
        yield phrase(
            "A lower error is no reason to take one that saturates: over labelled sets, they found fewer anomalies."
        )


def outlook(differences: Sequence[Difference], seeds: int, margin: float) -> Message:
    """Return what more seeds would change."""
    unsettled = [item for item in differences if item.verdict == "open"]
    if not unsettled:
        return phrase("More seeds would change nothing.")
    undecided = [item.activation for item in unsettled if item.ratio > margin]
    if not undecided:
        return phrase(
            "The mean errors of those that these seeds cannot tell apart are within {margin:.0%}; the intervals reach "
            "{reach:.1%}, and more seeds would narrow them.",
            margin=margin,
            reach=max(max(abs(item.low), abs(item.high)) for item in unsettled),
        )
    return phrase(
        "More seeds may tell {activations} from {best}: {setting}.",
        activations=listed(undecided),
        best=differences[0].activation,
        setting=Set("seeds", 2 * seeds),
    )


def without_labels(differences: Sequence[Difference]) -> Message:
    """Return what a lower error says where there are no labels; nothing where no error is surely higher."""
    if all(item.verdict != "worse" for item in differences):
        return Message()
    return phrase(
        "A lower error is a better picture of the records; over labelled sets it decided little about what was found. "
        "Labels would tell ({setting}).",
        setting=Set("label"),
    )
