"""The peers: detectors of PyOD, each with its own defaults."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A detector of PyOD.

    Args:
        module: Its module in `pyod.models`.
        says: Its description in a few words.
        seeded: Whether it takes a seed.
        torch: Whether it needs PyTorch.
        quiet: Arguments that keep it from printing.
        brief: Arguments that make a fit short, to warm up.
    """

    module: str
    says: str
    seeded: bool = False
    torch: bool = False
    quiet: dict[str, Any] = field(default_factory=dict)
    brief: dict[str, Any] = field(default_factory=dict)


PEERS: Final = {
    "AutoEncoder": Peer(
        module="auto_encoder",
        says="PyOD's dense autoencoder",
        seeded=True,
        torch=True,
        quiet={"verbose": 0},
        brief={"epoch_num": 1},
    ),
    "KNN": Peer(module="knn", says="distance to the 5th nearest neighbour"),
    "LOF": Peer(module="lof", says="local outlier factor"),
    "OCSVM": Peer(module="ocsvm", says="one-class support vector machine"),
    "IForest": Peer(module="iforest", says="isolation forest", seeded=True),
    "HBOS": Peer(module="hbos", says="histograms of the columns"),
    "COPOD": Peer(module="copod", says="empirical copula of the columns' tails"),
    "ECOD": Peer(module="ecod", says="empirical tails of the columns"),
    "PCA": Peer(module="pca", says="principal components", seeded=True),
}
"""The peers, by PyOD's own names."""

PYOD_MODULES: Final = tuple(f"pyod.models.{peer.module}" for peer in PEERS.values() if not peer.torch)
TORCH_MODULES: Final = ("torch", *(f"pyod.models.{peer.module}" for peer in PEERS.values() if peer.torch))


def fit_peer(name: str, X: Any, seed: int, *, brief: bool = False) -> Callable[[Any], NDArray[np.floating]]:
    """Fit a peer with its defaults; return its scoring function, higher for anomalies.

    Args:
        name: A key of `PEERS`.
        X: Rows `(n, d)`.
        seed: Seed, where the peer takes one.
        brief: Whether the fit is short, to warm up.
    """
    detector = new_peer(name, seed, brief=brief)
    detector.fit(X)

    def score(rows: Any) -> NDArray[np.floating]:
        scores = detector.decision_function(rows)
        # PyOD keeps scores of the fitting rows, in which no row is its own nearest neighbour. They are
        # taken, but the time is that of scoring, as for other rows.
        return np.asarray(detector.decision_scores_ if rows is X else scores)

    return score


def new_peer(name: str, seed: int, *, brief: bool = False) -> Any:
    """Return a peer, not fitted; the arguments are those of `fit_peer`."""
    peer = PEERS[name]
    kind = getattr(importlib.import_module(f"pyod.models.{peer.module}"), name)
    return kind(**({"random_state": seed} if peer.seeded else {}), **peer.quiet, **(peer.brief if brief else {}))
