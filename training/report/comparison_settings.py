"""Sections on the effect of depth and learning rate, where several of them were compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.languages import spoken
from models.messages import Message, joined, listed, phrase, plural
from models.network.activations import ACTIVATIONS
from training.comparison.outcomes import Outcome
from training.comparison.summary import Mean, Summary
from training.report.kit.drawing import LINES
from training.report.kit.lines import WHOLE, Line, line_plot
from training.report.kit.page import Plot, Plots, Section, Text
from training.report.kit.shapes import WIDE

_Lines = dict[str, dict[float, Summary]]  # by activation and value of a setting
_NOTABLE: Final = 0.01  # change in the share of dead units


class _Measure(NamedTuple):
    """A figure that is plotted over a setting, with its number format."""

    axis: Message
    over_depth: Message
    over_rate: Message
    figure: Callable[[Outcome], float]
    form: str
    log: bool


class _Over(NamedTuple):
    """The setting over which figures are plotted: the words of it, and which title of a figure is its."""

    title: Message
    of: Callable[[_Measure], Message]


_ERROR: Final = _Measure(
    phrase("held-out error (log.)"),
    phrase("Held-out error over depth"),
    phrase("Held-out error over learning rate"),
    lambda outcome: outcome.error,
    ".3g",
    log=True,
)
_DEAD: Final = _Measure(
    phrase("share of dead units"),
    phrase("Share of dead units over depth"),
    phrase("Share of dead units over learning rate"),
    lambda outcome: outcome.share("dead"),
    ".1%",
    log=False,
)
_RATIO: Final = _Measure(
    phrase("first layer’s gradient over the last one’s (log.)"),
    phrase("First layer’s gradient over the last one’s over depth"),
    phrase("First layer’s gradient over the last one’s over learning rate"),
    lambda outcome: outcome.gradient_ratio,
    ".2g",
    log=True,
)
_DEPTH: Final = _Over(phrase("Over depth"), lambda measure: measure.over_depth)
_RATE: Final = _Over(phrase("Over learning rate"), lambda measure: measure.over_rate)


def settings_sections(summaries: Sequence[Summary]) -> list[Section]:
    """Return a section for depth and one for the learning rate, each where several were compared."""
    depths = _along(summaries, lambda summary: len(summary.setting.hidden_units))
    rates = _along(summaries, lambda summary: summary.setting.learning_rate)
    several_depths, several_rates = len(_values(depths)) > 1, len(_values(rates)) > 1
    sections: list[Section] = []
    if several_depths:
        best_of = [phrase("Each with the learning rate of its lowest error.")] if several_rates else []
        setting: dict[str, Any] = {"xlabel": phrase("hidden layers before the bottleneck")}
        plots = _plots(depths, (_ERROR, _DEAD, _RATIO), over=_DEPTH, setting=setting)
        text = Text(text=joined([_on_depth(depths), *best_of]))
        sections.append(Section(anchor="depth", title=phrase("Effect of depth"), parts=[text, plots]))
    if several_rates:
        best_of = [phrase("Each with the depth of its lowest error.")] if several_depths else []
        setting = {"xscale": "log", "xlabel": phrase("learning rate (logarithmic)")}
        plots = _plots(rates, (_ERROR, _DEAD), over=_RATE, setting=setting)
        text = Text(text=joined([_on_rates(rates), *best_of]))
        title = phrase("Effect of the learning rate")
        sections.append(Section(anchor="learning-rate", title=title, parts=[text, plots]))
    return sections


def _along(summaries: Sequence[Summary], key: Callable[[Summary], float]) -> _Lines:
    """Return the summary with the lowest error, by activation and by the value of a setting in ascending order."""
    lines: _Lines = {}
    for summary in sorted(summaries, key=key):
        line = lines.setdefault(summary.activation, {})
        rival = line.get(key(summary))
        if rival is None or summary.error.mean < rival.error.mean:
            line[key(summary)] = summary
    return {name: lines[name] for name in ACTIVATIONS if name in lines}


def _values(lines: _Lines) -> list[float]:
    return sorted({value for line in lines.values() for value in line})


def _plots(lines: _Lines, measures: Sequence[_Measure], *, over: _Over, setting: Mapping[str, Any]) -> Plots:
    return Plots(
        title=over.title,
        plots=[
            _plot(lines, measure, over=over, setting=setting, alone=i % 2 == 0 and i + 1 == len(measures))
            for i, measure in enumerate(measures)
        ],
        note=phrase("Means over the seeds; the bands are 95 % intervals of them."),
    )


def _plot(lines: _Lines, measure: _Measure, *, over: _Over, setting: Mapping[str, Any], alone: bool) -> Plot:
    means = {
        name: {value: summary.mean(measure.figure) for value, summary in line.items()} for name, line in lines.items()
    }
    everything = [mean for line in means.values() for mean in line.values()]
    positive = [mean.mean for mean in everything if mean.mean > 0]
    if measure.log and positive:
        floor = min(positive) / 1.5
        scale = {"yscale": "log", "ylim": (floor, 1.5 * max(positive))}
    else:
        floor = 0.0
        highest = max(0.01, *(min(mean.high, 1.0) for mean in everything))
        scale = {"ylim": (-0.03 * highest, 1.05 * highest)}
    ticks = _values(lines)
    labels = {
        "xticklabels": [spoken().formatted(tick, "g") for tick in ticks],
        "ylabel": measure.axis,
    }
    values = [
        phrase(
            "{name} {figures}",
            name=name,
            figures=joined(
                [
                    phrase("{figure} at {value:g}", figure=spoken().formatted(mean.mean, measure.form), value=value)
                    for value, mean in line.items()
                ],
                by=", ",
            ),
        )
        for name, line in means.items()
    ]
    drawn = [_line(name, line, floor) for name, line in means.items()]
    title = over.of(measure)
    everywhere = {**setting, "xticks": ticks, **labels, **scale}
    return Plot(
        title=phrase("{title}.", title=title),
        alt=phrase("{title}: {values}.", title=title, values=joined(values, by="; ")),
        svg=line_plot(drawn, room=0.25, setting=everywhere),
        wide=line_plot(drawn, size=(WIDE, WHOLE[1]), room=0.12, setting=everywhere) if alone else "",
    )


def _line(name: str, means: dict[float, Mean], floor: float) -> Line:
    i = list(ACTIVATIONS).index(name)
    return Line(
        name=name,
        x=list(means),
        y=[max(mean.mean, floor) for mean in means.values()],
        band=([max(mean.low, floor) for mean in means.values()], [mean.high for mean in means.values()]),
        colour=LINES[i % len(LINES)],
        style=("-", "--", "-.")[i % 3],
        marker="o",
    )


def _on_depth(lines: _Lines) -> Message:
    """Return sentences that compare the deepest networks with the shallowest."""
    values = _values(lines)
    whole = {name: line for name, line in lines.items() if values[0] in line and values[-1] in line}
    if not whole:
        return phrase("No activation has results at all depths.")
    change = {name: line[values[-1]].error.mean / line[values[0]].error.mean for name, line in whole.items()}
    ratios = {name: line[values[-1]].mean(_RATIO.figure).mean for name, line in whole.items()}
    least, most = min(change, key=lambda name: change[name]), max(change, key=lambda name: change[name])
    weakest = min(ratios, key=lambda name: ratios[name])
    return phrase(
        "From {first:g} to {last:g} hidden layers the held-out error of {least} becomes {low:.2g} times as high, the "
        "least of all, and that of {most} {high:.2g} times. At {last:g} layers the gradient of {weakest} is weakest at "
        "the first layer: {ratio:.2g} of that at the output.",
        first=values[0],
        last=values[-1],
        least=least,
        low=change[least],
        most=most,
        high=change[most],
        weakest=weakest,
        ratio=ratios[weakest],
    )


def _on_rates(lines: _Lines) -> Message:
    """Return sentences on the share of dead units at the lowest and the highest learning rate."""
    values = _values(lines)
    dead = {name: [summary.mean(_DEAD.figure).mean for summary in line.values()] for name, line in lines.items()}
    change = {name: (shares[0], shares[-1]) for name, shares in dead.items()}
    moved = {name: pair for name, pair in change.items() if abs(pair[1] - pair[0]) >= _NOTABLE}
    never = [name for name, pair in change.items() if max(pair) == 0]
    changes = [
        phrase("the dead units of {name} rise from {before:.1%} to {after:.1%} of all", **_moved(name, pair))
        if pair[1] > pair[0]
        else phrase("the dead units of {name} fall from {before:.1%} to {after:.1%} of all", **_moved(name, pair))
        for name, pair in moved.items()
    ]
    what = phrase("the share of dead units changes by less than {share:.0%}", share=_NOTABLE)
    sentences = [
        phrase(
            "From a learning rate of {first:g} to one of {last:g}, {what}.",
            first=values[0],
            last=values[-1],
            what=listed(changes) if changes else what,
        )
    ]
    if never:
        sentences.append(
            plural(
                "{activations} has none at either.",
                "{activations} have none at either.",
                count=len(never),
                activations=listed(never),
            )
        )
    return joined(sentences)


def _moved(name: str, pair: tuple[float, float]) -> dict[str, Any]:
    return {"name": name, "before": pair[0], "after": pair[1]}
