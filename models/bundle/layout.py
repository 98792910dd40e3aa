"""What a bundle is made of: the closed list of its files, and how texts, arrays and digests are written."""

from __future__ import annotations

import hashlib
import io
import json
import math
from tokenize import TokenError
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.repository import MANIFEST

FORMAT_VERSION: Final = 1
"""The format of bundles; any other number is refused."""

NETWORK_KERAS: Final = "network.keras"
NETWORK_ONNX: Final = "network.onnx"
FIRST_MEMBER_ONNX: Final = "first_member.onnx"

SIGNATURE: Final = f"{MANIFEST}.minisig"
"""The signature of the manifest, where somebody signed it."""

_MB: Final = 1024**2
LIMITS: Final = {
    MANIFEST: 16 * _MB,
    SIGNATURE: _MB,
    "schema.json": 16 * _MB,
    "preprocessor.json": 32 * _MB,
    "ensemble.json": 64 * _MB,
    "calibration.npy": 1024 * _MB,
    "reference.json": 16 * _MB,
    "probe.json": 16 * _MB,
    NETWORK_ONNX: 1024 * _MB,
    FIRST_MEMBER_ONNX: 1024 * _MB,
    NETWORK_KERAS: 1024 * _MB,
}
"""The files of a bundle, and the bytes above which each is refused unread: far more than training writes."""

FILES: Final = tuple(name for name in LIMITS if name not in {MANIFEST, SIGNATURE})
"""The files beside the manifest, which holds their digests."""

REQUIRED: Final = tuple(name for name in FILES if name != FIRST_MEMBER_ONNX)
"""The files that every bundle has. The first member alone is in newer ones of ensembles."""

SERVED: Final = tuple(name for name in FILES if name != NETWORK_KERAS)
"""The files that a detector is made of, which are verified and read whenever it is loaded."""


TRAINING_SCORES: Final = "training_scores.parquet"
"""The scores of the training rows, which a bundle may have for people and other programs: no detector reads them."""

BESIDE: Final = (TRAINING_SCORES,)
"""Files that a bundle may have beside those that it must have; they may be removed from it."""

_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def json_bytes(plain: object) -> bytes:
    """Return plain data as the text of a file."""
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def array_bytes(array: NDArray[np.generic]) -> bytes:
    """Return an array as the bytes of a ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_in(content: bytes) -> NDArray[np.generic]:
    """Return the one-dimensional array in the bytes of a ``.npy`` file; it shares their memory.

    The header is not trusted.

    Raises:
        ValueError: It is no such file, holds objects, or has more or fewer entries than its header says.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"it is of version {version} of NumPy's format")
    try:
        shape, _, dtype = _HEADERS[version](file)
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
