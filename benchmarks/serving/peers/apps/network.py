"""The network that every peer serves: scaler, ONNX Runtime with one thread, mean squared error of a row.

The programs in this folder run in their peers' own environments and import nothing of ours but this file.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

_CHUNK_ROWS = 1024  # larger calls leave the processor's cache


class Network:
    """Scores rows.

    Args:
        folder: Has ``network.onnx`` and ``scaler.json``: ``center``, ``scale``, ``low`` and ``high`` of each column.
    """

    def __init__(self, folder: Path) -> None:
        scaler = {name: np.array(item) for name, item in json.loads((folder / "scaler.json").read_text()).items()}
        self._center, self._scale = scaler["center"], scaler["scale"]
        self._low, self._high = scaler["low"].astype(np.float32), scaler["high"].astype(np.float32)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(folder / "network.onnx", options, providers=["CPUExecutionProvider"])

    def score(self, X: np.ndarray) -> np.ndarray:
        """Return the scores `(n,)` of rows `(n, d)`."""
        return np.concatenate([self._score(X[at : at + _CHUNK_ROWS]) for at in range(0, len(X), _CHUNK_ROWS)])

    def _score(self, X: np.ndarray) -> np.ndarray:
        Z = ((X - self._center) / self._scale).astype(np.float32)
        within = np.minimum(np.maximum(Z, self._low), self._high)
        [expected] = self._session.run(["reconstruction"], {"Z": within})
        return np.square(Z - expected).mean(axis=1)
