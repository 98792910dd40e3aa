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


def shortened(name: str, *, longest: int = _LONGEST) -> str:
    """Return a name on one line, with an ellipsis in the middle where it is long."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or "(blank)"
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def short_layers(names: Sequence[str]) -> list[str]:
    """Return abbreviations of layers: e1, e2, … of the encoder, b, … d2, d1 of the decoder, out."""
    return [
        {"bottleneck": "b", "output": "out"}.get(name, name.replace("encoder_", "e").replace("decoder_", "d"))
        for name in names
    ]
