"""One encoder for each kind of column: the user's values → features of `Z`, and back to what was expected.

An encoder holds plain numbers that were learned from the fitting rows (`training/columns/learn_columns.py`), so that
the same record becomes the same features in training, in the service and in a batch. A feature's error counts
with the encoder's weight for it; the weights are such that each column of the user's, whatever its kind, has
about unit variance. A value that no fitting row had (a category, or a first missing value) cannot be judged
by the network; it adds the encoder's `surprise` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from models.encoders.block import Block, OneColumn
from models.encoders.categorical import CategoricalEncoder
from models.encoders.categorical_block import LevelBlock
from models.encoders.encoder import Z_LIMIT, Encoder, FloatMatrix, Mask, Novelty
from models.encoders.limits import require_usable
from models.encoders.numeric import BooleanEncoder, NumericEncoder, OneFeatureEncoder
from models.encoders.numeric_block import NumberBlock
from models.encoders.timestamp import CYCLES, DatetimeEncoder, cycle_phase
from models.encoders.timestamp_block import InstantBlock
from models.schema import Kind
from models.strict_json import from_plain

__all__ = [
    "CYCLES",
    "ENCODERS",
    "Z_LIMIT",
    "Block",
    "BooleanEncoder",
    "CategoricalEncoder",
    "DatetimeEncoder",
    "Encoder",
    "FloatMatrix",
    "Mask",
    "Novelty",
    "NumericEncoder",
    "OneFeatureEncoder",
    "blocks_of",
    "cycle_phase",
    "encoder_from_json",
    "encoder_to_json",
    "features_from_plain",
]

ENCODERS: Final[dict[Kind, type[Any]]] = {
    encoder.kind: encoder for encoder in (NumericEncoder, BooleanEncoder, CategoricalEncoder, DatetimeEncoder)
}
"""The encoder of each kind of column."""


_BLOCKS: Final[dict[type[Any], Callable[[Sequence[Any], Sequence[int]], Block]]] = {
    OneFeatureEncoder: NumberBlock.of,
    CategoricalEncoder: LevelBlock.of,
    DatetimeEncoder: InstantBlock.of,
}
"""What encodes all columns of a kind at once."""


def blocks_of(encoders: Sequence[Encoder], starts: Sequence[int]) -> list[tuple[tuple[int, ...], Block]]:
    """Return what encodes all columns, and the numbers of the columns that each of them encodes.

    Args:
        encoders: Of all columns.
        starts: The first feature of each.
    """
    left = dict(enumerate(encoders))
    blocks: list[tuple[tuple[int, ...], Block]] = []
    for kind, block_of in _BLOCKS.items():
        if chosen := tuple(number for number, encoder in left.items() if isinstance(encoder, kind)):
            blocks.append((chosen, block_of([left.pop(number) for number in chosen], [starts[n] for n in chosen])))
    return [*blocks, *(((number,), OneColumn(encoder, starts[number])) for number, encoder in left.items())]


def features_from_plain(plain: object) -> FloatMatrix:
    """Return rows of `Z` from plain lists of numbers.

    Raises:
        ValueError: They are no lists of numbers, of several lengths, or hold a number that no value becomes.
    """
    rows = np.array(from_plain(plain, list[list[float]]), np.float64)
    if rows.size and not (np.abs(rows) <= Z_LIMIT).all():
        raise ValueError(f"a number is further than {Z_LIMIT:g} deviations away")
    return rows.astype(np.float32)


def encoder_to_json(encoder: Any) -> dict[str, Any]:
    """Return plain data from which `encoder_from_json` makes an equal encoder."""
    return {"kind": str(encoder.kind)} | asdict(encoder)


def encoder_from_json(plain: dict[str, Any]) -> Encoder:
    """Make an encoder from what `encoder_to_json` gave.

    Raises:
        KeyError, TypeError, ValueError: `plain` is not the plain form of an encoder, or one that cannot encode.
    """
    fields = {key: value for key, value in plain.items() if key != "kind"}
    encoder: Encoder = from_plain(fields, ENCODERS[Kind(plain["kind"])])
    require_usable(encoder)
    return encoder
