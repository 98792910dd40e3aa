"""Measures the stages of small requests to our service, in one process on one CPU.

    python -m benchmarks.serving.stages BUNDLE BODIES

BODIES has a record in JSON a line: requests one at a time, and all of them at once. Each repetition runs all stages in
order, then gives the bodies to the function that answers small requests: its time beyond the stages is that of the
call.
"""

from __future__ import annotations

import asyncio
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
import uvloop

from models.bundle import load_detector
from models.detector import Detector
from models.encoders import FloatMatrix
from models.network.engine import Engine
from service.fast_path.answering import Answer, SmallScores
from service.fast_path.micro_batching import Batcher
from service.formats.exact_json import exact_records
from service.formats.json_answers import ANSWER_END, answer_start, encode_items
from service.formats.json_records import Records
from service.gate import Gate
from service.operations import OPERATIONS, score_items
from service.registry import Registry
from service.settings import load_settings

STAGES: Final = {
    "decode": "JSON to cells in the schema's order",
    "columns": "cells to columns of values",
    "preprocess": "values to standardised features",
    "engine": "the network, in ONNX Runtime",
    "errors": "each column's error, and their sum; of the default preset also the members' scales and the histograms",
    "verdict": "p-value and threshold",
    "reasons": "the items of the answer, with reasons where requested",
    "encode": "the answer, in JSON",
    "call": "taking requests, letting them wait for others, giving answers back",
}
"""Stages of a request without the server, in order."""

REASONS: Final = (0, 5)
"""Numbers of columns in the reasons."""

_REPETITIONS: Final = 300
_WARM: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class InStages:
    """Times of one kind of requests.

    Args:
        together: Number of requests at once.
        reasons: Number of columns in the reasons.
        stages: Microseconds a record, by the names of `STAGES`.
    """

    together: int
    reasons: int
    stages: Mapping[str, float]


def stages_beside(bundle: Path, bodies: Path, *, cpu: int) -> list[InStages]:
    """Measure in a process on a CPU of its own."""
    said = subprocess.run(
        [*("taskset", "--cpu-list", str(cpu)), sys.executable, "-m", "benchmarks.serving.stages", bundle, bodies],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ).stdout
    return [InStages(**found) for found in json.loads(said)]


def measured(bundle: Path, bodies: Sequence[bytes], *, repetitions: int = _REPETITIONS) -> list[InStages]:
    """Measure in this process: one record and all of them, without and with reasons."""
    detector = load_detector(bundle)
    return [
        InStages(together=len(some), reasons=reasons, stages=_stages(detector, some, reasons, repetitions))
        for some in (bodies[:1], bodies)
        for reasons in REASONS
    ]


def _stages(detector: Detector, bodies: Sequence[bytes], reasons: int, repetitions: int) -> dict[str, float]:
    steps, call = _Steps(detector, reasons), _call(detector, bodies, reasons)
    took = []
    for _ in range(_WARM + repetitions):
        stages = steps.take(bodies)
        took.append([*stages, call() - sum(stages)])
    medians = np.median(took[_WARM:], axis=0) * 1e6 / len(bodies)
    return dict(zip(STAGES, medians.tolist(), strict=True))


class _Steps:
    """Runs requests through the stages of the service.

    Args:
        detector: The detector.
        reasons: Number of columns in the reasons.
    """

    def __init__(self, detector: Detector, reasons: int) -> None:
        self._engine = _TimedEngine(detector.scorer.engine)
        self._detector = replace(detector, scorer=replace(detector.scorer, engine=self._engine))
        self._exact = exact_records(detector.schema)
        self._start = answer_start(OPERATIONS["score"], detector)
        self._reasons = reasons

    def take(self, bodies: Sequence[bytes]) -> list[float]:
        """Return the seconds of each stage except the call."""
        detector, preprocessor, clock = self._detector, self._detector.preprocessor, time.perf_counter
        began = clock()
        cells = [row for body in bodies for row in self._exact.rows(body, most=1) or ()]
        decoded = clock()
        columns = Records(names=self._exact.names, rows=cells, typed=True).columns(detector.schema)
        in_columns = clock()
        encoded = preprocessor.transform(columns)
        preprocessed = clock()
        scores = detector.scorer.score(encoded)
        scored = clock()
        verdicts = detector.decide(scores, columns)
        decided = clock()
        items = list(score_items(verdicts, top=self._reasons))
        explained = clock()
        for item in items:
            self._start + encode_items([item]) + ANSWER_END
        ended = clock()
        in_engine = self._engine.seconds
        return [
            *(decoded - began, in_columns - decoded, preprocessed - in_columns),
            *(in_engine, scored - preprocessed - in_engine),
            *(decided - scored, explained - decided, ended - explained),
        ]


class _TimedEngine:
    """An engine that measures its last reconstruction.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.seconds = 0.0

    def reconstruct(self, Z: FloatMatrix, /) -> FloatMatrix:
        """Return the reconstruction."""
        began = time.perf_counter()
        reconstruction = self._engine.reconstruct(Z)
        self.seconds = time.perf_counter() - began
        return reconstruction

    def embed(self, Z: FloatMatrix, /) -> FloatMatrix:
        """Return the output of the bottleneck."""
        return self._engine.embed(Z)


def _call(detector: Detector, bodies: Sequence[bytes], reasons: int) -> Callable[[], float]:
    """Return a function that times the answers to bodies at once."""
    settings = load_settings()
    small = SmallScores(Registry(detector), settings, Batcher(), Gate(settings))
    prepared = small.find(OPERATIONS["score"].path.encode())
    if prepared is None:
        raise RuntimeError("the detector is not loaded.")
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    async def call() -> float:
        answered: list[Answer | None] = []
        began = time.perf_counter()
        for body in bodies:
            small.answer(prepared, body, reasons, answered.append)
        while len(answered) < len(bodies):
            await asyncio.sleep(0)
        ended = time.perf_counter()
        if None in answered:
            raise RuntimeError("a request was left to the routes.")
        return ended - began

    return lambda: runner.run(call())


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_bytes().splitlines()
    print(json.dumps([asdict(found) for found in measured(Path(sys.argv[1]), lines)]))
