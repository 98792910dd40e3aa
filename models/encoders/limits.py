"""Limits of an encoding's parameters, by name, so that it can encode any value: checked when one is loaded."""

from __future__ import annotations

import math
from typing import Any, Final

from models.encoders.timestamp import CYCLES
from models.limits import Interval, Limit, complaint_about

_FINITE: Final = Interval(-math.inf)
_ABOVE_0: Final = Interval(0, ends="(]")
_LIMITS: Final[dict[str, Limit]] = {
    "center": _FINITE,
    "origin": _FINITE,
    "start": _FINITE,
    "scale": _ABOVE_0,
    "unit": _ABOVE_0,
    "share": Interval(0, 1),
    "missing_share": Interval(0, 1, "[)"),
    "rare_share": Interval(0, 1),
    "shares": Interval(0, 1, "(]"),
    "novelty_penalty": Interval(0),
    "cycles": CYCLES,
}


def require_usable(encoding: Any) -> None:
    """Raise `ValueError`, with column and parameter, unless the parameters of an encoding are within their limits."""
    column = f"column {encoding.name!r}"
    for name, limit in _LIMITS.items():
        if (complaint := complaint_about(f"{name} of {column}", getattr(encoding, name, None), limit)) is not None:
            raise ValueError(complaint)
    if any(math.isnan(getattr(encoding, name, 0.0)) for name in ("low", "high")):
        raise ValueError(f"low and high of {column} must be numbers")
    categories, rare = getattr(encoding, "categories", ()), getattr(encoding, "rare", ())
    for name, values in (("cycles", getattr(encoding, "cycles", ())), ("categories", (*categories, *rare))):
        if len(set(values)) < len(values):
            raise ValueError(f"{name} of {column} must be distinct")
    if len(categories) != len(getattr(encoding, "shares", ())):
        raise ValueError(f"{column} must have one share for each of its {len(categories)} categories")
    if rare and not encoding.rare_share:
        raise ValueError(f"{column} has rare categories, so its rare_share must be above 0")
    if not encoding.name or not encoding.features:
        raise ValueError(f"{column} has no name or no feature")
