"""Writes a fit as a bundle, and checks that the saved detector scores the same."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path

import numpy as np

from models.bundle import PARITY, write_bundle
from models.errors import BundleError
from models.network.networks import kind_of
from training.fit import FitResult
from training.network.builders import BUILDERS
from training.network.keras_network import reconstruct
from training.network.keras_start import versions


def write_result(result: FitResult, folder: Path) -> None:
    """Write the bundle of a fit into a folder from `new_bundle`, and prove that it scores the same.

    Raises:
        BundleError: The saved detector scores differently.
    """
    saved = write_bundle(
        folder,
        result.detector,
        network=result.network_config,
        graph=result.graph,
        write_network=partial(BUILDERS[kind_of(result.network_config)].save, result.network),
        reconstruct=partial(reconstruct, result.network),
        versions={
            "python": platform.python_version(),
            **versions(),
            **{package: package_version(package) for package in ("numpy", "onnxruntime", "scikit-learn")},
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    expected, scores = (detector.score(result.sample).anomaly_score for detector in (result.detector, saved))
    difference = np.abs(scores - expected) / np.maximum(1.0, expected)
    if not (difference <= PARITY).all():
        raise BundleError(
            f"The saved detector scores up to {difference.max():.1e} apart from the fitted one; it was not kept. "
            "Please report this."
        )
