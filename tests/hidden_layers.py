"""What hidden layers do, in NumPy: what the diagnostics of the epochs are compared with."""

from __future__ import annotations

import numpy as np

from training.network.diagnostics import health_of, saturation_bounds


def hidden_outputs(network, Z):
    """The output of each hidden layer behind its activation, with the members side by side."""
    hidden = network.forward(Z)[1]
    return {name: np.moveaxis(np.asarray(output), 0, 1).reshape(len(Z), -1) for name, output in hidden.items()}


def layer_health(outputs, *, activation):
    """The units of each layer, counted."""
    low, high = saturation_bounds(activation)
    return tuple(
        health_of(name, (output != 0).mean(axis=0), np.all((output <= low) | (output >= high), axis=0))
        for name, output in outputs.items()
    )
