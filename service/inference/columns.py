"""Tables of tensors: typed columns, read as those of any other table are.

Loaded for the first such request, because Arrow takes 30 MB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from models.columns.from_tables import with_null_objects
from models.messages import quoted
from models.schema import FeatureSchema
from models.schema.names import one_form
from models.tables.table import Table
from service.formats.tables import TableRows, echoed_of, notes_of, require_shape
from service.inference.tensors import Tensor, Values, datatype_of, tensor_error

__all__ = ["rows_of_columns", "rows_of_matrix"]


def rows_of_matrix(tensor: Tensor, schema: FeatureSchema, notes: Sequence[str]) -> TableRows:
    """Return the rows of one tensor of all columns, in the detector's order."""
    rows, width = tensor.shape
    if isinstance(tensor.values, np.ndarray):
        cells: list[Values] = list(np.ascontiguousarray(tensor.values.reshape(rows, width).T))
    else:
        cells = [tensor.values[index::width] for index in range(width)]
    return _rows({name: _array(of, tensor) for name, of in zip(schema.read_names, cells, strict=True)}, schema, notes)


def rows_of_columns(inputs: Sequence[Tensor], schema: FeatureSchema, notes: Sequence[str]) -> TableRows:
    """Return the rows of one tensor a column.

    Raises:
        RecordError: A tensor has more than one column, another number of rows than the others, or another's name.
        RequestError: A column is absent.
    """
    names = [one_form(tensor.name) for tensor in inputs]
    if len(set(names)) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        raise tensor_error(twice, "comes twice.", "Send each column once.")
    rows = inputs[0].shape[0]
    for tensor in inputs:
        if tensor.shape[1:] not in ((), (1,)):
            problem = f"has {tensor.shape[1]:,} columns."
            remedy = "Send one tensor a column, of shape [rows] or [rows, 1], or a single tensor of all columns."
            raise tensor_error(tensor.name, problem, remedy)
        if tensor.shape[0] != rows:
            problem = f"has {tensor.shape[0]:,} rows, and {quoted(inputs[0].name)} has {rows:,}."
            raise tensor_error(tensor.name, problem, "Send as many rows in each.")
    columns = {name: _array(tensor.values, tensor) for name, tensor in zip(names, inputs, strict=True)}
    return _rows(columns, schema, notes)


def _rows(columns: Mapping[str, pa.Array], schema: FeatureSchema, notes: Sequence[str]) -> TableRows:
    table = with_null_objects(schema, Table(data=pa.table(dict(columns))))
    require_shape(schema, table)
    return TableRows(table=table, notes=(*notes_of(table, schema), *notes), echoed=echoed_of(schema))


def _array(values: Values, tensor: Tensor) -> pa.Array:
    """Return one column, with null for NaN."""
    if isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=values.dtype.kind == "f")
    dtype = datatype_of(tensor.name, tensor.datatype).dtype
    return pa.array(values, pa.string() if dtype is None else pa.from_numpy_dtype(dtype))
