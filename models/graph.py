"""The graph of an exported network, node by node from the table of activations, without the package `onnx`.

Training writes the graph that is planned here, and an engine runs no other: what a bundle's network can
compute is read here, not in the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.activations import ACTIVATIONS
from models.architecture import AutoencoderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """One operator.

    Args:
        op: Its name in ONNX.
        name: Its own name, empty for the parts of an activation.
        inputs: Names of values and arrays.
        output: Name of the value that it gives.
        attributes: Its settings.
    """

    op: str
    name: str = ""
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPlan:
    """A graph without its weights.

    Args:
        nodes: The operators, in order.
        arrays: Name and shape of every array of weights, in order.
        inputs: Name and width of what goes in, row by row.
        outputs: Name and width of what comes out.
    """

    nodes: tuple[PlannedNode, ...]
    arrays: Mapping[str, tuple[int, ...]]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


def plan_of(config: AutoencoderConfig) -> GraphPlan:
    """Return the graph of a network: input ``Z``, outputs ``reconstruction`` and ``embedding``."""
    nodes: list[PlannedNode] = []
    arrays: dict[str, tuple[int, ...]] = {}
    value, width = "Z", config.features
    for name, units in zip(config.layer_names, config.layer_units, strict=True):
        arrays |= {f"{name}_kernel": (width, units), f"{name}_bias": (units,)}
        nodes.append(_dense(name, value, output=f"{name}_x"))
        if ACTIVATIONS[config.activation].learns_slope:
            arrays[f"{name}_slope"] = (units,)
        value, width = "embedding" if name == "bottleneck" else f"{name}_y", units
        nodes += _activation(config, name, output=value)
    arrays |= {"output_kernel": (width, config.features), "output_bias": (config.features,)}
    nodes.append(_dense("output", value, output="reconstruction"))
    return GraphPlan(
        nodes=tuple(nodes),
        arrays=arrays,
        inputs={"Z": config.features},
        outputs={"reconstruction": config.features, "embedding": config.latent_units},
    )


def _dense(name: str, value: str, *, output: str) -> PlannedNode:
    return PlannedNode(op="Gemm", name=name, inputs=(value, f"{name}_kernel", f"{name}_bias"), output=output)


def _activation(config: AutoencoderConfig, layer: str, *, output: str) -> list[PlannedNode]:
    names = {"x": f"{layer}_x", "slope": f"{layer}_slope", "y": output}
    nodes = []
    for node in ACTIVATIONS[config.activation].onnx:
        attributes = dict(node.attributes)
        if node.parameter is not None:
            attributes[node.parameter] = config.activation_parameter
        output = names.setdefault(node.output, f"{layer}_{node.output}")
        inputs = tuple(names[name] for name in node.inputs)
        nodes.append(PlannedNode(op=node.op, inputs=inputs, output=output, attributes=attributes))
    return nodes
