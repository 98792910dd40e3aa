"""The other engines: how each converts, loads and runs a network of ours.

Each takes the graph with one branch a member, as ours does. Converting may need packages that no server has; loading
needs the engine alone.
"""

from __future__ import annotations

import importlib.util
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float32]
Run = Callable[[FloatMatrix], FloatMatrix]
"""Rows `(n, d)` to reconstructions `(M · n, d)`, those of the first member first."""

OURS: Final = "onnxruntime"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedEngine:
    """Another engine, or our engine with another number type.

    Args:
        says: Its description.
        package: Its distribution.
        needs: Modules that it needs.
        convert: Converts a serialised graph to the engine's format.
        load: Takes that and the number of threads; returns a function that runs the network.
    """

    says: str
    package: str
    needs: tuple[str, ...]
    convert: Callable[[bytes], bytes]
    load: Callable[[bytes, int], Run]

    @property
    def missing(self) -> tuple[str, ...]:
        """Modules that are not installed."""
        return tuple(name for name in self.needs if importlib.util.find_spec(name.partition(".")[0]) is None)

    @property
    def package_mb(self) -> float:
        """Size of its package on disk, without dependencies; 0 where it was not installed from one."""
        try:
            files = distribution(self.package).files or []
        except PackageNotFoundError:
            return 0.0
        paths = (Path(str(file.locate())) for file in files)
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def _float16(graph: bytes) -> bytes:
    from onnxconverter_common.float16 import convert_float_to_float16

    return bytes(convert_float_to_float16(_reconstructing(graph), keep_io_types=True).SerializeToString())


def _int8(graph: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as made:
        source, target = Path(made, "from.onnx"), Path(made, "to.onnx")
        source.write_bytes(_reconstructing(graph).SerializeToString())
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
        return target.read_bytes()


def _reconstructing(graph: bytes) -> Any:
    """Return the graph with the reconstruction as only output and with named nodes, for converters."""
    import onnx

    model = onnx.load_from_string(graph)
    outputs = [output for output in model.graph.output if output.name == "reconstruction"]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    for i, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{i}"
    return model


def _litert(graph: bytes) -> bytes:
    from benchmarks.engines.litert import litert_of

    return litert_of(graph)


def _load_onnxruntime(network: bytes, threads: int) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as ours
    options.log_severity_level = 3
    session = ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return lambda Z: session.run(["reconstruction"], {"Z": Z})[0]


def _load_openvino(network: bytes, threads: int) -> Run:
    import openvino as ov

    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled: Any = core.compile_model(core.read_model(network), "CPU", settings)
    request = compiled.create_infer_request()
    output = compiled.output("reconstruction")
    lock = threading.Lock()

    def run(Z: FloatMatrix) -> FloatMatrix:
        with lock:  # a request owns its result
            found: FloatMatrix = request.infer({"Z": Z}, share_inputs=True)[output]
        return found

    return run


def _load_litert(network: bytes, threads: int) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    prepared: dict[int, Any] = {}  # one for each number of rows: preparing takes longer than running
    lock = threading.Lock()

    def run(Z: FloatMatrix) -> FloatMatrix:
        with lock:  # an interpreter is not thread-safe
            if len(Z) not in prepared:
                made = Interpreter(model_content=network, num_threads=threads)
                made.resize_tensor_input(made.get_input_details()[0]["index"], Z.shape)
                made.allocate_tensors()
                prepared[len(Z)] = made, made.get_input_details()[0]["index"], made.get_output_details()[0]["index"]
            interpreter, entry, output = prepared[len(Z)]
            interpreter.set_tensor(entry, Z)
            interpreter.invoke()
            found: FloatMatrix = interpreter.get_tensor(output)
        return found

    return run


def _as_it_is(graph: bytes) -> bytes:
    return graph


ENGINES: Final[dict[str, TriedEngine]] = {
    OURS: TriedEngine(
        says="ONNX Runtime, float32: ours",
        package="onnxruntime",
        needs=("onnxruntime",),
        convert=_as_it_is,
        load=_load_onnxruntime,
    ),
    "onnxruntime_float16": TriedEngine(
        says="ONNX Runtime, weights and products in float16",
        package="onnxruntime",
        needs=("onnxruntime", "onnx", "onnxconverter_common"),
        convert=_float16,
        load=_load_onnxruntime,
    ),
    "onnxruntime_int8": TriedEngine(
        says="ONNX Runtime, weights in int8, inputs of products rounded to int8 as they come",
        package="onnxruntime",
        needs=("onnxruntime", "onnx"),
        convert=_int8,
        load=_load_onnxruntime,
    ),
    "openvino": TriedEngine(
        says="OpenVINO, float32",
        package="openvino",
        needs=("openvino",),
        convert=_as_it_is,
        load=_load_openvino,
    ),
    "litert": TriedEngine(
        says="LiteRT with XNNPACK, float32",
        package="ai-edge-litert",
        needs=("ai_edge_litert", "tensorflow", "onnx"),
        convert=_litert,
        load=_load_litert,
    ),
}
"""By name, ours first."""
