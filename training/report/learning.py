"""Pictures of how networks learned: losses, dead units and gradients, of one network or of several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.comparison.summary import Mean
from training.report.kit.drawing import ACCENT, INK, SECOND, SOFT
from training.report.kit.heat_map import heat_map
from training.report.kit.lines import PANEL, Line, line_plot
from training.report.kit.parts import Plot
from training.report.kit.words import listed, short_layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What the epochs of one or more fits had as loss.

    Args:
        name: Of what was fitted.
        fitting: Seeds × epochs, on the fitting rows.
        validation: The same on the validation rows.
    """

    name: str
    fitting: NDArray[np.float64]
    validation: NDArray[np.float64]

    @property
    def epochs(self) -> list[int]:
        """Numbers of the epochs, from 1."""
        return list(range(1, self.validation.shape[1] + 1))


def loss_plot(losses: Losses, others: Sequence[Losses] = (), *, limits: tuple[float, float], best: float) -> Plot:
    """Draw the losses of a network over its epochs, the mean over the seeds with its interval.

    Args:
        losses: What is drawn.
        others: Whose validation losses are drawn softly behind it.
        limits: Of the vertical axis, for all pictures that are compared.
        best: Epoch with the lowest validation loss.
    """
    validation, fitting = losses.validation.mean(axis=0), losses.fitting.mean(axis=0)
    bands = [Mean.of(column.tolist()) for column in losses.validation.T]
    low, high = limits
    lowest = int(validation.argmin())
    marker = "o" if len(losses.epochs) == 1 else ""  # a line of one point is not seen
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
                *(Line(x=one.epochs, y=one.validation.mean(axis=0), colour=SOFT, width=0.7) for one in others),
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
    """Return limits of a logarithmic axis that suit the mean losses of several networks."""
    means = np.concatenate([part.mean(axis=0) for one in losses for part in (one.fitting, one.validation)])
    positive = means[means > 0]
    return (float(positive.min()) / 1.3, float(positive.max()) * 1.3) if len(positive) else (0.1, 1.0)


def units_plot(name: str, shares: Mapping[str, Sequence[float]], *, what: str) -> Plot:
    """Draw the share of a layer's units that are dead or saturated after each epoch, a row for each layer.

    Args:
        name: Of what was fitted.
        shares: By the layer's name.
        what: ``dead`` or ``saturated``.
    """
    values = np.array([list(line) for line in shares.values()])
    last = dict(zip(shares, values[:, -1].tolist(), strict=True))
    some = [layer for layer, share in last.items() if share > 0]
    if values.max() == 0:
        seen = f"no unit is {what} in any epoch"
    elif not some:
        seen = f"at most {values.max():.0%} of a layer is {what} in between, nothing after the last epoch"
    else:
        first = dict(zip(shares, values[:, 0].tolist(), strict=True))
        seen = f"{what} after the last epoch: " + listed(
            [f"{share:.0%} of {layer} (after the first {first[layer]:.0%})" for layer, share in last.items()]
        )
    return Plot(
        title=f"{name}: share of each layer’s units that are {what}, after each epoch.",
        alt=f"Heat map of {what} units of {name} by layer and epoch: {seen}.",
        svg=heat_map(values, list(shares), xlabel="epoch"),
    )


def gradient_plot(
    name: str,
    first: Mapping[str, float],
    last: Mapping[str, float],
    *,
    limits: tuple[float, float],
) -> Plot:
    """Draw the gradient's norm by layer, at the first step and at the end.

    Args:
        name: Of what was fitted.
        first: By the layer's name, from the input to the output.
        last: That of the running mean over the last steps.
        limits: Of the vertical axis, for all pictures that are compared.
    """
    layers = list(first)
    places = list(range(len(layers)))
    ratio = first[layers[0]] / max(first[layers[-1]], 1e-30)
    floor = limits[0]
    marks = short_layers(layers)
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
                Line(x=places, y=[max(norm, floor) for norm in last.values()], colour=SECOND, style="--", marker="s"),
                Line(x=places, y=[max(norm, floor) for norm in first.values()], colour=ACCENT, marker="o", width=2.0),
            ],
            size=PANEL,
            setting={
                "yscale": "log",
                "ylim": limits,
                "xticks": places[::step],
                "xticklabels": marks[::step],
                "xlabel": "layer",
                "ylabel": "gradient (log.)",
            },
        ),
    )


def gradient_limits(norms: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Return limits of a logarithmic axis that suit the gradients of several networks; a zero is drawn at its foot."""
    values = [norm for one in norms for norm in one.values() if norm > 0]
    return (min(values) / 2, max(values) * 2) if values else (1e-3, 1.0)
