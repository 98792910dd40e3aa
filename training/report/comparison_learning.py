"""How the networks of a comparison learned: losses, activations, dead units, gradients and learned slopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from training.comparison.summary import Summary
from training.network.diagnostics import LayerHealth
from training.report.activations import activation_plot
from training.report.comparison_tables import labels_of
from training.report.kit.marks import range_plot
from training.report.kit.parts import Grid, Part, Plot, Plots, Section, Text
from training.report.learning import Losses, gradient_limits, gradient_plot, loss_limits, loss_plot, units_plot
from training.settings.config import TrainConfig


def learning_sections(summaries: Sequence[Summary], best: Sequence[Summary], config: TrainConfig) -> list[Section]:
    """Return what happened while the networks learned.

    Args:
        summaries: Every activation under every setting.
        best: One for each activation, under the setting that suits it best.
        config: What all networks have in common.
    """
    return [
        Section(anchor="losses", title="Losses over the epochs", parts=[_losses(best)]),
        Section(anchor="activations", title="The activations", parts=[_activations(best, config)]),
        Section(anchor="units", title="Dead units", parts=list(_units(summaries))),
        Section(anchor="gradients", title="Gradients through the layers", parts=[_gradients(summaries, best)]),
        *_slopes(_deepest(summaries, best)),
    ]


def _losses(best: Sequence[Summary]) -> Plots:
    names = dict(zip((one.activation for one in best), labels_of(best), strict=True))
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
        title="Each activation, the others in grey behind it",
        plots=[
            loss_plot(
                own,
                [other for other in losses if other is not own],
                limits=limits,
                best=summary.mean(lambda one: one.best_epoch).mean,
            )
            for own, summary in zip(losses, best, strict=True)
        ],
        small=True,
        note="Coloured: loss on the validation rows, the mean over the seeds with its 95 % interval as a band. Dotted: "
        "loss on the fitting rows while they are learned from.",
    )


def _by_epoch(lines: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return seeds × epochs, of the epochs that all seeds have."""
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
    shown = [
        place
        for place, summary in enumerate(summaries)
        if ACTIVATIONS[summary.activation].can_die or any(max(line) > 0 for line in shares[place].values())
    ]
    alive = sorted({one.activation for one in summaries} - {summaries[place].activation for place in shown})
    if alive:
        yield Text(text=f"No unit of {', '.join(alive)} is dead in any epoch, under any setting and with any seed.")
    if not shown:
        return
    yield Plots(
        title="Share of dead units by layer and epoch",
        plots=[units_plot(names[place], shares[place], what="dead") for place in shown],
        note="The mean over the seeds; blank where no unit is dead. A dead unit gives zero on every validation row, "
        "and as a rule learns no more.",
    )
    layers = max((summaries[place].layers for place in shown), key=len)
    yield Grid(
        title="Dead units by layer, with the weights that were kept",
        header=("activation", *layers),
        rows=[
            (
                names[place],
                *(
                    f"{summaries[place].layer_mean(summaries[place].layers.index(layer), _dead):.1%}"
                    if layer in summaries[place].layers
                    else "–"
                    for layer in layers
                ),
            )
            for place in shown
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
    shown = _deepest(summaries, best)
    names = labels_of(shown)
    first = [_mean_norms([one.first_gradients for one in summary.outcomes]) for summary in shown]
    last = [_mean_norms([one.last_gradients for one in summary.outcomes]) for summary in shown]
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
        note="Line: at the first step. Dashed: the mean of the last steps. From the input on the left (e: "
        "encoder, b: bottleneck, d: decoder) to the output on the right, from where gradients come. A line that falls "
        "to the left by powers of ten means that they vanish on their way. Means over the seeds.",
    )


def _mean_norms(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {layer: float(np.mean([one[layer] for one in found])) for layer in found[0]}


def _deepest(summaries: Sequence[Summary], best: Sequence[Summary]) -> list[Summary]:
    """Return one summary for each activation: of its deepest networks, the best; of one depth, the best of all."""
    shown: dict[str, Summary] = {summary.activation: summary for summary in best}
    for summary in summaries:
        rival = shown[summary.activation]
        deeper = len(summary.setting.hidden_units) - len(rival.setting.hidden_units)
        if deeper > 0 or (deeper == 0 and summary.error.mean < rival.error.mean):
            shown[summary.activation] = summary
    return list(shown.values())


def _slopes(shown: Sequence[Summary]) -> Iterator[Section]:
    names = labels_of(shown)
    plots = [_slopes_plot(name, summary) for name, summary in zip(names, shown, strict=True) if summary.slopes]
    if plots:
        yield Section(
            anchor="slopes",
            title="Learned slopes",
            parts=[
                Plots(
                    title="Slopes below zero that were learned",
                    plots=plots,
                    note="They start at 0, which is relu; a slope of 1 is a straight line. The bar goes from the "
                    "lowest to the highest slope of a layer over all seeds, the dot is the mean.",
                )
            ],
        )


def _slopes_plot(name: str, summary: Summary) -> Plot:
    slopes = summary.slopes
    return Plot(
        title=f"{name}: lowest, mean and highest slope of each layer.",
        alt=f"Learned slopes of {name}: "
        + ", ".join(f"{layer} {low:.2f} to {high:.2f}, mean {mean:.2f}" for layer, (low, mean, high) in slopes.items())
        + ".",
        svg=range_plot(list(slopes), list(slopes.values()), xlabel="slope below zero"),
    )
