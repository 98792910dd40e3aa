"""Sections on learning in a comparison: losses, activations, dead units, gradients, learned slopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from training.comparison.summary import Summary, labels_of
from training.network.diagnostics import LayerHealth
from training.report.kit.page import Grid, Part, Plots, Section, Text
from training.report.learning import (
    Losses,
    activation_plot,
    gradient_limits,
    gradient_plot,
    loss_limits,
    loss_plot,
    slopes_plot,
    units_plot,
)
from training.settings.config import TrainConfig


def learning_sections(summaries: Sequence[Summary], best: Sequence[Summary], config: TrainConfig) -> list[Section]:
    """Return the sections.

    Args:
        summaries: Every activation under every setting.
        best: One for each activation, under its best setting.
        config: The settings that all networks share.
    """
    return [
        Section(anchor="losses", title="Losses over the epochs", parts=[_losses(best)]),
        Section(anchor="activations", title="The activations", parts=[_activations(best, config)]),
        Section(anchor="units", title="Dead units", parts=list(_units(summaries))),
        Section(anchor="gradients", title="Gradients through the layers", parts=[_gradients(summaries, best)]),
        *_slopes(_deepest(summaries, best)),
    ]


def _losses(best: Sequence[Summary]) -> Plots:
    names = dict(zip((item.activation for item in best), labels_of(best), strict=True))
    losses = [
        Losses(
            name=names[summary.activation],
            fitting=_by_epoch([outcome.losses for outcome in summary.outcomes]),
            validation=_by_epoch([outcome.validation_losses for outcome in summary.outcomes]),
        )
        for summary in best
    ]
    limits = loss_limits(losses)
    return Plots(
        title="Each activation, with the others in grey",
        plots=[
            loss_plot(
                drawn,
                [other for other in losses if other is not drawn],
                limits=limits,
                best=summary.mean(lambda outcome: outcome.best_epoch).mean,
            )
            for drawn, summary in zip(losses, best, strict=True)
        ],
        small=True,
        note="Coloured: loss on the validation rows, the mean over the seeds with its 95 % interval as a band. Dotted: "
        "loss on the fitting rows.",
    )


def _by_epoch(lines: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return an array of seeds × epochs, cut to the epochs that all seeds have."""
    epochs = min(map(len, lines))
    return np.array([list(line[:epochs]) for line in lines])


def _activations(best: Sequence[Summary], config: TrainConfig) -> Plots:
    return Plots(
        title="Value and slope, from −4 to 4",
        plots=[activation_plot(summary.activation, config.parameter_of(summary.activation)) for summary in best],
        small=True,
        note="Line: the value, as the exported network computes it. Dashed: its slope. Where the slope is zero, a unit "
        "does not learn.",
    )


def _units(summaries: Sequence[Summary]) -> Iterator[Part]:
    names = labels_of(summaries)
    shares = [_dead_by_epoch(summary) for summary in summaries]
    drawn = [
        i
        for i, summary in enumerate(summaries)
        if ACTIVATIONS[summary.activation].can_die or any(max(line) > 0 for line in shares[i].values())
    ]
    alive = sorted({item.activation for item in summaries} - {summaries[i].activation for i in drawn})
    if alive:
        yield Text(text=f"No unit of {', '.join(alive)} is dead in any epoch, under any setting and with any seed.")
    if not drawn:
        return
    yield Plots(
        title="Share of dead units by layer and epoch",
        plots=[units_plot(names[i], shares[i], state="dead") for i in drawn],
        note="The mean over the seeds; blank where no unit is dead. The output of a dead unit is zero on every "
        "validation row, and as a rule it learns no more.",
    )
    layers = max((summaries[i].layers for i in drawn), key=len)
    yield Grid(
        title="Dead units by layer, with the weights that were kept",
        header=("activation", *layers),
        rows=[
            (
                names[i],
                *(
                    f"{summaries[i].layer_mean(summaries[i].layers.index(layer), _dead):.1%}"
                    if layer in summaries[i].layers
                    else "–"
                    for layer in layers
                ),
            )
            for i in drawn
        ],
    )


def _dead(layer: LayerHealth) -> float:
    return layer.dead / layer.units


def _dead_by_epoch(summary: Summary) -> dict[str, list[float]]:
    return {
        layer: _by_epoch([outcome.dead_by_epoch[layer] for outcome in summary.outcomes]).mean(axis=0).tolist()
        for layer in summary.layers
    }


def _gradients(summaries: Sequence[Summary], best: Sequence[Summary]) -> Plots:
    deepest = _deepest(summaries, best)
    names = labels_of(deepest)
    first = [_mean_norms([item.first_gradients for item in summary.outcomes]) for summary in deepest]
    last = [_mean_norms([item.last_gradients for item in summary.outcomes]) for summary in deepest]
    limits = gradient_limits([*first, *last])
    depths = {len(summary.setting.hidden_units) for summary in summaries}
    where = (
        f", in the deepest networks, of {max(depths)} hidden layers before the bottleneck" if len(depths) > 1 else ""
    )
    return Plots(
        title=f"Gradient of each layer’s weights{where}",
        plots=[
            gradient_plot(name, early, late, limits=limits)
            for name, early, late in zip(names, first, last, strict=True)
        ],
        small=True,
        note="Line: at the first step. Dashed: the mean of the last steps. From the input on the left (e: encoder, b: "
        "bottleneck, d: decoder) to the output on the right. Gradients flow from right to left: a line that falls to "
        "the left by powers of ten shows that they vanish. Means over the seeds.",
    )


def _mean_norms(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {layer: float(np.mean([norms[layer] for norms in seeds])) for layer in seeds[0]}


def _deepest(summaries: Sequence[Summary], best: Sequence[Summary]) -> list[Summary]:
    """Return one summary for each activation: the best of its deepest networks."""
    deepest: dict[str, Summary] = {summary.activation: summary for summary in best}
    for summary in summaries:
        rival = deepest[summary.activation]
        deeper = len(summary.setting.hidden_units) - len(rival.setting.hidden_units)
        if deeper > 0 or (deeper == 0 and summary.error.mean < rival.error.mean):
            deepest[summary.activation] = summary
    return list(deepest.values())


def _slopes(summaries: Sequence[Summary]) -> Iterator[Section]:
    labelled = zip(labels_of(summaries), summaries, strict=True)
    plots = [slopes_plot(name, summary.slopes) for name, summary in labelled if summary.slopes]
    if plots:
        yield Section(
            anchor="slopes",
            title="Learned slopes",
            parts=[
                Plots(
                    title="Slopes below zero that were learned",
                    plots=plots,
                    note="Slopes start at 0, which is relu; a slope of 1 makes the activation linear. The bar is the "
                    "range of a layer over all seeds, the dot the mean.",
                )
            ],
        )
