"""What is measured: a command that starts a server, and the request that it is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.serving.apps import WIDTHS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = tuple(f"x{number}" for number in range(WIDTHS[0]))
_ROWS: Final = 2_000
_MIXED_WIDTH: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server.

    Args:
        name: As tables and flags call it.
        says: What it is.
        command: What starts it on a port.
        body: The request, JSON.
        path: Where it is posted.
    """

    name: str
    says: str
    command: Callable[[int], Sequence[str]]
    body: bytes
    path: str = "/score"


def made_up_rows() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return correlated numbers `(n, 30)`."""
    draw = np.random.default_rng(0)
    width = len(COLUMNS)
    return np.round(draw.normal(size=(_ROWS, 8)) @ draw.normal(size=(8, width)) + draw.normal(size=(_ROWS, width)), 4)


def made_up_tables() -> dict[str, pd.DataFrame]:
    """Return what detectors are trained on: a table of numbers, and a mixed one beside numbers of its width."""
    import pandas as pd

    numbers = pd.DataFrame(made_up_rows(), columns=list(COLUMNS))
    narrow = numbers[list(COLUMNS[:_MIXED_WIDTH])]
    mixed = narrow[list(COLUMNS[:10])].copy()
    for place in range(10):
        mixed[f"c{place}"] = pd.qcut(numbers[COLUMNS[10 + place]], 5, labels=list("abcde"))
    for name, hours in (("at", 1), ("since", 7)):
        mixed[name] = pd.date_range("2024-01-01", periods=len(mixed), freq=f"{hours}h").strftime("%Y-%m-%dT%H:%M:%S")
    return {"numbers": numbers, "narrow": narrow, "mixed": mixed}


def train_detectors(folder: Path) -> dict[str, Path]:
    """Train the detectors that are served; return their bundles by name.

    That of ``fast`` is the network of `WIDTHS`; the default is as it is.
    """
    from training.train import main

    tables = made_up_tables()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    fast = ["--preset", "fast", "--hidden-units", "64", "32", "--latent-units", "8", "--activation", "relu"]
    trainings = {
        "fast": ("numbers", fast),
        "balanced": ("numbers", ["--preset", "balanced"]),
        "narrow": ("narrow", fast),
        "mixed": ("mixed", fast),
    }
    bundles = {}
    for name, (table, flags) in trainings.items():
        bundles[name] = folder / name
        data = str(folder / f"{table}.csv")
        if main([data, *flags, "--epochs", "3", "--quiet", "--output", str(bundles[name])]):
            raise SystemExit(2)
    return bundles


def contenders(bundles: dict[str, Path]) -> list[Contender]:
    """Return what is measured, the empty endpoint first."""
    row = made_up_rows()[0].tolist()
    record, narrow, mixed = (table.iloc[0].to_json().encode() for table in made_up_tables().values())

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
            name="ours_explained",
            says="ours, preset fast, with five reasons",
            command=ours("fast"),
            body=record,
            path="/score?explain=5",
        ),
        Contender(name="ours_narrow", says="ours, preset fast, 22 numbers", command=ours("narrow"), body=narrow),
        Contender(
            name="ours_mixed",
            says="ours, preset fast, 10 numbers, 10 categories, 2 instants",
            command=ours("mixed"),
            body=mixed,
        ),
        Contender(
            name="predict",
            says="FastAPI by hand, network.predict",
            command=asgi("predicting", "--factory"),
            body=json.dumps({"values": row}).encode(),
        ),
    ]


_UVICORN: Final = (sys.executable, "-m", "uvicorn")
