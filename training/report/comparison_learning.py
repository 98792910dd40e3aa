"""Sections on learning in a comparison: losses, activations, dead units, gradients, learned slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.messages import phrase
from models.network.activations import ACTIVATIONS
from training.comparison.summary import Summary, labels_of
from training.report.kit.page import Grid, Part, Plots, Section, Text
from training.report.learning import activation_plot, gradient_plots, loss_plots, slopes_plot, units_plot
from training.settings.config import TrainConfig


def learning_sections(summaries: Sequence[Summary], best: Sequence[Summary], config: TrainConfig) -> list[Section]:
    """Return the sections; `best` has one summary for each activation, under its best setting."""
    return [
        Section(anchor="losses", title=phrase("Losses over the epochs"), parts=[_losses(best)]),
        Section(anchor="activations", title=phrase("The activations"), parts=[_activations(best, config)]),
        Section(anchor="units", title=phrase("Dead units"), parts=list(_units(summaries))),
        Section(anchor="gradients", title=phrase("Gradients through the layers"), parts=[_gradients(summaries, best)]),
        *_slopes(_deepest(summaries, best)),
    ]


def _losses(best: Sequence[Summary]) -> Plots:
    losses = {
        name: (
            _by_epoch([outcome.losses for outcome in summary.outcomes]),
            _by_epoch([outcome.validation_losses for outcome in summary.outcomes]),
        )
        for name, summary in zip(labels_of(best), best, strict=True)
    }
    epochs = [summary.mean(lambda outcome: outcome.best_epoch).mean for summary in best]
    return Plots(
        title=phrase("Each activation, with the others in grey"),
        plots=loss_plots(losses, best=epochs),
        small=True,
        note=phrase(
            "Coloured: loss on the validation rows, the mean over the seeds with its 95 % interval as a band. Dotted: "
            "loss on the fitting rows."
        ),
    )


def _by_epoch(lines: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return an array of seeds × epochs, cut to the epochs that all seeds have."""
    epochs = min(map(len, lines))
    return np.array([list(line[:epochs]) for line in lines])


def _activations(best: Sequence[Summary], config: TrainConfig) -> Plots:
    return Plots(
        title=phrase("Value and slope, from −4 to 4"),
        plots=[activation_plot(summary.activation, config.parameter_of(summary.activation)) for summary in best],
        small=True,
        note=phrase(
            "Line: the value, as the exported network computes it. Dashed: its slope. Where the slope is zero, a unit "
            "does not learn."
        ),
    )


def _units(summaries: Sequence[Summary]) -> Iterator[Part]:
    drawn = {}
    for name, summary in zip(labels_of(summaries), summaries, strict=True):
        shares = _dead_by_epoch(summary)
        if ACTIVATIONS[summary.activation].can_die or any(map(any, shares.values())):
            drawn[name] = summary, shares
    alive = sorted({item.activation for item in summaries} - {summary.activation for summary, _ in drawn.values()})
    if alive:
        yield Text(
            text=phrase(
                "No unit of {activations} is dead in any epoch, under any setting and with any seed.",
                activations=", ".join(alive),
            )
        )
    if not drawn:
        return
    yield Plots(
        title=phrase("Share of dead units by layer and epoch"),
        plots=[units_plot(name, shares, state="dead") for name, (_, shares) in drawn.items()],
        note=phrase(
            "The mean over the seeds; white where less than half a percent are dead. The output of a dead unit is zero "
            "on every validation row, and as a rule it learns no more."
        ),
    )
    dead = {name: summary.dead_by_layer for name, (summary, _) in drawn.items()}
    layers = max(dead.values(), key=len)
    yield Grid(
        title=phrase("Dead units by layer, with the weights that were kept"),
        header=(phrase("activation"), *layers),
        rows=[
            (name, *(phrase("{share:.1%}", share=shares[layer]) if layer in shares else "–" for layer in layers))
            for name, shares in dead.items()
        ],
    )


def _dead_by_epoch(summary: Summary) -> dict[str, list[float]]:
    return {
        layer: _by_epoch([outcome.dead_by_epoch[layer] for outcome in summary.outcomes]).mean(axis=0).tolist()
        for layer in summary.dead_by_layer
    }


def _gradients(summaries: Sequence[Summary], best: Sequence[Summary]) -> Plots:
    deepest = _deepest(summaries, best)
    first = [summary.gradients(lambda outcome: outcome.first_gradients) for summary in deepest]
    last = [summary.gradients(lambda outcome: outcome.last_gradients) for summary in deepest]
    depths = {len(summary.setting.hidden_units) for summary in summaries}
    title = phrase("Gradient of each layer’s weights")
    if len(depths) > 1:
        title = phrase(
            "Gradient of each layer’s weights, in the deepest networks, of {layers} hidden layers before the "
            "bottleneck",
            layers=max(depths),
        )
    return Plots(
        title=title,
        plots=gradient_plots(dict(zip(labels_of(deepest), zip(first, last, strict=True), strict=True))),
        small=True,
        note=phrase(
            "Line: at the first step. Dashed: the mean of the last steps. From the input on the left (e: encoder, b: "
            "bottleneck, d: decoder) to the output on the right. Gradients flow from right to left: a line that falls "
            "to the left by powers of ten shows that they vanish. Means over the seeds."
        ),
    )


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
    note = phrase(
        "Slopes start at 0, which is relu; a slope of 1 makes the activation linear. The bar is the range of a layer "
        "over all seeds, the dot the mean."
    )
    if plots:
        part = Plots(title=phrase("Slopes below zero that were learned"), plots=plots, note=note)
        yield Section(anchor="slopes", title=phrase("Learned slopes"), parts=[part])
