"""The activations as curves, computed by the graph that is exported for serving."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.network.engine import OnnxEngine
from training.network.onnx_export import onnx_bytes
from training.report.kit.drawing import ACCENT, SECOND
from training.report.kit.lines import PANEL, Line, line_plot
from training.report.kit.parts import Plot

_SLOPE: Final = 0.25  # of prelu, which learns its own
_SHOWN: Final = (-2.0, 0.5, 2.0)  # inputs of which the text tells the output


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
    values = {"kernel": 1.0, "bias": 0.0, "slope": _SLOPE}
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
    said = ", ".join(
        f"at {at:g} it is {y[place]:.2f} with slope {slope[place]:.2f}"
        for at, place in zip(_SHOWN, np.searchsorted(x, _SHOWN).tolist(), strict=True)
    )
    learned = f" Its slope below zero is learned; {_SLOPE:g} is drawn." if ACTIVATIONS[name].learns_slope else ""
    return Plot(
        title=f"{name}: {ACTIVATIONS[name].formula}.{learned}",
        alt=f"{name} and its slope from −4 to 4: {said.replace('-', '−')}.",
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
