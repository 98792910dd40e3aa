"""Tables of methods that learn k features of a record without labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.detector import Detector

ACTIVATIONS: Final = ("relu", "leaky_relu", "prelu", "elu", "selu", "tanh", "sigmoid")
"""Activations whose embeddings are measured."""

Matrix = NDArray[np.floating[Any]]
Features = Callable[[Matrix], Matrix]
"""A function from rows `(m, d)` to features `(m, k)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Features that need no network.

    Args:
        name: Its name in the tables.
        says: Its description in a few words.
        learn: Takes standardised rows `(n, d)`, k and a seed; returns the features.
        encoded: Whether it gets the rows as the detector encodes them, not as standard scores.
        module: A package that it needs beyond scikit-learn.
    """

    name: str
    says: str
    learn: Callable[[Matrix, int, int], Features]
    encoded: bool = False
    module: str | None = None

    @property
    def at_hand(self) -> bool:
        """Whether its package is installed."""
        return self.module is None or find_spec(self.module) is not None


def _columns(Z: Matrix, k: int, seed: int) -> Features:
    return lambda rows: rows


def _pca(Z: Matrix, k: int, seed: int) -> Features:
    from sklearn.decomposition import PCA

    return _fitted(PCA(n_components=min(k, Z.shape[1]), random_state=seed), Z)


def _kernel_pca(Z: Matrix, k: int, seed: int) -> Features:
    from sklearn.decomposition import KernelPCA

    return _fitted(KernelPCA(n_components=k, kernel="rbf", random_state=seed), Z)


def _ica(Z: Matrix, k: int, seed: int) -> Features:
    from sklearn.decomposition import FastICA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ICA did not converge: its last state is used
        return _fitted(FastICA(n_components=min(k, Z.shape[1]), max_iter=1000, random_state=seed), Z)


def _umap(Z: Matrix, k: int, seed: int) -> Features:
    from umap import UMAP

    return _fitted(UMAP(n_components=k, random_state=seed), Z)


def _fitted(transformer: Any, Z: Matrix) -> Features:
    transform: Features = transformer.fit(Z).transform
    return transform


PEERS: Final = (
    Peer(name="columns", says="all columns, standardised", learn=_columns),
    Peer(name="PCA", says="principal components of them", learn=_pca),
    Peer(name="kernel PCA", says="the same in the space of a Gaussian kernel, width 1/d", learn=_kernel_pca),
    Peer(name="ICA", says="FastICA", learn=_ica),
    Peer(name="UMAP", says="UMAP, of the package umap-learn", learn=_umap, module="umap"),
    Peer(name="columns, encoded", says="all columns, as the detector encodes them", learn=_columns, encoded=True),
    Peer(name="PCA, encoded", says="principal components of these", learn=_pca, encoded=True),
)
"""The methods that embeddings are compared with."""


def detector_of(X: Matrix, *, k: int, activation: str, preset: str, training_rows: str, seed: int) -> Detector:
    """Fit a detector without labels.

    Args:
        X: Rows `(n, d)`.
        k: Width of the bottleneck.
        activation: Activation of the hidden layers and the bottleneck.
        preset: A key of `PRESETS`.
        training_rows: A key of `TRAINING_ROWS`.
        seed: Seed of the split, the weights and the order of the rows.
    """
    from training.estimator import AutoencoderDetector

    estimator = AutoencoderDetector(
        preset=preset, training_rows=training_rows, activation=activation, latent_units=k, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as dead units, which are counted
        return estimator.fit(X).detector_


def embedding_of(detector: Detector) -> Features:
    """Return a function from rows to the embedding of a detector that was fitted on an array."""
    return lambda rows: detector.embed(_columns_of(detector, rows))


def encoding_of(detector: Detector) -> Features:
    """Return a function from rows to the input of the network."""
    preprocessor = detector.preprocessor
    return lambda rows: preprocessor.within_limits(preprocessor.transform(_columns_of(detector, rows)).Z)


def _columns_of(detector: Detector, rows: Matrix) -> dict[str, Any]:
    from models.columns.from_tables import columns_of_table
    from training.estimator.inputs import table_of_input

    return columns_of_table(detector.schema, table_of_input(rows))
