"""Engines run an exported network: a protocol, and ONNX Runtime."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError
from models.network.architecture import AutoencoderConfig, weight_shapes
from models.printable import one_line

_NEVER_WRITTEN: Final = (b"location", b"com.microsoft", b"com.ms.", b"ai.onnx", b"org.pytorch")
"""Texts that no graph of ours holds: the key without which no array can lie in another file, and the domains of the
operators that ONNX Runtime has beyond the standard. Protocol buffers write texts as they are. The weights of a graph of
1 GB hold one of these by chance once in ten million graphs."""

_NODES_BYTES: Final = 1 << 20  # of a graph beside its weights; each member has nodes of its own
_NODES_BYTES_OF_A_MEMBER: Final = 1 << 14


class Engine(Protocol):
    """A network that can be run: `reconstruct` for scores, `embed` for features."""

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the reconstructions of `Z` `(n, d)` by M members `(M, n, d)`."""
        ...

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the output of the first member's bottleneck `(n, k)` for `Z` `(n, d)`."""
        ...


class OnnxEngine:
    """A network in ONNX Runtime; may be called from many threads at once.

    The graph is data: a list of ONNX's standard operators and the arrays that they work on. One that names a file or
    other operators is refused before ONNX Runtime sees it.

    Args:
        graph: The serialised graph.
        config: What the network looks like; the graph's inputs and outputs must be those that follow from it.
        threads: Threads of one call: by default one, because rows are scored side by side (`models.scoring`).
        file: Name of the graph's file, for errors.

    Raises:
        BundleError: The graph is no such network, or ONNX Runtime refuses it.
    """

    def __init__(
        self, graph: bytes, config: AutoencoderConfig, /, *, threads: int = 1, file: str = "network.onnx"
    ) -> None:
        # Official builds of ONNX Runtime send telemetry unless this is set before they are imported.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime as ort  # printing help does not need it

        self._members = config.members
        self._file = file
        weights = 4 * sum(math.prod(shape) for shape in weight_shapes(config).values())
        if len(graph) > 2 * weights + _NODES_BYTES + _NODES_BYTES_OF_A_MEMBER * config.members:
            raise BundleError(
                f"{file}: has {len(graph):,} bytes, and the weights of the network that the manifest describes "
                f"{weights:,}. Train the detector anew."
            )
        if found := next((text for text in _NEVER_WRITTEN if text in graph), None):
            raise BundleError(
                f"{file}: names {found.decode()!r}: files or operators that training never writes. Train the "
                "detector anew."
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads do not use the CPU
        options.add_session_config_entry("session.load_model_format", "ONNX")  # not that of ORT, checked less
        # Arrays in other files would be looked for in the current folder: here there are none.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(
                graph,
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # it would print, and try again
            )
            self._require(config)
        except BundleError:
            raise
        except Exception as error:  # its errors share no base class but this one
            reason = one_line(str(error))
            raise BundleError(f"{file}: ONNX Runtime {ort.__version__} refuses it: {reason}") from error

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the reconstructions of `Z` `(n, d)` by M members `(M, n, d)`."""
        return self._run("reconstruction", Z)

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the output of the first member's bottleneck `(n, k)` for `Z` `(n, d)`."""
        first: NDArray[np.float32] = self._run("embedding", Z)[0]
        return first

    def _run(self, output: str, Z: NDArray[np.float32]) -> NDArray[np.float32]:
        result = self._session.run([output], {"Z": Z})[0]
        stack: NDArray[np.float32] = result.reshape(self._members, len(Z), result.shape[-1])
        return stack

    def _require(self, config: AutoencoderConfig) -> None:
        """Compare inputs and outputs with the configuration, as declared and as they come of two rows."""
        declared = [
            [(value.name, value.type, value.shape[1:]) for value in values]
            for values in (self._session.get_inputs(), self._session.get_outputs())
        ]
        expected = [
            [("Z", "tensor(float)", [config.features])],
            [
                ("reconstruction", "tensor(float)", [config.features]),
                ("embedding", "tensor(float)", [config.latent_units]),
            ],
        ]
        rows = np.zeros((2, config.features), np.float32)
        if declared == expected:
            shapes = [value.shape for value in self._session.run(["reconstruction", "embedding"], {"Z": rows})]
            if shapes == [(2 * config.members, width) for width in (config.features, config.latent_units)]:
                return
        raise BundleError(
            f"{self._file}: is not the network that the manifest describes: {declared[0]} to {declared[1]}. Train the "
            "detector anew."
        )


ENGINES: Final[dict[str, Callable[..., Engine]]] = {"onnx": OnnxEngine}
"""How each engine is made from an exported network and its configuration; a bundle's manifest names one."""
