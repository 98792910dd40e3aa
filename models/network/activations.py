"""The activations of the hidden layers, one row each: flags, networks, exports, diagnostics and documents read it.

The output layer has none of them: it is linear, because it predicts quantities of either sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from models.limits import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxNode:
    """One operator of an exported activation.

    Args:
        inputs: ``x`` is the layer's value, ``slope`` its learned slopes; other names are earlier outputs.
        output: ``y`` is the activation's value.
        parameter: Attribute that takes the activation's parameter.
    """

    op: str
    inputs: tuple[str, ...] = ("x",)
    output: str = "y"
    attributes: dict[str, Any] = field(default_factory=dict)
    parameter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationParameter:
    """The parameter of an activation.

    Args:
        name: Of its flag, its setting and the estimator's parameter; no other setting may have it.
        argument: Of the Keras function or layer; empty where it is called `name`.
    """

    name: str
    argument: str = ""
    default: float
    limits: Interval
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationSpec:
    """An activation function, and what follows from choosing it.

    Args:
        formula: For x below 0, and for x from 0 on where it differs.
        summary: One line: when to use it, what it costs.
        keras: A function of `keras.activations`, or a layer of `keras.layers` where it starts with a capital letter.
        initializer: Kernel initialiser that keeps the variance through the layers.
        alpha_dropout: Takes the dropout that keeps mean and variance.
        can_die: A unit can be zero on every row and get no gradient.
        ends: The two values at which a unit saturates: the limits of a function that is bounded on both sides.
        learns_slope: Has a learned weight for each unit.
    """

    formula: str
    summary: str
    keras: str
    onnx: tuple[OnnxNode, ...]
    initializer: str = "he_normal"
    parameter: ActivationParameter | None = None
    alpha_dropout: bool = False
    can_die: bool = False
    ends: tuple[float, float] | None = None
    learns_slope: bool = False
    source: str


ACTIVATIONS: Final[dict[str, ActivationSpec]] = {
    "relu": ActivationSpec(
        formula="max(0, x)",
        summary="the usual one: cheapest, no vanishing gradient, but a unit can die",
        keras="relu",
        onnx=(OnnxNode(op="Relu"),),
        can_die=True,
        source="Nair and Hinton, ICML 2010",
    ),
    "leaky_relu": ActivationSpec(
        formula="x if x > 0 else negative_slope * x",
        summary="a fixed slope below zero keeps every unit alive, at the price of ReLU",
        keras="LeakyReLU",
        onnx=(OnnxNode(op="LeakyRelu", parameter="alpha"),),
        parameter=ActivationParameter(
            name="negative_slope", default=0.1, limits=Interval(0, 1, "[)"), help="slope of leaky_relu below zero"
        ),
        source="Maas, Hannun and Ng, ICML 2013",
    ),
    "prelu": ActivationSpec(
        formula="x if x > 0 else slope * x, one learned slope a unit",
        summary="learns the slope below zero: a few more weights, wants enough rows; dearest to score",
        keras="PReLU",
        onnx=(OnnxNode(op="PRelu", inputs=("x", "slope")),),
        learns_slope=True,
        source="He et al., ICCV 2015",
    ),
    "elu": ActivationSpec(
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        summary="smooth, outputs centred near zero; dearer to score, can learn better",
        keras="ELU",
        onnx=(OnnxNode(op="Elu", parameter="alpha"),),
        parameter=ActivationParameter(
            name="alpha", default=1.0, limits=Interval(0, ends="(]"), help="elu tends to minus this far below zero"
        ),
        source="Clevert, Unterthiner and Hochreiter, ICLR 2016",
    ),
    "selu": ActivationSpec(
        formula="1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1))",
        summary="normalises itself through deep stacks, with LeCun initialiser and alpha dropout",
        keras="selu",
        onnx=(OnnxNode(op="Selu", attributes={"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),),
        initializer="lecun_normal",
        alpha_dropout=True,
        source="Klambauer et al., NeurIPS 2017",
    ),
    "gelu": ActivationSpec(
        formula="x * Phi(x), Phi the normal distribution function",
        summary="smooth ReLU of the transformers; dearest to fit",
        keras="gelu",
        onnx=(OnnxNode(op="Gelu"),),
        source="Hendrycks and Gimpel, arXiv 1606.08415",
    ),
    "silu": ActivationSpec(
        formula="x / (1 + exp(-x))",
        summary="smooth ReLU (swish) with a small dip below zero",
        keras="silu",
        onnx=(OnnxNode(op="Sigmoid", output="gate"), OnnxNode(op="Mul", inputs=("x", "gate"))),
        source="Elfwing, Uchibe and Doya, Neural Networks 2018",
    ),
    "tanh": ActivationSpec(
        formula="tanh(x)",
        summary="to compare with: saturates; low errors, but finds fewer anomalies",
        keras="tanh",
        onnx=(OnnxNode(op="Tanh"),),
        initializer="glorot_uniform",
        ends=(-1.0, 1.0),
        source="LeCun et al., Efficient BackProp, 1998",
    ),
    "sigmoid": ActivationSpec(
        formula="1 / (1 + exp(-x))",
        summary="to compare with: saturates, not centred, slowest to learn",
        keras="sigmoid",
        onnx=(OnnxNode(op="Sigmoid"),),
        initializer="glorot_uniform",
        ends=(0.0, 1.0),
        source="Glorot and Bengio, AISTATS 2010",
    ),
}
"""The activations by the name that ``--activation`` takes."""

ACTIVATION_PARAMETERS: Final = {spec.parameter.name: spec.parameter for spec in ACTIVATIONS.values() if spec.parameter}
"""Their parameters by name."""
