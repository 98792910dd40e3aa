"""A few made-up rows with the scores of the training network: what a loaded detector is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError
from models.preprocessing import Encoded, Preprocessor
from models.scoring import Scorer

PARITY: Final = 1e-5
"""How far, relative to max(1, score), two ways to compute the same score may lie apart."""

_PROBE_ROWS: Final = 8


def probe_of(
    preprocessor: Preprocessor, reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> dict[str, Any]:
    """Make rows of `Z` up (no record of the user's is kept) and score them with the training network."""
    low, high = preprocessor.limits.astype(np.float64)
    share = np.random.default_rng(0).uniform(-0.1, 1.1, (_PROBE_ROWS, len(low)))  # a little beyond the range, too
    Z = (low + share * (high - low)).astype(np.float32)
    scorer = Scorer(preprocessor=preprocessor, engine=_Reconstructor(reconstruct))
    return {"Z": Z.astype(float).tolist(), "anomaly_score": scorer.score(Encoded(Z=Z)).anomaly_score.tolist()}


def check_probe(folder: Path, scorer: Scorer, probe: Mapping[str, Any]) -> None:
    """Compare a loaded detector with the network that was trained.

    Raises:
        BundleError: It scores the probe differently.
    """
    try:
        Z = np.array(probe["Z"], np.float32)
        expected = np.array(probe["anomaly_score"], np.float64)
        scores = scorer.score(Encoded(Z=Z)).anomaly_score
    except Exception as error:  # whatever the engine raises for an input of another shape
        raise BundleError(f"{folder}: the probe cannot be scored ({error}); its parts come from two fits.") from error
    apart = np.abs(scores - expected) / np.maximum(1.0, np.abs(expected))
    if not (apart <= PARITY).all():
        raise BundleError(
            f"{folder}: network.onnx scores the probe up to {apart.max():.1e} apart from the network that was trained; "
            f"at most {PARITY:.0e} is right. Train the detector anew, or report this."
        )


class _Reconstructor:
    """The training network in the engine's place."""

    def __init__(self, reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._reconstruct = reconstruct

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        return self._reconstruct(Z)

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        raise AssertionError("only scores are compared")
