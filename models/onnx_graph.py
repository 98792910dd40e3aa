"""Writes a network as an ONNX graph from plain arrays; only training needs it.

The graph is built node by node from the table of activations: what it computes can be read here, and no
exporter decides about it. Input ``Z`` `(n, d)`; outputs ``reconstruction`` `(n, d)`, ``embedding`` `(n, k)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.activations import ACTIVATIONS
from models.architecture import AutoencoderConfig

_OPSET: Final = 20  # the first with an exact Gelu
_IR_VERSION: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """Arrays of one dense layer.

    Args:
        kernel: `(inputs, units)`, float32.
        bias: `(units,)`, float32.
        slope: Learned slopes below zero `(units,)`, for prelu only.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: NDArray[np.float32] | None = None


def onnx_bytes(config: AutoencoderConfig, layers: Sequence[LayerWeights]) -> bytes:
    """Return the serialised graph.

    Args:
        config: What the network looks like.
        layers: The hidden layers in order, then the output layer.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, values: NDArray[np.float32]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    value = "Z"
    for name, layer in zip(config.layer_names, layers[:-1], strict=True):
        kernel, bias = constant(f"{name}_kernel", layer.kernel), constant(f"{name}_bias", layer.bias)
        nodes.append(helper.make_node("Gemm", [value, kernel, bias], [f"{name}_x"], name=name))
        names = {"x": f"{name}_x", "y": "embedding" if name == "bottleneck" else f"{name}_y"}
        if layer.slope is not None:
            names["slope"] = constant(f"{name}_slope", layer.slope)
        nodes += _activation_nodes(config, name, names)
        value = names["y"]
    kernel, bias = constant("output_kernel", layers[-1].kernel), constant("output_bias", layers[-1].bias)
    nodes.append(helper.make_node("Gemm", [value, kernel, bias], ["reconstruction"], name="output"))
    graph = helper.make_graph(
        nodes,
        "autoencoder",
        [helper.make_tensor_value_info("Z", TensorProto.FLOAT, ["n", config.features])],
        [
            helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, ["n", config.features]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", config.latent_units]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _activation_nodes(config: AutoencoderConfig, layer: str, names: dict[str, str]) -> list[onnx.NodeProto]:
    nodes = []
    for node in ACTIVATIONS[config.activation].onnx:
        attributes = dict(node.attributes)
        if node.parameter is not None:
            attributes[node.parameter] = config.activation_parameter
        output = names.setdefault(node.output, f"{layer}_{node.output}")
        nodes.append(helper.make_node(node.op, [names[i] for i in node.inputs], [output], **attributes))
    return nodes
