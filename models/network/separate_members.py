"""Takes the graph of several networks apart, so that each has operators and matrices of its own.

A bundle keeps the members as one stack, and a library multiplies with a stack of matrices by arranging all of them anew
in every call. A matrix of its own is arranged once, when the graph is loaded. What is computed is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.network.onnx_file import ATTRIBUTE, FLOAT, GRAPH, MODEL, NODE
from models.network.protobuf import Field, Fields, read_message, write_message

_INT: Final = 2  # the number of a whole number among the types of an attribute
_WITH_INT: Final[Fields] = {**ATTRIBUTE, 3: Field(name="whole", kind=int)}
_NODE: Final[Fields] = {**NODE, 5: Field(name="attributes", kind=_WITH_INT, repeated=True)}
_GRAPH: Final[Fields] = {**GRAPH, 1: Field(name="nodes", kind=_NODE, repeated=True)}
_WRITTEN: Final[Fields] = {**MODEL, 7: Field(name="graph", kind=_GRAPH)}

Message = Mapping[str, Any]


def separate_members(content: bytes) -> tuple[bytes, int]:
    """Return a graph that computes the same, and the number of its members.

    Args:
        content: A serialised graph as `models.network.graph` plans it.

    Returns:
        Of a single network the graph itself. Of M members one whose outputs are `(M · n, …)`: the rows of the first
        member, then those of the second, and so on.
    """
    model = read_message(memoryview(content), MODEL)
    graph = model["graph"]
    outputs = {output["name"]: output["type"]["tensor"]["shape"]["dimensions"] for output in graph["outputs"]}
    stacked = [dimensions for dimensions in outputs.values() if len(dimensions) == 3]
    if not stacked:
        return content, 1
    members = stacked[0][0]["size"]
    arrays = {
        array["name"]: np.frombuffer(array["content"], "<f4").reshape(array["shape"]) for array in graph["arrays"]
    }
    numbers = range(members)
    own = [node for number in numbers for node in _nodes_of(graph["nodes"], arrays, number)]
    joined = [
        {"inputs": [_own(name, number) for number in numbers], "outputs": [name], "op": "Concat"}
        | {"attributes": [{"name": "axis", "whole": 0, "type": _INT}]}
        for name in outputs
    ]
    separate = {
        **graph,
        "nodes": own + joined,
        "arrays": [_array(_own(name, number), stack[number]) for name, stack in arrays.items() for number in numbers],
        "outputs": [_value(name, dimensions[-1]["size"]) for name, dimensions in outputs.items()],
    }
    return write_message({**model, "graph": separate}, _WRITTEN), members


def _nodes_of(nodes: list[Message], arrays: Mapping[str, NDArray[np.float32]], number: int) -> Iterator[Message]:
    """Return the operators of one member; a product and the sum behind it are one."""
    products: dict[str, list[str]] = {}
    for node in nodes:
        inputs = [name if name == "Z" else _own(name, number) for name in node["inputs"]]
        [output] = node["outputs"]
        if node["op"] == "MatMul":
            products[_own(output, number)] = inputs
        elif node["op"] == "Add" and inputs[0] in products:
            yield {"op": "Gemm", "inputs": [*products[inputs[0]], inputs[1]], "outputs": [_own(output, number)]}
        else:
            yield {**node, "name": None, "inputs": inputs, "outputs": [_own(output, number)]}


def _own(name: str, number: int) -> str:
    return f"{name}_of_{number}"


def _array(name: str, values: NDArray[np.float32]) -> Message:
    return {"name": name, "shape": list(values.shape), "type": FLOAT, "content": values.tobytes()}


def _value(name: str, width: int) -> Message:
    dimensions = [{"name": "rows"}, {"size": width}]
    return {"name": name, "type": {"tensor": {"type": FLOAT, "shape": {"dimensions": dimensions}}}}
