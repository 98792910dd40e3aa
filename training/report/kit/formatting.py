"""How reports write p-values, names and lists."""

from __future__ import annotations

from typing import Final

from models.languages import shown
from models.messages import phrase

_LONGEST: Final = 24  # letters of a name in a picture


def as_p(p: float) -> str:
    """Format a p-value."""
    return phrase("< {p:.4f}", p=0.0001) if p < 0.0001 else phrase("{p:.4f}", p=p)


def shortened(name: str) -> str:
    """Return a name on one line, with an ellipsis in the middle where it is long."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or shown(
        phrase("(blank)")
    )
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"
