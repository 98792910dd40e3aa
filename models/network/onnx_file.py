"""Judges an ONNX graph without the package `onnx`: it must be the one that its configuration plans, with any weights.

So no other operator, no function, no file outside the bundle and no array of another size ever reaches an engine.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from models.network.graph import GraphPlan, PlannedNode, Shape
from models.network.protobuf import Field, Fields, read_message

FLOAT: Final = 1  # the number of float32 among the types of ONNX, of an attribute's value as of an array's entries

# Numbers of the fields as in onnx.proto; only those that `models/network/onnx_graph.py` writes.
ATTRIBUTE: Final[Fields] = {
    1: Field(name="name", kind=str),
    2: Field(name="value", kind=float),
    20: Field(name="type", kind=int),
}
NODE: Final[Fields] = {
    1: Field(name="inputs", kind=str, repeated=True),
    2: Field(name="outputs", kind=str, repeated=True),
    3: Field(name="name", kind=str),
    4: Field(name="op", kind=str),
    5: Field(name="attributes", kind=ATTRIBUTE, repeated=True),
    7: Field(name="domain", kind=str),
}
_ARRAY: Final[Fields] = {
    1: Field(name="shape", kind=int, repeated=True),
    2: Field(name="type", kind=int),
    8: Field(name="name", kind=str),
    9: Field(name="content", kind=bytes),
}
_DIMENSION: Final[Fields] = {1: Field(name="size", kind=int), 2: Field(name="name", kind=str)}
_SHAPE: Final[Fields] = {1: Field(name="dimensions", kind=_DIMENSION, repeated=True)}
_TENSOR: Final[Fields] = {1: Field(name="type", kind=int), 2: Field(name="shape", kind=_SHAPE)}
_TYPE: Final[Fields] = {1: Field(name="tensor", kind=_TENSOR)}
_VALUE: Final[Fields] = {1: Field(name="name", kind=str), 2: Field(name="type", kind=_TYPE)}
GRAPH: Final[Fields] = {
    1: Field(name="nodes", kind=NODE, repeated=True),
    2: Field(name="name", kind=str),
    5: Field(name="arrays", kind=_ARRAY, repeated=True),
    11: Field(name="inputs", kind=_VALUE, repeated=True),
    12: Field(name="outputs", kind=_VALUE, repeated=True),
}
_OPERATORS: Final[Fields] = {1: Field(name="domain", kind=str), 2: Field(name="version", kind=int)}
MODEL: Final[Fields] = {
    1: Field(name="ir_version", kind=int),
    7: Field(name="graph", kind=GRAPH),
    8: Field(name="operators", kind=_OPERATORS, repeated=True),
}


def judge_graph(content: bytes, plan: GraphPlan) -> None:
    """Compare a serialised graph with its plan.

    Raises:
        ValueError: It is no graph, or another one.
    """
    model = read_message(memoryview(content), MODEL)
    graph = model["graph"]
    if graph is None or [operators["domain"] or "" for operators in model["operators"]] != [""]:
        raise ValueError("it holds no graph of ONNX's own operators")
    found, planned = [_node(node) for node in graph["nodes"]], [_as_written(node) for node in plan.nodes]
    if found != planned:
        same = [f == p for f, p in zip(found, planned, strict=False)]
        place = same.index(False) if False in same else len(same)
        what = str(found[place][0])[:40] if place < len(found) else "missing"
        raise ValueError(f"its operator {place + 1} is {what}, not the one that its configuration has there")
    for what, values, shapes in (("inputs", graph["inputs"], plan.inputs), ("outputs", graph["outputs"], plan.outputs)):
        if [_shape(value) for value in values] != list(shapes.items()):
            planned_values = ", ".join(f"{name} of width {shape[-1]}" for name, shape in shapes.items())
            raise ValueError(f"its {what} are not {planned_values}")
    arrays = {array["name"]: tuple(array["shape"]) for array in graph["arrays"]}
    if arrays != dict(plan.arrays) or len(arrays) != len(graph["arrays"]):
        raise ValueError("its arrays of weights have other names or shapes than its configuration")
    for array in graph["arrays"]:
        _judge_weights(array)


def _node(node: dict[str, Any]) -> tuple[Any, ...]:
    attributes = [(a["name"] or "", a["value"] if a["type"] == FLOAT else None) for a in node["attributes"]]
    return node["op"], node["domain"] or "", tuple(node["inputs"]), tuple(node["outputs"]), _by_name(attributes)


def _as_written(node: PlannedNode) -> tuple[Any, ...]:
    attributes = [(name, float(np.float32(value))) for name, value in node.attributes.items()]
    return node.op, "", node.inputs, (node.output,), _by_name(attributes)


def _by_name(attributes: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(attributes, key=lambda attribute: attribute[0])


def _shape(value: dict[str, Any]) -> tuple[str, Shape] | None:
    """Return the name and shape of an input or output, None for any number of rows; None where it is no float32."""
    tensor = (value["type"] or {}).get("tensor") or {"shape": None, "type": None}
    if tensor["type"] != FLOAT or tensor["shape"] is None:
        return None
    return value["name"], tuple(dimension["size"] for dimension in tensor["shape"]["dimensions"])


def _judge_weights(array: dict[str, Any]) -> None:
    content = array["content"]
    if array["type"] != FLOAT or content is None or len(content) != 4 * math.prod(array["shape"]):
        raise ValueError(f"its array {array['name']!r} does not hold its own weights")
    if not np.isfinite(np.frombuffer(content, "<f4")).all():
        raise ValueError(f"its array {array['name']!r} holds weights that are no numbers")
