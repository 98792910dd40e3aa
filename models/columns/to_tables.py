"""Values as columns of Arrow's tables: figures of rows, and the values that a network expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.schema import FeatureSchema, Kind

if TYPE_CHECKING:
    from models.detector import Verdicts

_TYPES: Final = {Kind.NUMERIC: pa.float64(), Kind.BOOLEAN: pa.bool_()}


def arrow_of(figures: NDArray[Any]) -> pa.Array:
    """Return n floats or truth values as an Arrow array, without pandas, which Arrow's own way imports.

    Example:
        >>> arrow_of(np.array([True, False])).to_pylist(), arrow_of(np.array([0.5])).to_pylist()
        ([True, False], [0.5])
    """
    if figures.dtype == np.bool_:
        kind, buffer = pa.bool_(), np.packbits(figures, bitorder="little")
    else:
        kind, buffer = pa.float64(), np.ascontiguousarray(figures, np.float64)
    return pa.Array.from_buffers(kind, len(figures), [None, pa.py_buffer(buffer)])


def expected_schema(schema: FeatureSchema) -> pa.Schema:
    """Return name and type of the expected value of each column of a detector."""
    return pa.schema([(column.name, _TYPES.get(column.kind, pa.string())) for column in schema.columns])


def expected_table(schema: FeatureSchema, verdicts: Verdicts) -> pa.Table:
    """Return the expected values of n rows, in the user's own units and categories."""
    expected = [verdicts.expected(row) for row in range(len(verdicts))]
    fields = expected_schema(schema)
    return pa.table([pa.array([row[f.name] for row in expected], f.type) for f in fields], schema=fields)
