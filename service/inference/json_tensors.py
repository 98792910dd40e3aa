"""The elements of tensors in JSON, read as their datatype and in pieces: a decoder holds Python's lock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec
import numpy as np

from service.formats.json_slices import DECODE_ERRORS
from service.inference.tensors import Datatype, Values, datatype_of, tensor_error

__all__ = ["values_of_json"]

_PIECE_BYTES: Final = 1 << 15  # so that the floats of a piece take the memory of those before them
_NESTED: Final = re.compile(rb"\s*\[\s*\[")


@dataclass(frozen=True, slots=True)
class _Lists:
    """Decoders of the elements of a datatype: all there, some null, and a list a row."""

    plain: msgspec.json.Decoder[list[Any]]
    with_null: msgspec.json.Decoder[list[Any]]
    nested: msgspec.json.Decoder[list[list[Any]]]

    @classmethod
    def of(cls, element: Any) -> _Lists:
        decoder = msgspec.json.Decoder
        return cls(decoder(list[element]), decoder(list[element | None]), decoder(list[list[element | None]]))


_LISTS: Final[dict[type, _Lists]] = {element: _Lists.of(element) for element in (bool, int, float, str)}


def values_of_json(name: str, datatype: str, shape: Sequence[int], content: bytes, *, size: int) -> Values:
    """Return the elements of a tensor of so many, flat or a list a row: NaN for null where they are floats.

    Raises:
        RecordError: The JSON is not that of so many elements.
    """
    kind = datatype_of(name, datatype)
    try:
        chunks = [_chunk(elements, kind) for elements in _elements(name, kind, shape, content)]
    except DECODE_ERRORS as error:
        problem = f"holds what is no {datatype}: {error}."
        raise tensor_error(name, problem, "Send a list of its elements, null for a missing one.") from error
    except OverflowError as error:
        problem = f"holds a number that {datatype} cannot hold."
        raise tensor_error(name, problem, "Send INT64, or FP64.") from error
    if (found := sum(map(len, chunks))) != size:
        problem = f"has {found:,} elements, and its shape means {size:,}."
        raise tensor_error(name, problem, "Send as many as the shape says.")
    if len(chunks) == 1:
        return chunks[0]
    arrays = [chunk for chunk in chunks if isinstance(chunk, np.ndarray)]
    if len(arrays) == len(chunks):
        return np.concatenate(arrays)
    return [e for chunk in chunks for e in (chunk.tolist() if isinstance(chunk, np.ndarray) else chunk)]


def _chunk(elements: list[Any], datatype: Datatype) -> Values:
    """Return elements as an array, but for texts and for those of which some are null and no NaN says so."""
    if datatype.dtype is None:
        return elements
    if datatype.element is float:
        try:
            doubles = np.fromiter(elements, np.float64, len(elements))
        except TypeError:  # there is a None
            doubles = np.array(elements, np.float64)
        with np.errstate(over="ignore"):  # an infinite number is refused with its place
            return doubles.astype(datatype.dtype, copy=False)
    if None in elements:
        np.array([element for element in elements if element is not None], datatype.dtype)  # all are in its range
        return elements
    return np.array(elements, datatype.dtype)


def _elements(name: str, datatype: Datatype, shape: Sequence[int], content: bytes) -> Iterator[list[Any]]:
    """Yield the elements of a tensor in lists, of which a large one has several."""
    lists = _LISTS[datatype.element]
    is_cut = datatype.element is not str and len(content) > _PIECE_BYTES and content.lstrip()[:1] == b"["
    if not _NESTED.match(content):
        for piece in _pieces(content, b",") if is_cut else [content]:
            try:
                yield lists.plain.decode(piece)
            except msgspec.ValidationError:
                yield lists.with_null.decode(piece)
        return
    width = shape[1] if len(shape) > 1 else None
    for piece in _pieces(content, b"]") if is_cut else [content]:
        rows = lists.nested.decode(piece)
        if lengths := {len(row) for row in rows} - {width}:
            problem = f"a row of its data has {min(lengths):,} elements."
            raise tensor_error(name, problem, "Send as many as the shape says, or one flat list.")
        yield list(chain.from_iterable(rows))


def _pieces(content: bytes, mark: bytes) -> Iterator[bytes]:
    """Yield a list of numbers, or of lists of them, as lists of about `_PIECE_BYTES`, which end at a mark."""
    start, last = content.index(b"[") + 1, content.rindex(b"]")
    while start < last:
        end = content.find(mark, start + _PIECE_BYTES, last)
        end = last if end < 0 else content.find(b",", end, last)
        end = last if end < 0 else end
        yield b"[" + content[start:end] + b"]"
        start = end + 1
