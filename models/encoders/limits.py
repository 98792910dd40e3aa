"""Limits of an encoding's parameters, by name, so that it can encode any value: checked when one is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from models.encoders.timestamp import CYCLES


def _distinct(values: tuple[str, ...]) -> bool:
    return len(set(values)) == len(values)


_LIMITS: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "name": ("not empty", bool),
    "center": ("a finite number", math.isfinite),
    "origin": ("a finite number", math.isfinite),
    "start": ("a finite number", math.isfinite),
    "scale": ("a finite number above 0", lambda scale: 0 < scale < math.inf),
    "unit": ("a finite number above 0, or null", lambda unit: unit is None or 0 < unit < math.inf),
    "low": ("a number", lambda low: not math.isnan(low)),
    "high": ("a number", lambda high: not math.isnan(high)),
    "share": ("in [0, 1]", lambda share: 0 <= share <= 1),
    "missing_share": ("in [0, 1)", lambda share: 0 <= share < 1),
    "rare_share": ("in [0, 1]", lambda share: 0 <= share <= 1),
    "shares": ("in (0, 1] each", lambda shares: all(0 < share <= 1 for share in shares)),
    "surprise": ("a finite number of at least 0", lambda surprise: 0 <= surprise < math.inf),
    "cycles": (
        f"some of {', '.join(CYCLES)}, each once",
        lambda cycles: _distinct(cycles) and set(cycles) <= {*CYCLES},
    ),
    "categories": ("distinct", _distinct),
    "rare": ("distinct", _distinct),
}


def require_usable(encoding: Any) -> None:
    """Check that the parameters of an encoding are within their limits.

    Raises:
        ValueError: One is not; the message names the column and the number.
    """
    for name, (limit, holds) in _LIMITS.items():
        if hasattr(encoding, name) and not holds(getattr(encoding, name)):
            raise ValueError(f"{name} of column {encoding.name!r} must be {limit}")
    categories, rare = getattr(encoding, "categories", ()), getattr(encoding, "rare", ())
    if not _distinct((*categories, *rare)):
        raise ValueError(f"categories of column {encoding.name!r} must not be among its rare ones")
    if len(categories) != len(getattr(encoding, "shares", ())):
        raise ValueError(f"column {encoding.name!r} must have one share for each of its {len(categories)} categories")
    if rare and not encoding.rare_share:
        raise ValueError(f"column {encoding.name!r} has rare categories, so its rare_share must be above 0")
    if not encoding.features:
        raise ValueError(f"column {encoding.name!r} has no feature")
