"""The peers: PyOD's AutoEncoder, plain `keras.Model.fit` and PyTorch, each by its own defaults.

`Any` stands for objects of these libraries, which have no types here.
"""

from __future__ import annotations

import importlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.step_peers import TORCH_ACTIVATIONS
from benchmarks.training.made_up import Rows
from models.network.architecture import AutoencoderConfig
from models.threads import allowed_threads

EPOCHS: Final = 10
"""Epochs of plain Keras and PyTorch: PyOD's default. The default of `fit` is one."""
_BATCH: Final = 32  # the default of `fit`, of PyOD, and what is usual in PyTorch


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Time and error of a fit.

    Args:
        seconds: Seconds of the fit, without imports and without measuring the error.
        error: Mean squared error of a cell of the held-out rows.
    """

    seconds: float
    error: float


def mean_squared(Z: NDArray[np.float32], reconstruction: Any) -> float:
    """Return the mean squared error of a cell."""
    return float(np.mean(np.square(Z - np.asarray(reconstruction)), dtype=np.float64))


def fit_pyod(rows: Rows, network: AutoencoderConfig) -> Fitted:
    """Fit PyOD's AutoEncoder with all its defaults: its own network, 10 epochs of batches of 32, Adam."""
    torch = _torch()
    from pyod.models.auto_encoder import AutoEncoder

    del network
    detector = AutoEncoder(verbose=0, random_state=0)
    started = time.perf_counter()
    detector.fit(rows.fitting)
    seconds = time.perf_counter() - started
    Z = rows.held_out
    if detector.preprocessing:  # rows that are standardised are standardised again; errors are told in our unit
        Z = ((Z - detector.X_mean) / (detector.X_std + 1e-8)).astype(np.float32)
    detector.model.eval()
    with torch.no_grad():
        reconstruction = detector.model(torch.from_numpy(Z)).numpy()
    return Fitted(seconds=seconds, error=mean_squared(Z, reconstruction))


def fit_keras(rows: Rows, network: AutoencoderConfig) -> Fitted:
    """Fit our network by `compile` and `fit` with their defaults, but for ten epochs: RMSprop, batches of 32."""
    import keras

    from training.network.keras_network import DenseNetwork, keras_model

    keras.utils.set_random_seed(0)
    model = keras_model(DenseNetwork(network, seed=0))
    started = time.perf_counter()
    model.compile(loss="mse")
    model.fit(rows.fitting, rows.fitting[:, None], epochs=EPOCHS, batch_size=_BATCH, verbose=0)
    seconds = time.perf_counter() - started
    return Fitted(seconds=seconds, error=mean_squared(rows.held_out, model(rows.held_out)[:, 0]))


def fit_torch(rows: Rows, network: AutoencoderConfig) -> Fitted:
    """Fit our network in PyTorch by the loop of its tutorials: Adam with its defaults, batches of 32."""
    torch = _torch()
    nn = torch.nn
    torch.manual_seed(0)
    widths = (network.features, *network.layer_units)
    activation = getattr(nn, TORCH_ACTIVATIONS[network.activation])
    layers = [part for i, o in itertools.pairwise(widths) for part in (nn.Linear(i, o), activation())]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], network.features))
    optimizer = torch.optim.Adam(model.parameters())
    X = torch.from_numpy(rows.fitting)
    started = time.perf_counter()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(X)).split(_BATCH):
            target = X[batch]
            optimizer.zero_grad()
            noisy = target + network.input_noise * torch.randn_like(target)
            nn.functional.mse_loss(model(noisy), target).backward()
            optimizer.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        return Fitted(
            seconds=seconds, error=mean_squared(rows.held_out, model(torch.from_numpy(rows.held_out)).numpy())
        )


PEERS: Final[dict[str, Callable[[Rows, AutoencoderConfig], Fitted]]] = {
    "pyod": fit_pyod,
    "keras": fit_keras,
    "torch": fit_torch,
}
"""The peers by the names that figures have."""
NEEDS: Final = {"pyod": ("torch", "pyod.models.auto_encoder"), "keras": ("keras",), "torch": ("torch",)}


def missing(name: str) -> str | None:
    """Say what a peer lacks here; None where it can be measured."""
    for module in NEEDS[name]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return f"{name} is left out: {error}"
    return None


def _torch() -> Any:
    import torch

    torch.set_num_threads(allowed_threads())
    return torch
