"""Writes a network as an ONNX graph from plain arrays; only training needs it.

The graph is the one that `models/network/graph.py` plans: no exporter decides about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.network.architecture import AutoencoderConfig
from models.network.graph import PlannedNode, Shape, plan_of

_OPSET: Final = 20  # the first with an exact Gelu
_IR_VERSION: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """Arrays of one dense layer.

    Args:
        kernel: `(inputs, units)`, or `(M, inputs, units)` for M members; float32.
        bias: `(units,)` or `(M, 1, units)`, float32.
        slope: Learned slopes below zero, of the bias's shape, for prelu only.
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
    plan = plan_of(config)
    weights = [array for layer in layers for array in (layer.kernel, layer.bias, layer.slope) if array is not None]
    if config.carried:
        weights.append(np.array(config.carried, np.float32)[:, None, None])
    graph = helper.make_graph(
        [_node(node) for node in plan.nodes],
        "autoencoder",
        [_value(name, shape) for name, shape in plan.inputs.items()],
        [_value(name, shape) for name, shape in plan.outputs.items()],
        [
            numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
            for name, array in zip(plan.arrays, weights, strict=True)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n" if size is None else size for size in shape])


def _node(node: PlannedNode) -> onnx.NodeProto:
    attributes: dict[str, Any] = dict(node.attributes)
    return helper.make_node(node.op, node.inputs, [node.output], name=node.name or None, **attributes)
