"""Sections on the effect of depth and learning rate, where several of them were compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.messages import listed
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

    title: str
    figure: Callable[[Outcome], float]
    form: str
    log: bool


_ERROR: Final = _Measure("held-out error", lambda outcome: outcome.error, ".3g", log=True)
_DEAD: Final = _Measure("share of dead units", lambda outcome: outcome.share("dead"), ".1%", log=False)
_RATIO: Final = _Measure(
    "first layer’s gradient over the last one’s", lambda outcome: outcome.gradient_ratio, ".2g", log=True
)


def settings_sections(summaries: Sequence[Summary]) -> list[Section]:
    """Return a section for depth and one for the learning rate, each where several were compared."""
    depths = _along(summaries, lambda summary: len(summary.setting.hidden_units))
    rates = _along(summaries, lambda summary: summary.setting.learning_rate)
    several_depths, several_rates = len(_values(depths)) > 1, len(_values(rates)) > 1
    sections = []
    if several_depths:
        best_of = " Each with the learning rate of its lowest error." if several_rates else ""
        setting = {"xlabel": "hidden layers before the bottleneck"}
        plots = _plots(depths, (_ERROR, _DEAD, _RATIO), over="depth", setting=setting)
        text = Text(text=_on_depth(depths) + best_of)
        sections.append(Section(anchor="depth", title="Effect of depth", parts=[text, plots]))
    if several_rates:
        best_of = " Each with the depth of its lowest error." if several_depths else ""
        setting = {"xlabel": "learning rate (logarithmic)", "xscale": "log"}
        plots = _plots(rates, (_ERROR, _DEAD), over="learning rate", setting=setting)
        text = Text(text=_on_rates(rates) + best_of)
        sections.append(Section(anchor="learning-rate", title="Effect of the learning rate", parts=[text, plots]))
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


def _plots(lines: _Lines, measures: Sequence[_Measure], *, over: str, setting: Mapping[str, Any]) -> Plots:
    return Plots(
        title=f"Over {over}",
        plots=[
            _plot(lines, measure, over=over, setting=setting, alone=i % 2 == 0 and i + 1 == len(measures))
            for i, measure in enumerate(measures)
        ],
        note="Means over the seeds; the bands are 95 % intervals of them.",
    )


def _plot(lines: _Lines, measure: _Measure, *, over: str, setting: Mapping[str, Any], alone: bool) -> Plot:
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
        "xticklabels": [f"{tick:g}" for tick in ticks],
        "ylabel": measure.title + (" (log.)" if measure.log else ""),
    }
    values = [
        f"{name} " + ", ".join(f"{mean.mean:{measure.form}} at {value:g}" for value, mean in line.items())
        for name, line in means.items()
    ]
    drawn = [_line(name, line, floor) for name, line in means.items()]
    title = f"{measure.title[0].upper()}{measure.title[1:]} over {over}"
    everywhere = {**setting, "xticks": ticks, **labels, **scale}
    return Plot(
        title=f"{title}.",
        alt=f"{title}: {'; '.join(values)}.",
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


def _on_depth(lines: _Lines) -> str:
    """Return sentences that compare the deepest networks with the shallowest."""
    values = _values(lines)
    whole = {name: line for name, line in lines.items() if values[0] in line and values[-1] in line}
    if not whole:
        return "No activation has results at all depths."
    change = {name: line[values[-1]].error.mean / line[values[0]].error.mean for name, line in whole.items()}
    ratios = {name: line[values[-1]].mean(_RATIO.figure).mean for name, line in whole.items()}
    least, most = min(change, key=lambda name: change[name]), max(change, key=lambda name: change[name])
    weakest = min(ratios, key=lambda name: ratios[name])
    return (
        f"From {values[0]:g} to {values[-1]:g} hidden layers the held-out error of {least} becomes {change[least]:.2g} "
        f"times as high, the least of all, and that of {most} {change[most]:.2g} times. At {values[-1]:g} layers the "
        f"gradient of {weakest} is weakest at the first layer: {ratios[weakest]:.2g} of that at the output."
    )


def _on_rates(lines: _Lines) -> str:
    """Return sentences on the share of dead units at the lowest and the highest learning rate."""
    values = _values(lines)
    dead = {name: [summary.mean(_DEAD.figure).mean for summary in line.values()] for name, line in lines.items()}
    change = {name: (shares[0], shares[-1]) for name, shares in dead.items()}
    moved = {name: pair for name, pair in change.items() if abs(pair[1] - pair[0]) >= _NOTABLE}
    never = [name for name, pair in change.items() if max(pair) == 0]
    changes = [
        f"the dead units of {name} {'rise' if after > before else 'fall'} from {before:.1%} to {after:.1%} of all"
        for name, (before, after) in moved.items()
    ]
    what = listed(changes) if changes else f"the share of dead units changes by less than {_NOTABLE:.0%}"
    text = f"From a learning rate of {values[0]:g} to one of {values[-1]:g}, {what}."
    return text + (f" {listed(never)} {'have' if len(never) > 1 else 'has'} none at either." if never else "")
