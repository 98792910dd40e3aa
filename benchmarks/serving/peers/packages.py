"""The packages of each peer's environment."""

from __future__ import annotations

from typing import Final

_RUNTIME: Final = ("onnxruntime==1.32.0", "numpy==2.4.6")
"""The same engine everywhere, in the release that ours was measured with."""

_FAST_UVICORN: Final = ("uvloop==0.23.0", "httptools==0.9.0")
"""Optional packages with which Uvicorn is faster."""

PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    # uvloop 0.22 makes no loop where there is none; MLServer 1.7.1 counts on it.
    "mlserver": ("mlserver==1.7.1", "uvloop==0.21.0", "httptools==0.9.0"),
    "litserve": ("litserve==0.2.19", *_FAST_UVICORN),
    "bentoml": ("bentoml==1.4.40", *_FAST_UVICORN),
    "mlflow": ("mlflow==3.17.2", *_FAST_UVICORN),
    "ray": ("ray[serve]==2.60.0", *_FAST_UVICORN),
}
"""Packages by the peer's name; the first is the peer itself."""


def requirements(name: str) -> tuple[str, ...]:
    """Return the arguments of pip for a peer."""
    return (*PACKAGES[name], *_RUNTIME)
