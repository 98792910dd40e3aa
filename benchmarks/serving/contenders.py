"""The contenders: servers with their start command and their request."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.serving.apps import WIDTHS
from benchmarks.serving.batches import Rows, of_ours
from benchmarks.serving.request import Request
from models.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = tuple(f"x{i}" for i in range(WIDTHS[0]))
_ROWS: Final = 2_000
_MIXED_WIDTH: Final = 22

SERVED: Final = ("fast", "balanced", "narrow", "mixed")
"""The detectors that are measured beside other servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server.

    Args:
        name: Its name in tables and flags.
        says: Its description.
        command: Returns the start command for a port.
        request: Its request of one record.
        batches: Functions from rows `(n, d)` to a request, by format.
        scores: Extracts the scores from its JSON answer; None where its scores are not comparable.
        prepare: A command to run once before the first start.
        environment: Further environment variables of its process.
        peer: Whether it is a third-party server: where it fails, its row is left out with a note.
    """

    name: str
    says: str
    command: Callable[[int], Sequence[str]]
    request: Request
    batches: Mapping[str, Callable[[Rows], Request]] = field(default_factory=dict)
    scores: Callable[[Any], list[float]] | None = None
    prepare: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    peer: bool = False


def made_up_rows(many: int = _ROWS) -> Rows:
    """Return correlated numbers `(many, 30)`; with another number of rows, all of them differ."""
    draw = np.random.default_rng(0)
    width = len(COLUMNS)
    mixing = draw.normal(size=(8, width))
    return np.round(draw.normal(size=(many, 8)) @ mixing + draw.normal(size=(many, width)), 4)


def made_up_tables() -> dict[str, pd.DataFrame]:
    """Return the training tables: numbers, mixed columns, and numbers of the same width as the mixed ones."""
    import pandas as pd

    numbers = pd.DataFrame(made_up_rows(), columns=list(COLUMNS))
    narrow = numbers[list(COLUMNS[:_MIXED_WIDTH])]
    mixed = narrow[list(COLUMNS[:10])].copy()
    for i in range(10):
        mixed[f"c{i}"] = pd.qcut(numbers[COLUMNS[10 + i]], 5, labels=list("abcde"))
    for name, hours in (("at", 1), ("since", 7)):
        mixed[name] = pd.date_range("2024-01-01", periods=len(mixed), freq=f"{hours}h").strftime("%Y-%m-%dT%H:%M:%S")
    return {"numbers": numbers, "narrow": narrow, "mixed": mixed}


def bundles_in(folder: Path) -> dict[str, Path]:
    """Return the bundle folder of each detector, by name."""
    return {name: folder / name for name in _TRAININGS}


def train_detectors(folder: Path, names: Collection[str] = SERVED) -> None:
    """Train the served detectors: ``fast`` with the network of `WIDTHS`, the others with their defaults.

    Args:
        folder: Folder for the bundles.
        names: Keys of `bundles_in`.
    """
    from training.train import main

    for name, table in made_up_tables().items():
        table.to_csv(folder / f"{name}.csv", index=False)
    for name in names:
        table_name, flags = _TRAININGS[name]
        data = str(folder / f"{table_name}.csv")
        if main([data, *flags, "--epochs", "3", "--quiet", "--output", str(folder / name)]):
            raise ConfigError(f"no detector {name!r} could be trained.")


_FAST: Final = ("--preset", "fast", "--hidden-units", "64", "32", "--latent-units", "8", "--activation", "relu")
_TRAININGS: Final = {
    "fast": ("numbers", _FAST),
    "balanced": ("numbers", ("--preset", "balanced")),
    "narrow": ("narrow", _FAST),
    "mixed": ("mixed", _FAST),
    "mixed_balanced": ("mixed", ("--preset", "balanced")),
}
"""Training table and flags, by the bundle's name."""


def our_service(bundle: Path, *flags: str) -> Callable[[int], Sequence[str]]:
    """Return the start command of our service, for a port."""
    return lambda port: (
        *(sys.executable, "-m", "service", "--detector", str(bundle)),
        *("--port", str(port), "--host", "127.0.0.1", *flags),
    )


def contenders(bundles: Mapping[str, Path]) -> list[Contender]:
    """Return all contenders, the empty endpoint first."""
    row = made_up_rows()[0].tolist()
    numbers, narrow, mixed = (Request(body=table.iloc[0].to_json().encode()) for table in made_up_tables().values())

    def asgi(name: str, *flags: str) -> Callable[[int], Sequence[str]]:
        app = f"benchmarks.serving.apps:{name}"
        return lambda port: (*_UVICORN, app, *flags, "--port", str(port), "--no-access-log", "--log-level", "warning")

    return [
        Contender(name="empty", says="an empty FastAPI endpoint", command=asgi("empty", "--factory"), request=numbers),
        Contender(
            name="ours",
            says="ours, preset fast",
            command=our_service(bundles["fast"]),
            request=numbers,
            batches=of_ours(COLUMNS),
            scores=lambda answer: [result["anomaly_score"] for result in answer["results"]],
        ),
        Contender(
            name="ours_balanced",
            says="ours, the default preset",
            command=our_service(bundles["balanced"]),
            request=numbers,
        ),
        Contender(
            name="ours_asgi",
            says="ours, preset fast, fast path off",
            command=our_service(bundles["fast"], "--no-fast-path"),
            request=numbers,
        ),
        Contender(
            name="ours_balanced_asgi",
            says="ours, the default preset, fast path off",
            command=our_service(bundles["balanced"], "--no-fast-path"),
            request=numbers,
        ),
        Contender(
            name="ours_explained",
            says="ours, preset fast, with five reasons",
            command=our_service(bundles["fast"]),
            request=replace(numbers, path="/score?explain=5"),
        ),
        Contender(
            name="ours_narrow",
            says="ours, preset fast, 22 numbers",
            command=our_service(bundles["narrow"]),
            request=narrow,
        ),
        Contender(
            name="ours_mixed",
            says="ours, preset fast, 10 numbers, 10 categories, 2 timestamps",
            command=our_service(bundles["mixed"]),
            request=mixed,
        ),
        Contender(name="floor", says="a bare ASGI callable, a constant", command=asgi("floor"), request=numbers),
        Contender(
            name="constant",
            says="our protocol, a constant",
            command=lambda port: (sys.executable, "-m", "benchmarks.serving.constant", str(port)),
            request=numbers,
        ),
        Contender(
            name="predict",
            says="FastAPI by hand, network.predict",
            command=asgi("predicting", "--factory"),
            request=Request(body=json.dumps({"values": row}).encode()),
        ),
    ]


_UVICORN: Final = (sys.executable, "-m", "uvicorn")
