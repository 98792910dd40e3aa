"""One encoder for each kind of column: the user's values → features of `Z`, and back to what was expected.

An encoder holds plain numbers that were learned from the fitting rows (`training/learn_columns.py`), so that
the same record becomes the same features in training, in the service and in a batch. A feature's error counts
with the encoder's weight for it; the weights are such that each column of the user's, whatever its kind, has
about unit variance. A value that no fitting row had (a category, or a first missing value) cannot be judged
by the network; it adds the encoder's `surprise` instead.
"""

from __future__ import annotations

from models.encoders.categorical import CategoricalEncoder
from models.encoders.encoder import Encoder, FloatMatrix, Mask, Novelty
from models.encoders.instants import CYCLES, DatetimeEncoder, cycle_phase
from models.encoders.numbers import BooleanEncoder, NumericEncoder
from models.encoders.plain import ENCODERS, encoder_from_json, encoder_to_json

__all__ = [
    "CYCLES",
    "ENCODERS",
    "BooleanEncoder",
    "CategoricalEncoder",
    "DatetimeEncoder",
    "Encoder",
    "FloatMatrix",
    "Mask",
    "Novelty",
    "NumericEncoder",
    "cycle_phase",
    "encoder_from_json",
    "encoder_to_json",
]
