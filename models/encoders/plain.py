"""Encoders as plain data and back; what is read is checked, so that a damaged file never becomes an encoder."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final, get_type_hints

from models.encoders.categorical import CategoricalEncoder
from models.encoders.encoder import Encoder
from models.encoders.instants import CYCLES, DatetimeEncoder
from models.encoders.numbers import BooleanEncoder, NumericEncoder
from models.schema import Kind

ENCODERS: Final[dict[Kind, type[Any]]] = {
    encoder.kind: encoder for encoder in (NumericEncoder, BooleanEncoder, CategoricalEncoder, DatetimeEncoder)
}
"""The encoder of each kind of column."""


def encoder_to_json(encoder: Any) -> dict[str, Any]:
    """Return plain data from which `encoder_from_json` makes an equal encoder."""
    return {"kind": str(encoder.kind)} | asdict(encoder)


def encoder_from_json(plain: Mapping[str, Any]) -> Encoder:
    """Make an encoder from what `encoder_to_json` gave.

    Raises:
        KeyError, TypeError, ValueError: `plain` is not the plain form of an encoder.
    """
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items() if key != "kind"}
    made = ENCODERS[Kind(plain["kind"])]
    encoder: Encoder = made(**values)
    hints = get_type_hints(made)
    for field in fields(made):
        value = getattr(encoder, field.name)
        if not _IS[hints[field.name]](value):
            raise TypeError(f"{field.name} of {encoder.name!r} must be {hints[field.name]}, got {value!r:.40}")
        numbers = value if isinstance(value, tuple) else (value,)
        for number in numbers:
            if isinstance(number, (int, float)) and not _within(field.name, number):
                raise ValueError(f"{field.name} of {encoder.name!r} is out of its limits: {number!r}")
    _check_lengths(encoder)
    return encoder


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


_IS: Final[dict[Any, Callable[[Any], bool]]] = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    float: _is_number,
    float | None: lambda value: value is None or _is_number(value),
    tuple[str, ...]: lambda value: isinstance(value, tuple) and all(isinstance(one, str) for one in value),
    tuple[float, ...]: lambda value: isinstance(value, tuple) and all(map(_is_number, value)),
}


def _within(name: str, number: float) -> bool:
    """Say whether a number is one that can be learned: finite, but for the ends of a range that nothing is known of."""
    if name in ("low", "high"):
        return not math.isnan(number)
    if name in ("scale", "unit"):
        return 0.0 < number < math.inf
    if name in ("share", "shares", "rare_share", "missing_share"):
        return 0.0 <= number <= 1.0
    return math.isfinite(number) and (name != "surprise" or number >= 0.0)


def _check_lengths(encoder: Encoder) -> None:
    if isinstance(encoder, CategoricalEncoder) and len(encoder.shares) != len(encoder.categories):
        raise ValueError(f"{len(encoder.shares)} shares of {encoder.name!r} for {len(encoder.categories)} categories")
    if isinstance(encoder, DatetimeEncoder) and not set(encoder.cycles) <= CYCLES.keys():
        raise ValueError(f"cycles of {encoder.name!r} must be of {', '.join(CYCLES)}, got {encoder.cycles}")
