"""Plots of how networks learned: losses, dead units and gradients of one or several seeds; the activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.messages import Message, Template, joined, listed, phrase, unfilled
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import OnnxEngine
from training.comparison.summary import Mean
from training.network.onnx_export import onnx_bytes
from training.report.kit.drawing import ACCENT, INK, SECOND, SOFT
from training.report.kit.lines import PANEL, Line, line_plot
from training.report.kit.page import Plot
from training.report.kit.shapes import heat_map, in_two_widths, range_plot

_PRELU_SLOPE: Final = 0.25  # for drawing; prelu learns its slopes
_TOLD_INPUTS: Final = (-2.0, 0.5, 2.0)  # whose outputs the alternative text tells


_EPOCH: Final = phrase("epoch")


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The words about units that are in a state, for the title of a plot and for screen readers."""

    title: Template
    alt: Template
    never: Message
    between: Template
    after: Template


_STATES: Final = {
    "dead": _State(
        title=unfilled("{name}: share of each layer’s units that are dead, after each epoch."),
        alt=unfilled("Heat map of dead units of {name} by layer and epoch: {finding}."),
        never=phrase("no unit is dead in any epoch"),
        between=unfilled("at most {share:.0%} of a layer is dead in between, nothing after the last epoch"),
        after=unfilled("dead after the last epoch: {shares}"),
    ),
    "saturated": _State(
        title=unfilled("{name}: share of each layer’s units that are saturated, after each epoch."),
        alt=unfilled("Heat map of saturated units of {name} by layer and epoch: {finding}."),
        never=phrase("no unit is saturated in any epoch"),
        between=unfilled("at most {share:.0%} of a layer is saturated in between, nothing after the last epoch"),
        after=unfilled("saturated after the last epoch: {shares}"),
    ),
}


def loss_plots(
    losses: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], *, best: Sequence[float]
) -> list[Plot]:
    """Draw losses over the epochs, the mean over the seeds with its interval; the other networks' in grey behind.

    Args:
        losses: Losses on the fitting and on the validation rows, each seeds × epochs, by name of the networks.
        best: Epoch with the lowest validation loss, of each name.
    """
    means = {name: [line.mean(axis=0) for line in each] for name, each in losses.items()}
    positive = np.concatenate([line[line > 0] for each in means.values() for line in each])
    low, high = (positive.min() / 1.3, positive.max() * 1.3) if len(positive) else (0.1, 1.0)
    plots = []
    for (name, (fitting, validation)), kept in zip(means.items(), best, strict=True):
        bands = [Mean.of(column.tolist()) for column in losses[name][1].T]
        epochs, lowest = range(1, len(validation) + 1), int(validation.argmin())
        marker = "o" if len(epochs) == 1 else ""  # a line of one point is invisible
        rises = validation[-1] > 1.05 * validation[lowest]
        others = [line for other, (_, line) in means.items() if other != name]
        lines = [
            *(Line(x=range(1, len(line) + 1), y=line, colour=SOFT, width=0.7) for line in others),
            Line(x=epochs, y=fitting, colour=INK, style=":", width=1.2, marker=marker),
            Line(
                x=epochs,
                y=validation,
                band=([max(band.low, low) for band in bands], [band.high for band in bands]),
                colour=ACCENT,
                width=2.0,
                marker=marker,
            ),
        ]
        xlim = (0.5, len(epochs) + 0.5)
        setting = {
            "yscale": "log",
            "xlim": xlim,
            "ylim": (low, high),
            "xlabel": _EPOCH,
            "ylabel": phrase("loss (log.)"),
        }
        figures = {
            "name": name,
            "epochs": len(epochs),
            "first": validation[0],
            "last": validation[-1],
            "lowest": validation[lowest],
            "epoch": lowest + 1,
            "first_fitting": fitting[0],
            "last_fitting": fitting[-1],
            "kept": kept,
        }
        if rises:
            alt = phrase(
                "Losses of {name} over {epochs} epochs: on the validation rows from {first:.3g} to {last:.3g}, lowest "
                "{lowest:.3g} in epoch {epoch}, and rising after it; on the fitting rows from {first_fitting:.3g} to "
                "{last_fitting:.3g}. The weights of epoch {kept:.0f} were kept.",
                **figures,
            )
        else:
            alt = phrase(
                "Losses of {name} over {epochs} epochs: on the validation rows from {first:.3g} to {last:.3g}, lowest "
                "{lowest:.3g} in epoch {epoch}; on the fitting rows from {first_fitting:.3g} to {last_fitting:.3g}. "
                "The weights of epoch {kept:.0f} were kept.",
                **figures,
            )
        plots.append(Plot(title=name, alt=alt, svg=line_plot(lines, size=PANEL, whole=True, setting=setting)))
    return plots


def units_plot(name: str, shares: Mapping[str, Sequence[float]], *, state: str) -> Plot:
    """Draw the share of ``dead`` or ``saturated`` units after each epoch, by layer."""
    values = np.array([list(line) for line in shares.values()])
    last = dict(zip(shares, values[:, -1].tolist(), strict=True))
    words = _STATES[state]
    if values.max() == 0:
        finding = words.never
    elif not any(last.values()):
        finding = words.between.filled(share=float(values.max()))
    else:
        first = dict(zip(shares, values[:, 0].tolist(), strict=True))
        each = [
            phrase("{share:.0%} of {layer} (after the first {first:.0%})", share=share, layer=layer, first=first[layer])
            for layer, share in last.items()
        ]
        finding = words.after.filled(shares=listed(each))
    svg, wide = in_two_widths(heat_map, values, list(shares), xlabel=_EPOCH)
    return Plot(
        title=words.title.filled(name=name),
        alt=words.alt.filled(name=name, finding=finding),
        svg=svg,
        wide=wide,
    )


def gradient_plots(norms: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]) -> list[Plot]:
    """Draw the norm of the gradient by layer; zero is drawn at the lower end of the axis.

    Args:
        norms: Norms by layer, at the first step and of the running mean over the last steps, by name of the network.
    """
    positive = [norm for pair in norms.values() for by_layer in pair for norm in by_layer.values() if norm > 0]
    floor, highest = (min(positive) / 2, max(positive) * 2) if positive else (1e-3, 1.0)
    plots = []
    for name, (first, last) in norms.items():
        layers = list(first)
        start, *_, end = layers
        ratio = first[start] / max(first[end], 1e-30)
        step = -(-len(layers) // 12)
        x = range(len(layers))
        lines = [
            Line(x=x, y=[max(norm, floor) for norm in last.values()], colour=SECOND, style="--", marker="s"),
            Line(x=x, y=[max(norm, floor) for norm in first.values()], colour=ACCENT, marker="o", width=2.0),
        ]
        setting = {
            "yscale": "log",
            "ylim": (floor, highest),
            "xticks": x[::step],
            "xticklabels": [_short(layer) for layer in layers[::step]],
            "xlabel": phrase("layer"),
            "ylabel": phrase("gradient (log.)"),
        }
        alt = phrase(
            "Gradients of {name} by layer: at the first step {first_start:.2g} at {start} and {first_end:.2g} at "
            "{end}, a ratio of {ratio:.2g}; at the end {last_start:.2g} and {last_end:.2g}.",
            name=name,
            start=start,
            end=end,
            first_start=first[start],
            first_end=first[end],
            ratio=ratio,
            last_start=last[start],
            last_end=last[end],
        )
        title = phrase("{name}: first layer × {ratio:.2g} of the output.", name=name, ratio=ratio)
        plots.append(Plot(title=title, alt=alt, svg=line_plot(lines, size=PANEL, setting=setting)))
    return plots


def _short(layer: str) -> str:
    """Return e1, e2, … for a layer of the encoder, b, … d2, d1 for one of the decoder, out."""
    return {"bottleneck": "b", "output": "out"}.get(layer, layer.replace("encoder_", "e").replace("decoder_", "d"))


def slopes_plot(name: str, slopes: Mapping[str, tuple[float, float, float]]) -> Plot:
    """Draw the lowest, mean and highest slope below zero that each layer learned."""
    ranges = [
        phrase("{layer} {low:.2f} to {high:.2f}, mean {mean:.2f}", layer=layer, low=low, high=high, mean=mean)
        for layer, (low, mean, high) in slopes.items()
    ]
    svg, wide = in_two_widths(range_plot, slopes, xlabel=phrase("slope below zero"))
    return Plot(
        title=phrase("{name}: lowest, mean and highest learned slope of each layer.", name=name),
        alt=phrase("Learned slopes of {name}: {ranges}.", name=name, ranges=joined(ranges, by=", ")),
        svg=svg,
        wide=wide,
    )


def activation_values(name: str, x: NDArray[np.float32], *, parameter: float | None = None) -> NDArray[np.float32]:
    """Return f(x) `(n,)` for inputs `(n,)`: the bottleneck of a network of one unit whose only weight is one."""
    config = AutoencoderConfig(
        features=1, hidden_units=(), latent_units=1, activation=name, activation_parameter=parameter
    )
    values = {"kernel": 1.0, "bias": 0.0, "slope": _PRELU_SLOPE}
    weights = {
        weight: np.full(shape, values[weight.rpartition("_")[2]], np.float32)
        for weight, shape in weight_shapes(config).items()
    }
    return OnnxEngine(onnx_bytes(config, weights), config).embed(x[:, None])[:, 0]


def activation_plot(name: str, parameter: float | None) -> Plot:
    """Draw an activation and its slope; without a parameter, with its default."""
    x = np.linspace(-4, 4, 401, dtype=np.float32)
    y = activation_values(name, x, parameter=parameter)
    slope = np.gradient(y, x)
    values = [
        phrase(
            "at {input} it is {value} with slope {slope}",
            input=_signed(unfilled("{sign}{number:g}"), at),
            value=_signed(unfilled("{sign}{number:.2f}"), y[i]),
            slope=_signed(unfilled("{sign}{number:.2f}"), slope[i]),
        )
        for at, i in zip(_TOLD_INPUTS, np.searchsorted(x, _TOLD_INPUTS).tolist(), strict=True)
    ]
    title: str = f"{name}: {ACTIVATIONS[name].formula}."
    if ACTIVATIONS[name].learns_slope:
        title = phrase("{title} Its slope below zero is learned; {slope:g} is drawn.", title=title, slope=_PRELU_SLOPE)
    lines = [
        Line(x=x.tolist(), y=y.tolist(), colour=SECOND, width=2.0),
        Line(x=x.tolist(), y=slope.tolist(), colour=ACCENT, style="--", width=1.2),
    ]
    return Plot(
        title=title,
        alt=phrase("{name} and its slope from −4 to 4: {values}.", name=name, values=joined(values, by=", ")),
        svg=line_plot(lines, size=PANEL, zero=True, setting={"ylim": (-2.0, 4.2), "xlabel": phrase("input")}),
    )


def _signed(form: Template, number: float) -> Message:
    """Return a number with a real minus, which screen readers say."""
    return form.filled(sign="−" if number < 0 else "", number=abs(number))
