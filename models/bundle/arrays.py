"""Arrays on disk in NumPy's format; the header is not trusted."""

from __future__ import annotations

import io
import math
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

_FORMATS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def array_bytes(array: NDArray[np.generic]) -> bytes:
    """Return an array as the bytes of a ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_in(content: bytes) -> NDArray[np.generic]:
    """Return the one-dimensional array in the bytes of a ``.npy`` file; it shares their memory.

    Raises:
        ValueError: It is no such file, holds objects, or has more or fewer entries than its header says.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _FORMATS:
        raise ValueError(f"it is of version {version} of NumPy's format")
    try:
        shape, _, dtype = _FORMATS[version](file)
    except (TokenError, SyntaxError, TypeError, RecursionError, MemoryError) as error:  # NumPy reads it as Python reads
        raise ValueError(f"its header is not readable ({error!r})") from error
    if dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"it holds {dtype}, not numbers")
    if len(shape) != 1:
        raise ValueError(f"it has {len(shape)} dimensions, not one")
    start = file.tell()
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(
            f"its header says {shape[0]:,} entries of {dtype.itemsize} bytes, {len(content) - start:,} bytes follow"
        )
    return np.frombuffer(content, dtype, offset=start)
