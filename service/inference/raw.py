"""Raw bytes of tensors, as the binary extension of REST and gRPC's raw contents have them: little-endian, row-major."""

from __future__ import annotations

from typing import Final

import numpy as np

from service.inference.tensors import Tensor, Values, datatype_of, tensor_error

__all__ = ["raw_of", "values_of_raw"]

_LENGTH_BYTES: Final = 4  # before each text


def values_of_raw(name: str, datatype: str, content: bytes | memoryview, *, size: int) -> Values:
    """Return the elements of a tensor of so many; those that are numbers are not copied.

    Raises:
        RecordError: The bytes are not those of so many elements.
    """
    dtype = datatype_of(name, datatype).dtype
    if dtype is None:
        return _texts(name, memoryview(content), size)
    if len(content) != (wanted := size * dtype.itemsize):
        problem = f"has {len(content):,} bytes, and its shape and datatype mean {wanted:,}."
        raise tensor_error(name, problem, "Send as many elements as the shape says.")
    if dtype.kind == "b":
        return np.frombuffer(content, np.uint8).astype(np.bool_)
    return np.frombuffer(content, dtype)


def raw_of(tensor: Tensor) -> bytes:
    """Return the elements of a tensor as raw bytes."""
    if isinstance(tensor.values, np.ndarray):
        dtype = datatype_of(tensor.name, tensor.datatype).dtype
        return np.ascontiguousarray(tensor.values, dtype).tobytes()
    texts = [text.encode() for text in tensor.values]
    return b"".join(part for text in texts for part in (len(text).to_bytes(_LENGTH_BYTES, "little"), text))


def _texts(name: str, content: memoryview, size: int) -> list[str]:
    texts: list[str] = []
    start = 0
    while len(texts) < size:
        begin = start + _LENGTH_BYTES
        end = begin + int.from_bytes(content[start:begin], "little")
        if begin > len(content) or end > len(content):
            problem = f"ends within element {len(texts):,} of {size:,}."
            raise tensor_error(name, problem, "Send the length of each text in 4 bytes, then the text.")
        texts.append(text_of(name, content[begin:end], len(texts)))
        start = end
    if start < len(content):
        problem = f"has {len(content) - start:,} bytes behind its {size:,} elements."
        raise tensor_error(name, problem, "Send as many elements as the shape says.")
    return texts


def text_of(name: str, content: bytes | memoryview, index: int) -> str:
    """Return an element of a tensor of texts.

    Raises:
        RecordError: It is not UTF-8.
    """
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError as error:
        problem = f"element {index:,} is not UTF-8."
        raise tensor_error(name, problem, "Send texts in UTF-8.") from error
