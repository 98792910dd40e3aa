"""Plots of how networks learned: losses, dead units and gradients of one or several seeds; the activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import OnnxEngine
from training.comparison.summary import Mean
from training.network.onnx_export import onnx_bytes
from training.report.kit.drawing import ACCENT, INK, SECOND, SOFT
from training.report.kit.formatting import listed
from training.report.kit.lines import PANEL, Line, line_plot
from training.report.kit.page import Plot
from training.report.kit.shapes import heat_map, in_two_widths, range_plot

_PRELU_SLOPE: Final = 0.25  # for drawing; prelu learns its slopes
_TOLD_INPUTS: Final = (-2.0, 0.5, 2.0)  # whose outputs the alternative text tells


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
        setting = {"yscale": "log", "xlim": xlim, "ylim": (low, high), "xlabel": "epoch", "ylabel": "loss (log.)"}
        alt = (
            f"Losses of {name} over {len(epochs)} epochs: on the validation rows from "
            f"{validation[0]:.3g} to {validation[-1]:.3g}, lowest {validation[lowest]:.3g} in epoch {lowest + 1}"
            f"{', and rising after it' if rises else ''}; on the fitting rows from {fitting[0]:.3g} to "
            f"{fitting[-1]:.3g}. The weights of epoch {kept:.0f} were kept."
        )
        plots.append(Plot(title=name, alt=alt, svg=line_plot(lines, size=PANEL, whole=True, setting=setting)))
    return plots


def units_plot(name: str, shares: Mapping[str, Sequence[float]], *, state: str) -> Plot:
    """Draw the share of ``dead`` or ``saturated`` units after each epoch, by layer."""
    values = np.array([list(line) for line in shares.values()])
    last = dict(zip(shares, values[:, -1].tolist(), strict=True))
    if values.max() == 0:
        finding = f"no unit is {state} in any epoch"
    elif not any(last.values()):
        finding = f"at most {values.max():.0%} of a layer is {state} in between, nothing after the last epoch"
    else:
        first = dict(zip(shares, values[:, 0].tolist(), strict=True))
        finding = f"{state} after the last epoch: " + listed(
            [f"{share:.0%} of {layer} (after the first {first[layer]:.0%})" for layer, share in last.items()]
        )
    svg, wide = in_two_widths(heat_map, values, list(shares), xlabel="epoch")
    return Plot(
        title=f"{name}: share of each layer’s units that are {state}, after each epoch.",
        alt=f"Heat map of {state} units of {name} by layer and epoch: {finding}.",
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
            "xlabel": "layer",
            "ylabel": "gradient (log.)",
        }
        alt = (
            f"Gradients of {name} by layer: at the first step {first[start]:.2g} at {start} and {first[end]:.2g} at "
            f"{end}, a ratio of {ratio:.2g}; at the end {last[start]:.2g} and {last[end]:.2g}."
        )
        title = f"{name}: first layer × {ratio:.2g} of the output."
        plots.append(Plot(title=title, alt=alt, svg=line_plot(lines, size=PANEL, setting=setting)))
    return plots


def _short(layer: str) -> str:
    """Return e1, e2, … for a layer of the encoder, b, … d2, d1 for one of the decoder, out."""
    return {"bottleneck": "b", "output": "out"}.get(layer, layer.replace("encoder_", "e").replace("decoder_", "d"))


def slopes_plot(name: str, slopes: Mapping[str, tuple[float, float, float]]) -> Plot:
    """Draw the lowest, mean and highest slope below zero that each layer learned."""
    ranges = [f"{layer} {low:.2f} to {high:.2f}, mean {mean:.2f}" for layer, (low, mean, high) in slopes.items()]
    svg, wide = in_two_widths(range_plot, slopes, xlabel="slope below zero")
    return Plot(
        title=f"{name}: lowest, mean and highest learned slope of each layer.",
        alt=f"Learned slopes of {name}: {', '.join(ranges)}.",
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
    values = ", ".join(
        f"at {at:g} it is {y[i]:.2f} with slope {slope[i]:.2f}"
        for at, i in zip(_TOLD_INPUTS, np.searchsorted(x, _TOLD_INPUTS).tolist(), strict=True)
    )
    learned = f" Its slope below zero is learned; {_PRELU_SLOPE:g} is drawn." if ACTIVATIONS[name].learns_slope else ""
    lines = [
        Line(x=x.tolist(), y=y.tolist(), colour=SECOND, width=2.0),
        Line(x=x.tolist(), y=slope.tolist(), colour=ACCENT, style="--", width=1.2),
    ]
    return Plot(
        title=f"{name}: {ACTIVATIONS[name].formula}.{learned}",
        alt=f"{name} and its slope from −4 to 4: {values.replace('-', '−')}.",
        svg=line_plot(lines, size=PANEL, zero=True, setting={"ylim": (-2.0, 4.2), "xlabel": "input"}),
    )
