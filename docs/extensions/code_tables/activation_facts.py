"""What comes with one activation, from its row in the table."""

from __future__ import annotations

from typing import Any, Final

from code_tables.markdown import code, plain, table

_VARIANCES: Final = {
    "he_normal": "normal, variance 2/inputs",
    "lecun_normal": "normal, variance 1/inputs",
    "glorot_uniform": "uniform, variance 2/(inputs + outputs)",
}


def activation_facts(name: str) -> str:
    """Return what comes with an activation, one line each.

    Args:
        name: A key of `ACTIVATIONS`.
    """
    from models.network.activations import ACTIVATIONS

    spec = ACTIVATIONS[name]
    lines = {
        "as a flag": code(f"--activation {name}"),
        "in one line": plain(spec.summary),
        "formula": code(spec.formula),
        "parameter": _parameter(spec.parameter, learned=spec.learns_slope),
        "initialiser": ": ".join([code(spec.initializer), *filter(None, [_VARIANCES.get(spec.initializer)])]),
        "dropout": "alpha dropout, which keeps mean and variance" if spec.alpha_dropout else "dropout",
        "units": _units(can_die=spec.can_die, ends=spec.ends),
        "in Keras, in ONNX": f"{code(spec.keras)}, {' then '.join(code(node.op) for node in spec.onnx)}",
        "introduced by": plain(spec.source),
    }
    return table(["what", "for this one"], lines.items())


def _parameter(parameter: Any, *, learned: bool) -> str:
    if parameter is None:
        return "none; each unit learns its own slope" if learned else "none"
    flag = code("--" + parameter.name.replace("_", "-"))
    return f"{flag}, {parameter.limits}; {parameter.default:g} where it is not given"


def _units(*, can_die: bool, ends: tuple[float, float] | None) -> str:
    if ends is not None:
        return f"do not die, but saturate at {ends[0]:g} and {ends[1]:g}"
    return "can die" if can_die else "do not die: below zero they have a slope, too"
