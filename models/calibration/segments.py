"""Segments: the values of the column that thresholds go by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.errors import ConfigError, Set
from models.schema import FeatureSchema, Kind
from models.schema.cells import parse_category


def segments_of(schema: FeatureSchema, columns: Columns) -> NDArray[Any] | None:
    """Return the segment of each of n rows as text, None where the value is missing.

    The segment of a feature is the text of its parsed value, so that true, "yes" and 1 of a boolean one are the same.

    Returns:
        `(n,)`; None for a detector with one threshold.
    """
    if schema.threshold_by is None:
        return None
    kind = next(column.kind for column in schema.read if column.name == schema.threshold_by)
    values = columns[schema.threshold_by]
    if kind is Kind.CATEGORICAL:
        return values
    named = np.empty(len(values), object)
    for row, value in enumerate(values.tolist()):
        named[row] = parse_category(bool(value) if kind is Kind.BOOLEAN and not math.isnan(value) else value)
    return named


def check_segments(schema: FeatureSchema) -> None:
    """Raise `ConfigError` if a column cannot give segments: it is the label, or holds timestamps."""
    name = schema.threshold_by
    if name is None:
        return
    if name == schema.label:
        raise ConfigError(Set("threshold_by", name), " is the label, which a fresh record does not have: name another.")
    if any(column.name == name and column.kind is Kind.DATETIME for column in schema.columns):
        raise ConfigError(
            Set("threshold_by", name),
            " holds dates and times, nearly all different: name a column with a few categories.",
        )
