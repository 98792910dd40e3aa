"""What is measured: a command that starts a server, and the request that it is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.serving.apps import WIDTHS

COLUMNS: Final = tuple(f"x{number}" for number in range(WIDTHS[0]))
_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server.

    Args:
        name: As tables and flags call it.
        says: What it is.
        command: What starts it on a port.
        body: The request, JSON; it is posted to ``/score``.
    """

    name: str
    says: str
    command: Callable[[int], Sequence[str]]
    body: bytes


def made_up_rows() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return correlated numbers `(n, 30)`."""
    draw = np.random.default_rng(0)
    width = len(COLUMNS)
    return np.round(draw.normal(size=(_ROWS, 8)) @ draw.normal(size=(8, width)) + draw.normal(size=(_ROWS, width)), 4)


def train_detectors(folder: Path) -> dict[str, Path]:
    """Train a detector of each preset that is served; return its bundle by the preset's name.

    That of ``fast`` is the network of `WIDTHS`; the default is as it is.
    """
    import pandas as pd

    from training.train import main

    data = folder / "rows.csv"
    pd.DataFrame(made_up_rows(), columns=list(COLUMNS)).to_csv(data, index=False)
    shapes = {"fast": ["--hidden-units", "64", "32", "--latent-units", "8", "--activation", "relu"], "balanced": []}
    bundles = {}
    for preset, flags in shapes.items():
        bundles[preset] = folder / preset
        if main([str(data), "--preset", preset, *flags, "--epochs", "3", "--quiet", "--output", str(bundles[preset])]):
            raise SystemExit(2)
    return bundles


def contenders(bundles: dict[str, Path]) -> list[Contender]:
    """Return what is measured, the empty endpoint first."""
    row = made_up_rows()[0].tolist()
    record = json.dumps(dict(zip(COLUMNS, row, strict=True))).encode()

    def asgi(name: str, *flags: str) -> Callable[[int], Sequence[str]]:
        app = f"benchmarks.serving.apps:{name}"
        return lambda port: (*_UVICORN, app, *flags, "--port", str(port), "--no-access-log", "--log-level", "warning")

    def ours(preset: str) -> Callable[[int], Sequence[str]]:
        return lambda port: (
            *(sys.executable, "-m", "service", "--detector", str(bundles[preset])),
            *("--port", str(port), "--host", "127.0.0.1"),
        )

    return [
        Contender(
            name="empty",
            says="an empty FastAPI endpoint",
            command=asgi("empty", "--factory"),
            body=record,
        ),
        Contender(name="floor", says="a bare ASGI callable, a constant", command=asgi("floor"), body=record),
        Contender(name="ours", says="ours, preset fast", command=ours("fast"), body=record),
        Contender(name="ours_balanced", says="ours, the default preset", command=ours("balanced"), body=record),
        Contender(
            name="predict",
            says="FastAPI by hand, network.predict",
            command=asgi("predicting", "--factory"),
            body=json.dumps({"values": row}).encode(),
        ),
    ]


_UVICORN: Final = (sys.executable, "-m", "uvicorn")
