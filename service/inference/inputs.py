"""The rows of a request of tensors: one tensor of all columns in the detector's order, or one a column by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.messages import joined, phrase, quoted
from models.schema import FeatureSchema, Kind
from models.schema.names import one_form
from service.formats.bounds import require_few_columns
from service.formats.rows import BodySpec, Rows
from service.inference.numbers import NumberRows
from service.inference.tensors import InferenceRequest, Tensor, datatype_of, tensor_error

__all__ = ["is_matrix", "rows_of"]

_TOGETHER: Final = (Kind.NUMERIC, Kind.BOOLEAN)


def rows_of(request: InferenceRequest, spec: BodySpec) -> Rows:
    """Return the rows of a request.

    A tensor of plain numbers is rows of cells, as of a JSON table; all else is a table of typed columns, as of Arrow.

    Raises:
        RecordError: The tensors are not those of rows.
        RequestError: A column is absent, or there are too many.
    """
    schema, inputs = spec.schema, request.inputs
    if not inputs:
        raise tensor_error("inputs", "holds no tensor.", "Send one a column, or one of all columns.")
    require_few_columns(len(inputs), spec)
    names = joined([quoted(name) for name in request.ignored], by=", ")
    notes = (phrase("ignored: the parameters {names}", names=names),) if request.ignored else ()
    if not is_matrix(inputs, schema):
        from service.inference.columns import rows_of_columns  # Arrow takes 30 MB: for the first such request

        return rows_of_columns(inputs, schema, notes)
    _require_all_columns(inputs[0], schema)
    if schema.numbers == schema.read_names and isinstance(inputs[0].values, np.ndarray):
        matrix = inputs[0].values.reshape(inputs[0].shape).astype(np.float64, copy=False)
        return NumberRows(cells=matrix, notes=notes)
    from service.inference.columns import rows_of_matrix

    return rows_of_matrix(inputs[0], schema, notes)


def is_matrix(inputs: Sequence[Tensor], schema: FeatureSchema) -> bool:
    """Return whether a request is one tensor with all columns in it, which needs no names."""
    if len(inputs) != 1 or len(inputs[0].shape) == 1:
        return False
    return inputs[0].shape[1] > 1 or (len(schema.read) == 1 and one_form(inputs[0].name) not in schema.known)


def _require_all_columns(tensor: Tensor, schema: FeatureSchema) -> None:
    """Refuse a tensor that cannot hold all columns of a detector."""
    if tensor.shape[1] != len(schema.read):
        problem = f"has {tensor.shape[1]:,} columns, and the detector reads {len(schema.read):,}."
        raise tensor_error(tensor.name, problem, "Send all of them, in the order of the detector's metadata.")
    others = [column.name for column in schema.read if column.kind not in _TOGETHER]
    if others or datatype_of(tensor.name, tensor.datatype).dtype is None:
        names = f", and {quoted(others[0])} is no number" if others else ""
        problem = f"holds all columns in one tensor of {tensor.datatype}{names}."
        raise tensor_error(tensor.name, problem, "Send one tensor a column, by its name.")
