"""How reports write numbers and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training.comparison.summary import Mean

_LONGEST: Final = 24  # letters of a name in a picture


def with_interval(mean: Mean, *, form: str = ".3g", scale: float = 1.0) -> str:
    """Write a mean with both ends of its interval, where they differ.

    Args:
        mean: The mean.
        form: Of each number.
        scale: What each number is multiplied by before.
    """
    text = format(scale * mean.mean, form)
    if mean.low is None or mean.high is None:
        return text
    low, high = (format(scale * end, form) for end in (mean.low, mean.high))
    return text if low == high else f"{text} ({low} to {high})"


def as_p(p: float) -> str:
    """Write a p-value."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def listed(names: Sequence[str]) -> str:
    """Write names as a list within a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(name: str, *, longest: int = _LONGEST) -> str:
    """Write a name in one line, its middle left out where it is long."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or "(blank)"
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def short_layers(names: Sequence[str]) -> list[str]:
    """Return marks for layers: e1, e2, … of the encoder, b, … d2, d1 of the decoder, out."""
    return [
        {"bottleneck": "b", "output": "out"}.get(name, name.replace("encoder_", "e").replace("decoder_", "d"))
        for name in names
    ]
