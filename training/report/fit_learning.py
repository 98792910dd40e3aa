"""How the networks of a fit learned: losses, dead and saturated units, gradients, the activation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.network.activations import ACTIVATIONS
from training.fit import FitResult
from training.report.activations import activation_plot
from training.report.kit.marks import range_plot
from training.report.kit.parts import Grid, Part, Plot, Plots, Section, Text
from training.report.learning import Losses, gradient_limits, gradient_plot, loss_limits, loss_plot, units_plot


def learning_section(result: FitResult) -> Section:
    """Return what happened in the epochs."""
    return Section(anchor="learning", title="How it learned", parts=list(_parts(result)))


def _parts(result: FitResult) -> Iterator[Part]:
    history, config = result.history, result.network_config
    name = config.activation
    widths = "–".join(map(str, (config.features, *config.layer_units, config.features)))
    several = "One network" if config.members == 1 else f"{config.members} networks"
    yield Text(
        text=f"{several} of {widths} units, {name}, {result.parameters:,} weights; {len(history.epochs)} epochs in "
        f"{history.seconds:.1f} s."
        + (
            ""
            if not result.detector.calibration.rows.refitted
            else " They were fitted twice, once without the held-out rows and then with them. What is shown is the "
            "second time, of those that are fitted first: the rows of the validation loss are among those learned from."
        )
    )
    losses = Losses(
        name=name,
        fitting=np.array([[epoch.loss for epoch in history.epochs]]),
        validation=np.array([[epoch.validation_loss for epoch in history.epochs]]),
    )
    first, last = history.epochs[0].gradients, history.epochs[-1].gradients
    yield Plots(
        title="Losses, gradients, activation",
        plots=[
            loss_plot(losses, limits=loss_limits([losses]), best=history.best),
            *([gradient_plot(name, first, last, limits=gradient_limits([first, last]))] if first else []),
            activation_plot(name, config.activation_parameter),
        ],
        small=True,
        note="Losses: coloured on the validation rows, dotted on the fitting rows. Gradients of each layer’s weights: "
        "line at the first step, dashed the mean of the last ones; e: encoder, b: bottleneck, d: decoder. "
        "Activation: line the value, dashed its slope.",
    )
    yield from _units(result)
    if result.slopes:
        yield Plot(
            title="Learned slopes below zero: lowest, mean and highest of each layer.",
            alt="Learned slopes: "
            + ", ".join(
                f"{layer} {low:.2f} to {high:.2f}, mean {mean:.2f}"
                for layer, (low, mean, high) in result.slopes.items()
            )
            + ".",
            svg=range_plot(list(result.slopes), list(result.slopes.values()), xlabel="slope below zero"),
        )


def _units(result: FitResult) -> Iterator[Part]:
    epochs = result.history.epochs
    name = result.network_config.activation
    layers = [layer.layer for layer in epochs[0].units]
    shares = {
        what: {
            layer: [getattr(epoch.units[place], what) / epoch.units[place].units for epoch in epochs]
            for place, layer in enumerate(layers)
        }
        for what in ("dead", "saturated")
    }
    spec = ACTIVATIONS[name]
    wanted = {"dead": spec.can_die, "saturated": spec.ends is not None}
    shown = [
        what
        for what, lines in shares.items()
        if lines and (wanted[what] or any(max(line) > 0 for line in lines.values()))
    ]
    if shown:
        yield Plots(
            title="Units that do nothing, by layer and epoch",
            plots=[units_plot(name, shares[what], what=what) for what in shown],
            note="Counted on the validation rows; blank where there are none.",
        )
    yield Grid(
        title="Units of each layer, at the end",
        header=("layer", "units", "dead", "nearly dead", "saturated", "outputs that are zero"),
        rows=[
            (
                layer.layer,
                f"{layer.units:,}",
                f"{layer.dead:,}",
                f"{layer.nearly_dead:,}",
                f"{layer.saturated:,}",
                f"{layer.zeros:.1%}",
            )
            for layer in result.health
        ],
        note="Dead: zero on every validation row. Nearly dead: zero on 99 % of them. Saturated: at an end of the "
        "activation on all of them.",
    )
