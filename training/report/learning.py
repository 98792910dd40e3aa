"""Plots of how networks learned: losses, dead units and gradients of one or several seeds; the activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import OnnxEngine
from training.comparison.summary import Mean
from training.network.onnx_export import onnx_bytes
from training.report.kit.drawing import ACCENT, INK, SECOND, SOFT
from training.report.kit.formatting import listed, short_layers
from training.report.kit.lines import PANEL, Line, line_plot
from training.report.kit.page import Plot
from training.report.kit.shapes import heat_map, range_plot

_PRELU_SLOPE: Final = 0.25  # for drawing; prelu learns its slopes
_TOLD_INPUTS: Final = (-2.0, 0.5, 2.0)  # whose outputs the alternative text tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Losses of each epoch, of one or more seeds.

    Args:
        name: Name of the networks.
        fitting: Losses on the fitting rows, seeds × epochs.
        validation: Losses on the validation rows, seeds × epochs.
    """

    name: str
    fitting: NDArray[np.float64]
    validation: NDArray[np.float64]

    @property
    def epochs(self) -> list[int]:
        """Numbers of the epochs, from 1."""
        return list(range(1, self.validation.shape[1] + 1))


def loss_plot(losses: Losses, others: Sequence[Losses] = (), *, limits: tuple[float, float], best: float) -> Plot:
    """Draw losses over the epochs, the mean over the seeds with its interval.

    Args:
        losses: The losses.
        others: Losses of other networks, whose validation losses are drawn in grey behind.
        limits: Limits of the vertical axis, the same for all plots that are compared.
        best: Epoch with the lowest validation loss.
    """
    validation, fitting = losses.validation.mean(axis=0), losses.fitting.mean(axis=0)
    bands = [Mean.of(column.tolist()) for column in losses.validation.T]
    low, high = limits
    lowest = int(validation.argmin())
    marker = "o" if len(losses.epochs) == 1 else ""  # a line of one point is invisible
    rises = validation[-1] > 1.05 * validation[lowest]
    return Plot(
        title=losses.name,
        alt=(
            f"Losses of {losses.name} over {len(losses.epochs)} epochs: on the validation rows from "
            f"{validation[0]:.3g} to {validation[-1]:.3g}, lowest {validation[lowest]:.3g} in epoch {lowest + 1}"
            f"{', and rising after it' if rises else ''}; on the fitting rows from {fitting[0]:.3g} to "
            f"{fitting[-1]:.3g}. The weights of epoch {best:.0f} were kept."
        ),
        svg=line_plot(
            [
                *(Line(x=other.epochs, y=other.validation.mean(axis=0), colour=SOFT, width=0.7) for other in others),
                Line(x=losses.epochs, y=fitting, colour=INK, style=":", width=1.2, marker=marker),
                Line(
                    x=losses.epochs,
                    y=validation,
                    low=None if bands[0].low is None else [max(band.low or low, low) for band in bands],
                    high=None if bands[0].high is None else [band.high or high for band in bands],
                    colour=ACCENT,
                    width=2.0,
                    marker=marker,
                ),
            ],
            size=PANEL,
            whole=True,
            setting={
                "yscale": "log",
                "xlim": (0.5, len(losses.epochs) + 0.5),
                "ylim": limits,
                "xlabel": "epoch",
                "ylabel": "loss (log.)",
            },
        ),
    )


def loss_limits(losses: Sequence[Losses]) -> tuple[float, float]:
    """Return the limits of a logarithmic axis for the mean losses of several networks."""
    means = np.concatenate([line.mean(axis=0) for item in losses for line in (item.fitting, item.validation)])
    positive = means[means > 0]
    return (float(positive.min()) / 1.3, float(positive.max()) * 1.3) if len(positive) else (0.1, 1.0)


def units_plot(name: str, shares: Mapping[str, Sequence[float]], *, state: str) -> Plot:
    """Draw the share of dead or saturated units after each epoch, a row for each layer.

    Args:
        name: Name of the network.
        shares: Share after each epoch, by the layer's name.
        state: ``dead`` or ``saturated``.
    """
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
    return Plot(
        title=f"{name}: share of each layer’s units that are {state}, after each epoch.",
        alt=f"Heat map of {state} units of {name} by layer and epoch: {finding}.",
        svg=heat_map(values, list(shares), xlabel="epoch"),
    )


def gradient_plot(
    name: str,
    first: Mapping[str, float],
    last: Mapping[str, float],
    *,
    limits: tuple[float, float],
) -> Plot:
    """Draw the norm of the gradient by layer, at the first step and at the end.

    Args:
        name: Name of the network.
        first: Norms at the first step by layer, from the input to the output.
        last: Norms of the running mean over the last steps.
        limits: Limits of the vertical axis, the same for all plots that are compared.
    """
    layers = list(first)
    x = list(range(len(layers)))
    ratio = first[layers[0]] / max(first[layers[-1]], 1e-30)
    floor = limits[0]
    labels = short_layers(layers)
    step = -(-len(layers) // 12)
    return Plot(
        title=f"{name}: first layer × {ratio:.2g} of the output.",
        alt=(
            f"Gradients of {name} by layer: at the first step {first[layers[0]]:.2g} at {layers[0]} and "
            f"{first[layers[-1]]:.2g} at {layers[-1]}, a ratio of {ratio:.2g}; at the end "
            f"{last[layers[0]]:.2g} and {last[layers[-1]]:.2g}."
        ),
        svg=line_plot(
            [
                Line(x=x, y=[max(norm, floor) for norm in last.values()], colour=SECOND, style="--", marker="s"),
                Line(x=x, y=[max(norm, floor) for norm in first.values()], colour=ACCENT, marker="o", width=2.0),
            ],
            size=PANEL,
            setting={
                "yscale": "log",
                "ylim": limits,
                "xticks": x[::step],
                "xticklabels": labels[::step],
                "xlabel": "layer",
                "ylabel": "gradient (log.)",
            },
        ),
    )


def gradient_limits(norms: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Return the limits of a logarithmic axis for the gradients of several networks; zero is drawn at the lower one."""
    values = [norm for item in norms for norm in item.values() if norm > 0]
    return (min(values) / 2, max(values) * 2) if values else (1e-3, 1.0)


def slopes_plot(name: str, slopes: Mapping[str, tuple[float, float, float]]) -> Plot:
    """Draw the slopes below zero that were learned.

    Args:
        name: Name of the network.
        slopes: Lowest, mean and highest slope by layer.
    """
    ranges = [f"{layer} {low:.2f} to {high:.2f}, mean {mean:.2f}" for layer, (low, mean, high) in slopes.items()]
    return Plot(
        title=f"{name}: lowest, mean and highest learned slope of each layer.",
        alt=f"Learned slopes of {name}: {', '.join(ranges)}.",
        svg=range_plot(list(slopes), list(slopes.values()), xlabel="slope below zero"),
    )


def activation_values(name: str, x: NDArray[np.float32], *, parameter: float | None = None) -> NDArray[np.float32]:
    """Return f(x) `(n,)`: the bottleneck of a network of one unit whose only weight is one.

    Args:
        name: A key of `ACTIVATIONS`.
        x: The inputs `(n,)`.
        parameter: Of the activation; None for its default.
    """
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
    """Draw an activation and its slope.

    Args:
        name: A key of `ACTIVATIONS`.
        parameter: Of the activation; None for its default.
    """
    x = np.linspace(-4, 4, 401, dtype=np.float32)
    y = activation_values(name, x, parameter=parameter)
    slope = np.gradient(y, x)
    values = ", ".join(
        f"at {at:g} it is {y[i]:.2f} with slope {slope[i]:.2f}"
        for at, i in zip(_TOLD_INPUTS, np.searchsorted(x, _TOLD_INPUTS).tolist(), strict=True)
    )
    learned = f" Its slope below zero is learned; {_PRELU_SLOPE:g} is drawn." if ACTIVATIONS[name].learns_slope else ""
    return Plot(
        title=f"{name}: {ACTIVATIONS[name].formula}.{learned}",
        alt=f"{name} and its slope from −4 to 4: {values.replace('-', '−')}.",
        svg=line_plot(
            [
                Line(x=x.tolist(), y=y.tolist(), colour=SECOND, width=2.0),
                Line(x=x.tolist(), y=slope.tolist(), colour=ACCENT, style="--", width=1.2),
            ],
            size=PANEL,
            zero=True,
            setting={"ylim": (-2.0, 4.2), "xlabel": "input"},
        ),
    )
