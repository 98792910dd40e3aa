"""Exports a network as the ONNX graph that is served, with one branch for each member.

ONNX Runtime packs the matrix of a branch once, when the graph is loaded; that of a stack it would pack in every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig, Layer, layers_of

_OPSET: Final = 20  # the first with an exact Gelu
_IR_VERSION: Final = 10
_OUTPUTS: Final = ("reconstruction", "embedding")


def onnx_bytes(config: AutoencoderConfig, weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return the serialised graph: input ``Z`` `(n, d)`, outputs ``reconstruction`` and ``embedding``.

    The outputs are `(M · n, d)` and `(M · n, k)`: the rows of the first member, then those of the second, and so on.
    """
    nodes = [node for member in range(config.members) for node in _branch(config, member)]
    if config.members > 1:
        branches = range(config.members)
        nodes += [
            helper.make_node("Concat", [_of(config, name, i) for i in branches], [name], axis=0) for name in _OUTPUTS
        ]
    arrays = dict(weights)
    if config.skip_weight:
        arrays["skip_weight"] = np.array(config.skip_weight, np.float32)
    tensors = [
        numpy_helper.from_array(np.ascontiguousarray(array[i], np.float32), f"{name}_{i}")
        for name, array in arrays.items()
        for i in range(config.members)
    ]
    widths = {"Z": config.features, "reconstruction": config.features, "embedding": config.latent_units}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n" if name == "Z" else "rows", width])
        for name, width in widths.items()
    }
    graph = helper.make_graph(nodes, "autoencoder", [values["Z"]], [values[name] for name in _OUTPUTS], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _of(config: AutoencoderConfig, name: str, member: int) -> str:
    """Return the name of a member's value; the graph's input and outputs keep theirs."""
    return name if name == "Z" or (config.members == 1 and name in _OUTPUTS) else f"{name}_{member}"


def _branch(config: AutoencoderConfig, member: int) -> list[onnx.NodeProto]:
    """Return the operators of one member."""
    layers = [layer for layer in layers_of(config) if layer.kind in _OPERATORS]
    nodes: list[onnx.NodeProto] = []
    value = "Z"
    for index, layer in enumerate(layers):
        if index == len(layers) - 1:
            output = "reconstruction"
        elif layer.kind == "activation" and layer.name == "bottleneck":
            output = "embedding"
        else:
            output = f"{layer.name}_{layer.kind}"
        for op, inputs, result, attributes in _OPERATORS[layer.kind](config, layer, value, output):
            names = [_of(config, name, member) for name in inputs]
            nodes.append(helper.make_node(op, names, [_of(config, result, member)], **attributes))  # type: ignore[arg-type]
        value = output
    return nodes


Operator = tuple[str, tuple[str, ...], str, dict[str, float]]
"""Operator, names of its inputs and of its output, attributes."""


def _dense(config: AutoencoderConfig, layer: Layer, value: str, output: str) -> list[Operator]:
    return [("Gemm", (value, f"{layer.name}_kernel", f"{layer.name}_bias"), output, {})]


def _activation(config: AutoencoderConfig, layer: Layer, value: str, output: str) -> list[Operator]:
    names = {"x": value, "slope": f"{layer.name}_slope", "y": output}
    operators: list[Operator] = []
    for node in ACTIVATIONS[config.activation].onnx:
        attributes = dict(node.attributes)
        if node.parameter is not None:
            [attributes[node.parameter]] = config.activation_arguments.values()
        result = names.setdefault(node.output, f"{layer.name}_{node.output}")
        operators.append((node.op, tuple(names[name] for name in node.inputs), result, attributes))
    return operators


def _skip(config: AutoencoderConfig, layer: Layer, value: str, output: str) -> list[Operator]:
    return [("Mul", ("Z", "skip_weight"), "skip", {}), ("Add", (value, "skip"), output, {})]


_OPERATORS: Final[dict[str, Callable[[AutoencoderConfig, Layer, str, str], list[Operator]]]] = {
    "dense": _dense,
    "activation": _activation,
    "skip": _skip,
}
"""The operators of each kind of layer; noise and dropout are for fitting alone."""
