"""Measures engines in one process, in turn: time a row, and the difference of scores from ours.

    python -m benchmarks.engines.beside BUNDLE FOLDER ROUNDS THREADS

FOLDER has a network for each engine. Rows come in chunks as from the scorer, which stay in the processor's cache. In
each round every engine takes all of them, in an order that rotates; ratios are of the same round.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.engines import ENGINES, OURS, FloatMatrix, Run
from benchmarks.serving.contenders import COLUMNS, made_up_rows
from models.bundle import load_detector
from models.detector import Detector
from models.encoders.preprocessor import Encoded

SIZES: Final = (1, 64, 1_024, 20_000)
"""Rows of a call."""

_CHUNK_ROWS: Final = 1_024  # of one network; so many together of several, as in `models.scoring`
_LEAST_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Speed and accuracy of an engine.

    Args:
        microseconds: Median over the rounds, a row, by the number of rows.
        ratios: Time of ours over its time in each round: above 1 it is faster.
        worst: Largest difference of a score from ours, relative to max(1, score).
        usual: The same at the 99.9th percentile.
    """

    microseconds: Mapping[int, float]
    ratios: Mapping[int, Sequence[float]]
    worst: float
    usual: float


def beside(bundle: Path, folder: Path, *, rounds: int, cpus: Sequence[int]) -> dict[str, Beside]:
    """Measure in a process on CPUs of its own, with a thread on each."""
    command = [sys.executable, "-m", "benchmarks.engines.beside", str(bundle), str(folder), str(rounds), str(len(cpus))]
    said = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, cpus)), *command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ).stdout
    return {name: _read(found) for name, found in json.loads(said.splitlines()[-1]).items()}


def measured(bundle: Path, folder: Path, *, rounds: int, threads: int, sizes: Sequence[int]) -> dict[str, Beside]:
    """Measure in this process."""
    detector = load_detector(bundle)
    runs = {name: ENGINES[name].load((folder / name).read_bytes(), threads) for name in ENGINES if _is_in(folder, name)}
    X = made_up_rows(max(sizes))
    encoded = detector.preprocessor.transform(dict(zip(COLUMNS, X.T, strict=True)))
    Z = detector.preprocessor.within_limits(encoded.Z)
    took: dict[str, dict[int, list[float]]] = {name: {size: [] for size in sizes} for name in runs}
    for size in sizes:
        jobs = {name: _job(run, Z[:size], _chunk(detector)) for name, run in runs.items()}
        calls = max(1, round(_LEAST_SECONDS / _seconds(jobs[OURS], 1)))
        for turn in range(-1, rounds):  # the first warms up
            for i in range(len(jobs)):
                name = list(jobs)[(i + turn) % len(jobs)]
                seconds = _seconds(jobs[name], calls)
                if turn >= 0:
                    took[name][size].append(seconds / size)
    scores = {name: _scores(detector, run, encoded) for name, run in runs.items()}
    apart = {name: np.abs(own - scores[OURS]) / np.maximum(1, scores[OURS]) for name, own in scores.items()}
    return {
        name: Beside(
            microseconds={size: float(np.median(took[name][size])) * 1e6 for size in sizes},
            ratios={size: (np.array(took[OURS][size]) / took[name][size]).tolist() for size in sizes},
            worst=float(apart[name].max()),
            usual=float(np.quantile(apart[name], 0.999)),
        )
        for name in runs
    }


class _Tried:
    """An adapter of another engine.

    Args:
        run: Runs the network.
        members: Number of members of the network.
    """

    def __init__(self, run: Run, members: int) -> None:
        self._run = run
        self._members = members

    def reconstruct(self, Z: FloatMatrix, /) -> FloatMatrix:
        """Return the reconstruction."""
        found = self._run(Z)
        return found.reshape(self._members, len(Z), found.shape[-1])

    def embed(self, Z: FloatMatrix, /) -> FloatMatrix:
        """Raise: no score needs embeddings."""
        raise NotImplementedError


def _scores(detector: Detector, run: Run, encoded: Encoded) -> NDArray[np.float64]:
    ensemble = detector.scorer.ensemble
    tried = _Tried(run, 1 if ensemble is None else ensemble.members)
    return replace(detector.scorer, engine=tried).score(encoded).anomaly_score


def _chunk(detector: Detector) -> int:
    ensemble = detector.scorer.ensemble
    return _CHUNK_ROWS if ensemble is None else _CHUNK_ROWS // ensemble.members


def _job(run: Run, Z: FloatMatrix, rows: int) -> Callable[[], None]:
    pieces = [Z[start : start + rows] for start in range(0, len(Z), rows)]

    def job() -> None:
        for piece in pieces:
            run(piece)

    return job


def _seconds(job: Callable[[], None], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        job()
    return (time.perf_counter() - began) / calls


def _is_in(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _read(found: dict[str, dict[str, dict[str, object]]]) -> Beside:
    by_rows = {part: {int(size): value for size, value in found[part].items()} for part in ("microseconds", "ratios")}
    return Beside(**{**found, **by_rows})  # type: ignore[arg-type]


if __name__ == "__main__":
    results = measured(
        Path(sys.argv[1]), Path(sys.argv[2]), rounds=int(sys.argv[3]), threads=int(sys.argv[4]), sizes=SIZES
    )
    print(json.dumps({name: asdict(found) for name, found in results.items()}))
