"""The graph of an exported network, node by node from the table of activations, without the package `onnx`.

Training writes the graph that is planned here, and an engine runs no other: what a bundle's network can
compute is read here, not in the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig

Shape = tuple[int | None, ...]


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
        inputs: Name and shape of what goes in; None stands for the rows.
        outputs: Name and shape of what comes out.
    """

    nodes: tuple[PlannedNode, ...]
    arrays: Mapping[str, tuple[int, ...]]
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]


def plan_of(config: AutoencoderConfig) -> GraphPlan:
    """Return the graph of a network: input ``Z`` `(n, d)`, outputs ``reconstruction`` and ``embedding``.

    A single network gives `(n, d)` and `(n, k)`; M members are one graph all the same, with arrays and outputs that
    have the members in front: `(M, n, d)` and `(M, n, k)`.
    """
    single = config.members == 1
    stack = () if single else (config.members,)
    rows = (None,) if single else (config.members, None)
    ones = () if single else (config.members, 1)
    nodes: list[PlannedNode] = []
    arrays: dict[str, tuple[int, ...]] = {}
    value, width = "Z", config.features
    for name, units in zip(config.layer_names, config.layer_units, strict=True):
        arrays |= {f"{name}_kernel": (*stack, width, units), f"{name}_bias": (*ones, units)}
        nodes += _dense(name, value, output=f"{name}_x", single=single)
        if ACTIVATIONS[config.activation].learns_slope:
            arrays[f"{name}_slope"] = (*ones, units)
        value, width = "embedding" if name == "bottleneck" else f"{name}_y", units
        nodes += _activation(config, name, output=value)
    arrays |= {"output_kernel": (*stack, width, config.features), "output_bias": (*ones, config.features)}
    if config.carried:
        arrays["carried"] = (config.members, 1, 1)
        nodes += _dense("output", value, output="correction", single=single)
        nodes += [
            PlannedNode(op="Mul", inputs=("Z", "carried"), output="carried_Z"),
            PlannedNode(op="Add", inputs=("correction", "carried_Z"), output="reconstruction"),
        ]
    else:
        nodes += _dense("output", value, output="reconstruction", single=single)
    return GraphPlan(
        nodes=tuple(nodes),
        arrays=arrays,
        inputs={"Z": (None, config.features)},
        outputs={"reconstruction": (*rows, config.features), "embedding": (*rows, config.latent_units)},
    )


def _dense(name: str, value: str, *, output: str, single: bool) -> list[PlannedNode]:
    kernel, bias = f"{name}_kernel", f"{name}_bias"
    if single:
        return [PlannedNode(op="Gemm", name=name, inputs=(value, kernel, bias), output=output)]
    product = f"{name}_product"  # every member's own: the rows `(n, d)` meet the kernels `(M, d, units)`
    return [
        PlannedNode(op="MatMul", name=name, inputs=(value, kernel), output=product),
        PlannedNode(op="Add", inputs=(product, bias), output=output),
    ]


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
