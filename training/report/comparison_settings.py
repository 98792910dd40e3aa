"""Sections on the effect of depth and learning rate, where several of them were compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.network.activations import ACTIVATIONS
from training.comparison.outcomes import Outcome
from training.comparison.summary import Mean, Summary
from training.report.kit.drawing import LINES
from training.report.kit.formatting import listed
from training.report.kit.lines import Line, line_plot
from training.report.kit.page import Plot, Plots, Section, Text

_NOTABLE: Final = 0.01  # change in the share of dead units


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """A figure that is plotted over a setting.

    Args:
        title: Its name.
        figure: Computes it from one network's outcome.
        form: Its number format.
        log: Whether its axis is logarithmic.
    """

    title: str
    figure: Callable[[Outcome], float]
    form: str
    log: bool


_ERROR: Final = _Measure(title="held-out error", figure=lambda outcome: outcome.error, form=".3g", log=True)
_DEAD: Final = _Measure(
    title="share of dead units", figure=lambda outcome: outcome.share("dead"), form=".1%", log=False
)
_RATIO: Final = _Measure(
    title="first layer’s gradient over the last one’s",
    figure=lambda outcome: outcome.gradient_ratio,
    form=".2g",
    log=True,
)


def settings_sections(summaries: Sequence[Summary]) -> list[Section]:
    """Return a section for depth and one for the learning rate, each where several were compared."""
    depths = {len(summary.setting.hidden_units) for summary in summaries}
    rates = {summary.setting.learning_rate for summary in summaries}
    sections = []
    if len(depths) > 1:
        lines = _along(summaries, lambda summary: len(summary.setting.hidden_units))
        best_of = " Each with the learning rate of its lowest error." if len(rates) > 1 else ""
        sections.append(
            Section(
                anchor="depth",
                title="Effect of depth",
                parts=[
                    Text(text=_on_depth(lines) + best_of),
                    _plots(lines, (_ERROR, _DEAD, _RATIO), over="depth", xlabel="hidden layers before the bottleneck"),
                ],
            )
        )
    if len(rates) > 1:
        lines = _along(summaries, lambda summary: summary.setting.learning_rate)
        best_of = " Each with the depth of its lowest error." if len(depths) > 1 else ""
        sections.append(
            Section(
                anchor="learning-rate",
                title="Effect of the learning rate",
                parts=[
                    Text(text=_on_rates(lines) + best_of),
                    _plots(
                        lines, (_ERROR, _DEAD), over="learning rate", xlabel="learning rate (logarithmic)", xlog=True
                    ),
                ],
            )
        )
    return sections


def _along(summaries: Sequence[Summary], key: Callable[[Summary], float]) -> dict[str, dict[float, Summary]]:
    """Return the summary with the lowest error, by activation and by the value of a setting in ascending order."""
    lines: dict[str, dict[float, Summary]] = {}
    for summary in sorted(summaries, key=key):
        line = lines.setdefault(summary.activation, {})
        rival = line.get(key(summary))
        if rival is None or summary.error.mean < rival.error.mean:
            line[key(summary)] = summary
    return {name: lines[name] for name in ACTIVATIONS if name in lines}


def _plots(
    lines: dict[str, dict[float, Summary]],
    measures: Sequence[_Measure],
    *,
    over: str,
    xlabel: str,
    xlog: bool = False,
) -> Plots:
    return Plots(
        title=f"Over {over}",
        plots=[_plot(lines, measure, over=over, xlabel=xlabel, xlog=xlog) for measure in measures],
        note="Means over the seeds; the bands are 95 % intervals of them.",
    )


def _plot(lines: dict[str, dict[float, Summary]], measure: _Measure, *, over: str, xlabel: str, xlog: bool) -> Plot:
    means = {
        name: {value: summary.mean(measure.figure) for value, summary in line.items()} for name, line in lines.items()
    }
    everything = [mean.mean for line in means.values() for mean in line.values()]
    positive = [value for value in everything if value > 0]
    ticks = sorted({value for line in means.values() for value in line})
    setting: dict[str, Any] = {
        "xscale": "log" if xlog else "linear",
        "xticks": ticks,
        "xticklabels": [f"{tick:g}" for tick in ticks],
        "xlabel": xlabel,
        "ylabel": measure.title + (" (log.)" if measure.log else ""),
    }
    if measure.log and positive:
        floor = min(positive) / 1.5
        setting |= {"yscale": "log", "ylim": (floor, 1.5 * max(positive))}
    else:
        floor = 0.0
        highest = max(0.01, *(min(mean.high or mean.mean, 1.0) for line in means.values() for mean in line.values()))
        setting |= {"ylim": (-0.03 * highest, 1.05 * highest)}
    values = [
        f"{name} " + ", ".join(f"{mean.mean:{measure.form}} at {value:g}" for value, mean in line.items())
        for name, line in means.items()
    ]
    return Plot(
        title=f"{measure.title[0].upper()}{measure.title[1:]} over {over}.",
        alt=f"{measure.title[0].upper()}{measure.title[1:]} over {over}: {'; '.join(values)}.",
        svg=line_plot([_line(name, line, floor) for name, line in means.items()], room=0.25, setting=setting),
    )


def _line(name: str, means: dict[float, Mean], floor: float) -> Line:
    banded = all(mean.low is not None for mean in means.values())
    i = list(ACTIVATIONS).index(name)
    return Line(
        name=name,
        x=list(means),
        y=[max(mean.mean, floor) for mean in means.values()],
        low=[max(mean.low or 0.0, floor) for mean in means.values()] if banded else None,
        high=[mean.high or 0.0 for mean in means.values()] if banded else None,
        colour=LINES[i % len(LINES)],
        style=("-", "--", "-.")[i % 3],
        marker="o",
    )


def _on_depth(lines: dict[str, dict[float, Summary]]) -> str:
    """Return sentences that compare the deepest networks with the shallowest."""
    values = sorted({value for line in lines.values() for value in line})
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


def _on_rates(lines: dict[str, dict[float, Summary]]) -> str:
    """Return sentences on the share of dead units at the lowest and the highest learning rate."""
    values = sorted({value for line in lines.values() for value in line})
    change: dict[str, tuple[float, float]] = {}
    for name, line in lines.items():
        dead = [summary.mean(_DEAD.figure).mean for summary in line.values()]
        change[name] = (dead[0], dead[-1])
    moved = {name: pair for name, pair in change.items() if abs(pair[1] - pair[0]) >= _NOTABLE}
    never = [name for name, pair in change.items() if max(pair) == 0]
    start = f"From a learning rate of {values[0]:g} to one of {values[-1]:g}"
    changes = [
        f"the dead units of {name} {'rise' if after > before else 'fall'} from {before:.1%} to {after:.1%} of all"
        for name, (before, after) in moved.items()
    ]
    change_text = (
        f"{start}, {listed(changes)}."
        if changes
        else f"{start}, the share of dead units changes by less than {_NOTABLE:.0%}."
    )
    return change_text + (f" {listed(never)} {'have' if len(never) > 1 else 'has'} none at either." if never else "")
