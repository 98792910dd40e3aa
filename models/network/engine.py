"""Runs an exported network. The seam to the outside is one small protocol."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError
from models.network.architecture import AutoencoderConfig
from models.network.graph import plan_of
from models.network.onnx_file import judge_graph
from models.network.separate_members import separate_members


class Engine(Protocol):
    """A network that can be run: one method for scores, one for features."""

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the reconstruction of `Z` `(n, d)`: `(n, d)`, or `(M, n, d)` of M members."""
        ...

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the output of the bottleneck `(n, k)` for `Z` `(n, d)`."""
        ...


class OnnxEngine:
    """A network in ONNX Runtime; may be called from many threads at once.

    Args:
        graph: The serialised graph, one that was judged or that was made in this process.
        threads: Threads of one call: by default one, because rows are scored side by side (`models.scoring`).

    Raises:
        BundleError: ONNX Runtime refuses the graph.
    """

    def __init__(self, graph: bytes, *, threads: int = 1) -> None:
        # Its official builds report to their maker unless they are told not to before they are imported.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime as ort  # a program that is only asked for its help loads no network

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the CPU alone
        options.log_severity_level = 3
        try:
            graph, self._members = separate_members(graph)
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class but this one
            raise BundleError(f"network.onnx: ONNX Runtime {ort.__version__} refuses it: {error}") from error

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the reconstruction of `Z` `(n, d)`: `(n, d)`, or `(M, n, d)` of M members."""
        return self._run("reconstruction", Z)

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the output of the bottleneck `(n, k)` for `Z` `(n, d)`; of the first member, where there are more."""
        result = self._run("embedding", Z)
        return result if self._members == 1 else result[0]

    def _run(self, output: str, Z: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._session.run([output], {"Z": Z})[0]
        return result if self._members == 1 else result.reshape(self._members, len(Z), result.shape[-1])


def onnx_engine(graph: bytes, config: AutoencoderConfig, /) -> OnnxEngine:
    """Judge a graph that came from elsewhere, then load it.

    Raises:
        BundleError: It is not the graph of that configuration, or ONNX Runtime refuses it.
    """
    try:
        judge_graph(graph, plan_of(config))
    except ValueError as error:
        raise BundleError(
            f"network.onnx: is not the network that the manifest describes: {error}. Train the detector anew."
        ) from error
    return OnnxEngine(graph)


ENGINES: Final[dict[str, Callable[[bytes, AutoencoderConfig], Engine]]] = {"onnx": onnx_engine}
"""How each engine is made from an exported network and its configuration; a bundle's manifest names one."""
