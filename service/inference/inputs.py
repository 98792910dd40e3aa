"""The rows of a request of tensors: typed columns, read as those of any other table are.

Loaded for the first such request, because Arrow takes 30 MB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from models.columns.from_tables import with_null_objects
from models.messages import joined, phrase, quoted
from models.schema import Column, FeatureSchema, Kind
from models.schema.names import one_form
from models.tables.table import Table
from service.formats.bounds import require_few_columns
from service.formats.rows import BodySpec
from service.formats.tables import TableRows, echoed_of, notes_of, require_shape
from service.inference.tensors import InferenceRequest, Tensor, Values, datatype_of, tensor_error

__all__ = ["rows_of"]

_TOGETHER = (Kind.NUMERIC, Kind.BOOLEAN)


def rows_of(request: InferenceRequest, spec: BodySpec) -> TableRows:
    """Return the rows of a request: one tensor of all columns in the detector's order, or one a column by its name.

    Raises:
        RecordError: The tensors are not those of rows.
        RequestError: A column is absent, or there are too many.
    """
    schema, inputs = spec.schema, request.inputs
    if not inputs:
        raise tensor_error("inputs", "holds no tensor.", "Send one a column, or one of all columns.")
    require_few_columns(len(inputs), spec)
    columns = _of_matrix(inputs[0], schema) if _is_matrix(inputs, schema) else _of_columns(inputs)
    table = with_null_objects(schema, Table(data=pa.table(columns)))
    require_shape(schema, table)
    ignored = [
        phrase("ignored: the parameters {names}", names=joined([quoted(name) for name in request.ignored], by=", "))
    ]
    notes = (*notes_of(table, schema), *(ignored if request.ignored else ()))
    return TableRows(table=table, notes=notes, echoed=echoed_of(schema))


def _is_matrix(inputs: Sequence[Tensor], schema: FeatureSchema) -> bool:
    """Return whether a request is one tensor with all columns in it, which needs no names."""
    tensor = inputs[0]
    if len(inputs) > 1 or len(tensor.shape) == 1:
        return False
    return tensor.shape[1] > 1 or (len(schema.read) == 1 and one_form(tensor.name) not in schema.known)


def _of_matrix(tensor: Tensor, schema: FeatureSchema) -> dict[str, pa.Array]:
    rows, width = tensor.shape
    if width != len(schema.read):
        problem = f"has {width:,} columns, and the detector reads {len(schema.read):,}."
        raise tensor_error(tensor.name, problem, "Send all of them, in the order of the detector's metadata.")
    others = [column.name for column in schema.read if not _is_number(column)]
    if others or datatype_of(tensor.name, tensor.datatype).dtype is None:
        names = f", and {quoted(others[0])} is no number" if others else ""
        problem = f"holds all columns in one tensor of {tensor.datatype}{names}."
        raise tensor_error(tensor.name, problem, "Send one tensor a column, by its name.")
    if isinstance(tensor.values, np.ndarray):
        by_column = np.ascontiguousarray(tensor.values.reshape(rows, width).T)
        cells: list[Values] = list(by_column)
    else:
        cells = [tensor.values[index::width] for index in range(width)]
    return {
        column.name: _array(of_column, tensor, is_number=column.kind is Kind.NUMERIC)
        for column, of_column in zip(schema.read, cells, strict=True)
    }


def _of_columns(inputs: Sequence[Tensor]) -> dict[str, pa.Array]:
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
    return {name: _array(tensor.values, tensor, is_number=False) for name, tensor in zip(names, inputs, strict=True)}


def _is_number(column: Column) -> bool:
    return column.kind in _TOGETHER


def _array(values: Values, tensor: Tensor, *, is_number: bool) -> pa.Array:
    """Return one column; NaN is null, but in numbers, where it is read as missing anyway."""
    if isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=not is_number and values.dtype.kind == "f")
    dtype = datatype_of(tensor.name, tensor.datatype).dtype
    return pa.array(values, pa.string() if dtype is None else pa.from_numpy_dtype(dtype))
