"""How reports write p-values, names and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_LONGEST: Final = 24  # letters of a name in a picture


def as_p(p: float) -> str:
    """Format a p-value."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(name: str) -> str:
    """Return a name on one line, with an ellipsis in the middle where it is long."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or "(blank)"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"
