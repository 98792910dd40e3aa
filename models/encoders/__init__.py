"""Encoding columns: the user's values → features of `Z`, and back to expected values.

An encoding is what was learned of one column from the fitting rows (`training/columns/learn_columns.py`): plain
numbers, so that the same record becomes the same features in training, in the service and in a batch. An encoder
applies the encodings of many columns at once. A feature's squared error counts with the encoding's weight for it; the
weights are such that each column, whatever its kind, has about unit variance. A value that no fitting row had (a
category, or a first missing value) has nothing that the network could reconstruct; it adds a novelty penalty instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from models.encoders.categorical import CategoricalEncoder, CategoricalEncoding
from models.encoders.encoding import Z_LIMIT, Encoder, Encoding, FloatMatrix, Mask
from models.encoders.numeric import BooleanEncoding, NumericEncoder, NumericEncoding
from models.encoders.timestamp import (
    CYCLES,
    HOURS,
    WEEKDAYS,
    TimestampEncoder,
    TimestampEncoding,
    cycle_phase,
    gap_between,
    gap_limits,
    hours_of,
    odd_gaps,
    weekdays_of,
)
from models.limits import Interval, Limit, complaint_about
from models.schema import Kind
from models.schema.names import one_form
from models.strict_json import from_plain

__all__ = [
    "CYCLES",
    "ENCODINGS",
    "HOURS",
    "WEEKDAYS",
    "BooleanEncoding",
    "CategoricalEncoding",
    "Encoder",
    "Encoding",
    "FloatMatrix",
    "Mask",
    "NumericEncoding",
    "TimestampEncoding",
    "cycle_phase",
    "encoders_of",
    "encoding_from_json",
    "encoding_to_json",
    "features_from_plain",
    "gap_between",
    "gap_limits",
    "hours_of",
    "odd_gaps",
    "weekdays_of",
]

ENCODINGS: Final[dict[Kind, type[Any]]] = {
    encoding.kind: encoding for encoding in (NumericEncoding, BooleanEncoding, CategoricalEncoding, TimestampEncoding)
}
"""The encoding of each kind of column."""

_ENCODERS: Final[dict[tuple[Kind, ...], Callable[[Sequence[Any], Sequence[int]], Encoder]]] = {
    (Kind.NUMERIC, Kind.BOOLEAN): NumericEncoder,
    (Kind.CATEGORICAL,): CategoricalEncoder,
    (Kind.DATETIME,): TimestampEncoder,
}
"""The encoder of all columns of one or more kinds."""

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
    "hours": Interval(0),
    "weekdays": Interval(0),
    "cycles": CYCLES,
}
"""Limits of an encoding's parameters, by name, so that it can encode any value: checked when one is loaded."""


def encoders_of(encodings: Sequence[Encoding], starts: Sequence[int]) -> list[tuple[tuple[int, ...], Encoder]]:
    """Return encoders for all columns, each with the indices of its columns; `starts` are their first features."""
    encoders: list[tuple[tuple[int, ...], Encoder]] = []
    for kinds, encoder_of in _ENCODERS.items():
        if chosen := tuple(i for i, encoding in enumerate(encodings) if encoding.kind in kinds):
            encoders.append((chosen, encoder_of([encodings[i] for i in chosen], [starts[i] for i in chosen])))
    return encoders


def features_from_plain(plain: object) -> FloatMatrix:
    """Return rows of `Z` from lists of numbers; a `ValueError` if they differ in length or are beyond `Z_LIMIT`."""
    rows = np.array(from_plain(plain, list[list[float]]), np.float64)
    if rows.size and not (np.abs(rows) <= Z_LIMIT).all():
        raise ValueError(f"a number is further than {Z_LIMIT:g} deviations away")
    return rows.astype(np.float32)


def encoding_to_json(encoding: Any) -> dict[str, Any]:
    """Return plain data from which `encoding_from_json` makes an equal encoding."""
    return {"kind": str(encoding.kind)} | asdict(encoding)


def encoding_from_json(plain: dict[str, Any]) -> Encoding:
    """Make an encoding from what `encoding_to_json` gave.

    Raises:
        KeyError, TypeError, ValueError: `plain` is not the plain form of a usable encoding.
    """
    fields = {key: value for key, value in plain.items() if key != "kind"}
    encoding: Encoding = from_plain(fields, ENCODINGS[Kind(plain["kind"])])
    _require_usable(encoding)
    encoding = replace(encoding, name=one_form(encoding.name))
    if isinstance(encoding, TimestampEncoding) and encoding.gaps:
        for gap in encoding.gaps:
            _require_usable(gap)
        return replace(encoding, gaps=tuple(replace(gap, name=one_form(gap.name)) for gap in encoding.gaps))
    return encoding


def _require_usable(encoding: Any) -> None:
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
    for name, count in (("hours", HOURS), ("weekdays", WEEKDAYS)):
        if len(getattr(encoding, name, ())) not in (0, count):
            raise ValueError(f"{name} of {column} must be {count} penalties, or none")
    if rare and not encoding.rare_share:
        raise ValueError(f"{column} has rare categories, so its rare_share must be above 0")
    if not encoding.name or not encoding.features:
        raise ValueError(f"{column} has no name or no feature")
