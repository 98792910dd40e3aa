"""What a bundle is made of: the closed list of its files, and how text and digests are written."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from models.repository import MANIFEST

FORMAT_VERSION: Final = 1
"""The format of bundles; any other number is refused."""

NETWORK_KERAS: Final = "network.keras"
NETWORK_ONNX: Final = "network.onnx"

_MB: Final = 1024**2
LIMITS: Final = {
    MANIFEST: 16 * _MB,
    "schema.json": 16 * _MB,
    "preprocessor.json": 32 * _MB,
    "ensemble.json": 64 * _MB,
    "calibration.npy": 1024 * _MB,
    "reference.json": 16 * _MB,
    "probe.json": 16 * _MB,
    NETWORK_ONNX: 1024 * _MB,
    NETWORK_KERAS: 1024 * _MB,
}
"""The files of a bundle, and the bytes above which each is refused unread: far more than training writes."""

FILES: Final = tuple(name for name in LIMITS if name != MANIFEST)
"""The files beside the manifest, which holds their digests."""

SERVED: Final = tuple(name for name in FILES if name != NETWORK_KERAS)
"""The files that a detector is made of, which are verified and read whenever it is loaded."""


def json_bytes(plain: object) -> bytes:
    """Return plain data as the text of a file."""
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()
