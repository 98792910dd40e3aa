"""Encoding columns: the user's values → features of `Z`, and back to expected values.

An encoding is what was learned of one column from the fitting rows (`training/columns/learn_columns.py`): plain
numbers, so that the same record becomes the same features in training, in the service and in a batch. An encoder
applies the encodings of many columns at once. A feature's squared error counts with the encoding's weight for it; the
weights are such that each column, whatever its kind, has about unit variance. A value that no fitting row had (a
category, or a first missing value) has nothing that the network could reconstruct; it adds a novelty penalty instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from models.encoders.categorical import CategoricalEncoder, CategoricalEncoding
from models.encoders.encoding import Z_LIMIT, Encoder, Encoding, FloatMatrix, Mask, ValueMasks
from models.encoders.limits import require_usable
from models.encoders.numeric import BooleanEncoding, NumericEncoder, NumericEncoding
from models.encoders.timestamp import CYCLES, TimestampEncoder, TimestampEncoding, cycle_phase
from models.schema import Kind
from models.strict_json import from_plain

__all__ = [
    "CYCLES",
    "ENCODINGS",
    "Z_LIMIT",
    "BooleanEncoding",
    "CategoricalEncoding",
    "Encoder",
    "Encoding",
    "FloatMatrix",
    "Mask",
    "NumericEncoding",
    "TimestampEncoding",
    "ValueMasks",
    "cycle_phase",
    "encoders_of",
    "encoding_from_json",
    "encoding_to_json",
    "features_from_plain",
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
    require_usable(encoding)
    return encoding
