"""Where the time of small requests to our service goes, step by step, in one process on one CPU.

    python -m benchmarks.serving.stages BUNDLE BODIES

BODIES has a record in JSON a line: requests that come one at a time, and all of them at once. Each repetition takes all
steps in their order, then calls the application, and one that answers a constant: what ours takes beyond both is the
call's own share.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop

from benchmarks.serving.apps import floor
from models.bundle import load_detector
from models.detector import Detector, Verdicts
from models.encoders import FloatMatrix
from models.engine import Engine
from models.segments import segments_of
from service.answers import QUESTIONS, JsonFrame, encode_items, score_items
from service.app import create_app
from service.bodies import Records
from service.exact_records import exact_records
from service.registry import Registry
from service.settings import Settings

STAGES: Final = {
    "decode": "JSON to cells in the schema's order",
    "columns": "cells to columns of values",
    "preprocess": "values to standardised features",
    "engine": "the network, in ONNX Runtime",
    "errors": "each column's error, and their sum; of the default preset also the members' scales and the histograms",
    "verdict": "p-value and threshold",
    "reasons": "what is said of each record, and why where that is asked for",
    "encode": "the answer, in JSON",
    "call": "telling that a request is a small one, waiting for others, headers",
}
"""What a request takes beside the server, in order."""

REASONS: Final = (0, 5)
"""How many columns are named."""

_REPETITIONS: Final = 300
_WARM: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class InStages:
    """What requests of one kind take.

    Args:
        together: How many come at once.
        reasons: How many columns are named.
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
    steps, calls = _Steps(detector, reasons), _calls(detector, bodies, reasons)
    took = []
    for _ in range(_WARM + repetitions):
        stages = steps.take(bodies)
        ours, constant = (call() for call in calls)
        took.append([*stages, ours - constant - sum(stages)])
    medians = np.median(took[_WARM:], axis=0) * 1e6 / len(bodies)
    return dict(zip(STAGES, medians.tolist(), strict=True))


class _Steps:
    """Takes requests through what the service does, one step behind the other.

    Args:
        detector: What scores.
        reasons: How many columns are named.
    """

    def __init__(self, detector: Detector, reasons: int) -> None:
        self._engine = _TimedEngine(detector.scorer.engine)
        self._detector = replace(detector, scorer=replace(detector.scorer, engine=self._engine))
        self._exact = exact_records(detector.schema)
        self._frame = JsonFrame.of(QUESTIONS["score"], detector)
        self._reasons = reasons

    def take(self, bodies: Sequence[bytes]) -> list[float]:
        """Return the seconds of each stage but for the call."""
        detector, preprocessor, clock = self._detector, self._detector.preprocessor, time.perf_counter
        began = clock()
        cells = [self._exact.cells(body) for body in bodies]
        decoded = clock()
        columns = Records(names=self._exact.names, rows=cells, typed=True).columns(detector.schema)
        in_columns = clock()
        encoded = preprocessor.transform(columns)
        preprocessed = clock()
        scores = detector.scorer.score(encoded)
        scored = clock()
        segments = segments_of(detector.schema, columns)
        judged = detector.calibration.judge(scores.anomaly_score, segments)
        verdicts = Verdicts(
            scores=scores,
            p_value=judged.p_value,
            threshold=judged.threshold,
            is_anomaly=judged.is_anomaly,
            columns=columns,
            preprocessor=preprocessor,
            segments=segments,
        )
        decided = clock()
        items = score_items(verdicts, top=self._reasons)
        explained = clock()
        for item in items:
            self._frame.around(encode_items([item]))
        ended = clock()
        in_engine = self._engine.seconds
        return [
            *(decoded - began, in_columns - decoded, preprocessed - in_columns),
            *(in_engine, scored - preprocessed - in_engine),
            *(decided - scored, explained - decided, ended - explained),
        ]


class _TimedEngine:
    """An engine that knows how long its last reconstruction took.

    Args:
        engine: What runs.
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


def _calls(detector: Detector, bodies: Sequence[bytes], reasons: int) -> list[Callable[[], float]]:
    """Return what times the calls that a server makes: of our application, and of one that answers a constant."""
    app = create_app(Registry(detector), Settings())
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    query = f"explain={reasons}".encode() if reasons else b""
    return [lambda: runner.run(_called(app, bodies, query)), lambda: runner.run(_called(floor, bodies, query))]


async def _called(app: Callable[..., Awaitable[None]], bodies: Sequence[bytes], query: bytes) -> float:
    """Call an application with requests that come at once; return the seconds."""
    began = time.perf_counter()
    if len(bodies) == 1:
        await _request(app, bodies[0], query)
    else:
        await asyncio.gather(*(_request(app, body, query) for body in bodies))
    return time.perf_counter() - began


async def _request(app: Callable[..., Awaitable[None]], body: bytes, query: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"a request was answered with {message}")

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/score", "query_string": query, "headers": headers}
    await app(scope, receive, send)


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_bytes().splitlines()
    print(json.dumps([asdict(found) for found in measured(Path(sys.argv[1]), lines)]))
