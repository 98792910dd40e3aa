"""The values that a network expected, as columns of a table."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from models.detector import Verdicts
from models.schema import FeatureSchema, Kind

_TYPES: Final = {Kind.NUMERIC: pa.float64(), Kind.BOOLEAN: pa.bool_()}


def expected_schema(schema: FeatureSchema) -> pa.Schema:
    """Return name and type of what is expected of each column of a detector."""
    return pa.schema([(column.name, _TYPES.get(column.kind, pa.string())) for column in schema.columns])


def expected_table(schema: FeatureSchema, verdicts: Verdicts) -> pa.Table:
    """Return the expected values of n rows, in the user's own units and categories."""
    expected = [verdicts.expected(row) for row in range(len(verdicts))]
    fields = expected_schema(schema)
    return pa.table([pa.array([row[f.name] for row in expected], f.type) for f in fields], schema=fields)
