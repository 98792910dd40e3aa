"""Tensors, and the requests and answers made of them, however they came and are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import RecordError
from service.budget import BUDGET
from service.formats.bounds import too_much
from service.formats.rows import BodySpec
from service.web.problems import RequestError, too_many_rows

__all__ = [
    "DATATYPES",
    "Datatype",
    "InferenceAnswer",
    "InferenceRequest",
    "RequestedOutput",
    "Tensor",
    "Values",
    "cells_in",
    "datatype_of",
    "require_sendable",
    "tensor_error",
]

Values = NDArray[Any] | Sequence[Any]
"""The elements of a tensor, row by row `(size,)`: an array, a list of texts, or one in which some are None."""

_MOST_DIMENSIONS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Datatype:
    """One datatype of the protocol.

    Args:
        dtype: How one element stands in raw bytes; None for texts, each of which has its length before it.
        element: What one element is in JSON.
        contents: The field of gRPC's typed contents that holds it; None where only raw bytes do.
    """

    dtype: np.dtype[Any] | None
    element: type
    contents: str | None


DATATYPES: Final = {
    "BOOL": Datatype(dtype=np.dtype("?"), element=bool, contents="bool_contents"),
    "UINT8": Datatype(dtype=np.dtype("<u1"), element=int, contents="uint_contents"),
    "UINT16": Datatype(dtype=np.dtype("<u2"), element=int, contents="uint_contents"),
    "UINT32": Datatype(dtype=np.dtype("<u4"), element=int, contents="uint_contents"),
    "UINT64": Datatype(dtype=np.dtype("<u8"), element=int, contents="uint64_contents"),
    "INT8": Datatype(dtype=np.dtype("<i1"), element=int, contents="int_contents"),
    "INT16": Datatype(dtype=np.dtype("<i2"), element=int, contents="int_contents"),
    "INT32": Datatype(dtype=np.dtype("<i4"), element=int, contents="int_contents"),
    "INT64": Datatype(dtype=np.dtype("<i8"), element=int, contents="int64_contents"),
    "FP16": Datatype(dtype=np.dtype("<f2"), element=float, contents=None),
    "FP32": Datatype(dtype=np.dtype("<f4"), element=float, contents="fp32_contents"),
    "FP64": Datatype(dtype=np.dtype("<f8"), element=float, contents="fp64_contents"),
    "BYTES": Datatype(dtype=None, element=str, contents="bytes_contents"),
}
"""The datatypes that are read, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor of a request or of an answer.

    Args:
        datatype: A key of `DATATYPES`.
        shape: Its dimensions; as many `values` as their product.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOutput:
    """An output that is asked for by name.

    Args:
        binary: It is answered as raw bytes; None for what the request says of all.
    """

    name: str
    binary: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """A request for inference.

    Args:
        id: What the client calls it; empty for nothing.
        outputs: The outputs that are asked for; none for the usual ones.
        binary: Outputs are answered as raw bytes where they do not say otherwise.
        ignored: Names of parameters that mean nothing here.
    """

    inputs: Sequence[Tensor]
    id: str = ""
    outputs: Sequence[RequestedOutput] = ()
    binary: bool = False
    ignored: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceAnswer:
    """The answer to a request for inference.

    Args:
        name: Name of the detector.
        version: Its version.
        id: What the request is called.
        outputs: A tensor for each output that was asked for, in that order.
        binary: Which of them are answered as raw bytes.
        notes: One line for each thing that was detected or is ignored.
    """

    name: str
    version: str
    outputs: Sequence[Tensor]
    id: str = ""
    binary: frozenset[str] = frozenset()
    notes: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


def datatype_of(name: str, datatype: str) -> Datatype:
    """Return the datatype of the tensor of a name.

    Raises:
        RecordError: It is none that is read.
    """
    try:
        return DATATYPES[datatype]
    except KeyError:
        problem = f"has the datatype {datatype[:20]!r}."
        raise tensor_error(name, problem, f"Send one of {', '.join(DATATYPES)}.") from None


def cells_in(name: str, shape: Sequence[int], spec: BodySpec) -> int:
    """Return the number of elements of a tensor, before any of them is made.

    Raises:
        RecordError: The shape is none that is read.
        RequestError: It says more rows or elements than a request may have.
    """
    if not 1 <= len(shape) <= _MOST_DIMENSIONS or min(shape) < 1:
        problem = f"has the shape {_shown(shape)}."
        remedy = "Send [rows] or [rows, 1] for a column, [rows, columns] for all columns together, at least one row."
        raise tensor_error(name, problem, remedy)
    if shape[0] > spec.max_rows:
        raise too_many_rows(shape[0], spec.max_rows)
    cells = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if cells > (most := spec.max_bytes // BUDGET.bytes_per_cell):
        raise too_much("cells", cells, most)
    return cells


def require_sendable(size: int) -> None:
    """Refuse an answer of so many bytes, if those are too many.

    Raises:
        RequestError: They are.
    """
    if size > (most := BUDGET.answer_bytes):
        detail = f"The answer would have more than {most:,} bytes. Ask for fewer outputs, or send fewer rows a request."
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def tensor_error(name: str, problem: str, remedy: str) -> RecordError:
    """Return the error of a tensor of a request."""
    return RecordError(problem, record=None, field=name, remedy=remedy)


def _shown(shape: Sequence[int]) -> str:
    dimensions = [str(size) if -(10**18) < size < 10**18 else "…" for size in shape[:4]]
    return f"[{', '.join([*dimensions, '…'] if len(shape) > 4 else dimensions)}]"
