"""Measures the network without HTTP on one CPU: our engine, the same products in NumPy, and the CPU's peak.

    python -m benchmarks.serving.in_process BUNDLE

prints the figures as JSON. The peak is the highest rate of NumPy's BLAS for large square matrices in float32, a little
below the sum of the CPU's multiply-add units, so shares of it are a little too high.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.apps import WIDTHS

_ROWS: Final = 100_000
_CHUNK_ROWS: Final = 1_024
_SIDE: Final = 2_048
_TRIES: Final = 7
_OPERATIONS: Final = 2 * sum(above * below for above, below in pairwise(WIDTHS))
"""Operations of the products of a row: a multiplication and an addition for each weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcess:
    """Figures of one process.

    Args:
        peak: Peak operations a second of the CPU.
        engine: Rows a second of our engine, 100,000 rows in chunks of 1,024.
        products: Rows a second of the network's matrix products in NumPy, the same rows in the same chunks.
        network: Rows a second of these with biases and activations.
    """

    peak: float
    engine: float
    products: float
    network: float

    def share_of(self, peak: float) -> float:
        """Return the engine's operations a second as a share of a peak."""
        return self.engine * _OPERATIONS / peak


def in_process_beside(bundle: Path, *, cpu: int) -> InProcess:
    """Measure in a process on a CPU of its own."""
    said = subprocess.run(
        ["taskset", "--cpu-list", str(cpu), sys.executable, "-m", "benchmarks.serving.in_process", str(bundle)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ).stdout
    return InProcess(**json.loads(said))


def measured(bundle: Path) -> InProcess:
    """Measure in this process."""
    from models.bundle import load_detector

    engine = load_detector(bundle).scorer.engine
    draw = np.random.default_rng(0)
    Z = draw.normal(size=(_ROWS, WIDTHS[0])).astype(np.float32)
    shapes = list(pairwise(WIDTHS))
    kernels = [(draw.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes]
    biases = [np.zeros(width, np.float32) for width in WIDTHS[1:]]

    def products(z: NDArray[np.float32]) -> None:
        for kernel in kernels:
            z = z @ kernel

    def network(z: NDArray[np.float32]) -> None:
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            z = z @ kernel
            z += bias
            if i < len(kernels) - 1:
                np.maximum(z, 0.0, out=z)

    def rate(run: Callable[[NDArray[np.float32]], object]) -> float:
        chunks = [Z[at : at + _CHUNK_ROWS] for at in range(0, _ROWS, _CHUNK_ROWS)]
        return _ROWS / _seconds(lambda: [run(chunk) for chunk in chunks])

    return InProcess(peak=_peak(draw), engine=rate(engine.reconstruct), products=rate(products), network=rate(network))


def _peak(draw: np.random.Generator) -> float:
    left, right = (draw.normal(size=(_SIDE, _SIDE)).astype(np.float32) for _ in range(2))
    out = np.empty_like(left)
    return 2 * _SIDE**3 / _seconds(lambda: np.matmul(left, right, out=out))


def _seconds(run: Callable[[], object]) -> float:
    """Return the shortest time of several calls, after a warm-up call."""
    took = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return min(took[1:])


if __name__ == "__main__":
    print(json.dumps(asdict(measured(Path(sys.argv[1])))))
