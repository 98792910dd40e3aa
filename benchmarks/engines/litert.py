"""Converts a graph of ours to LiteRT's format, through TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final


def litert_of(graph: bytes) -> bytes:
    """Return a network that computes the reconstruction.

    Args:
        graph: A serialised graph with one branch a member, of operators of `_OPERATORS`.
    """
    import onnx
    import tensorflow as tf

    plan = onnx.load_from_string(graph).graph
    arrays = {array.name: onnx.numpy_helper.to_array(array) for array in plan.initializer}
    [entry] = plan.input
    width = entry.type.tensor_type.shape.dim[-1].dim_value

    @tf.function(input_signature=[tf.TensorSpec((None, width), tf.float32)], autograph=False)  # type: ignore[untyped-decorator]
    def network(Z: Any) -> Any:
        values = {entry.name: Z, **{name: tf.constant(array) for name, array in arrays.items()}}
        for node in plan.node:
            [output] = node.output
            values[output] = _OPERATORS[node.op_type](tf, *(values[name] for name in node.input))
        return values["reconstruction"]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    return bytes(converter.convert())


_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "Gemm": lambda tf, x, kernel, bias: tf.matmul(x, kernel) + bias,
    "Relu": lambda tf, x: tf.nn.relu(x),
    "Add": lambda tf, a, b: a + b,
    "Mul": lambda tf, a, b: a * b,
    "Concat": lambda tf, *parts: tf.concat(parts, axis=0),
}
"""The operators of a network with the activation relu."""
