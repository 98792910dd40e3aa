"""Many requests that somebody could send: none may give a 500, hang, or be answered with what is no number.

    python -m benchmarks.hostile_requests [--requests 100000] [--seed 1] [--output FILE]

Trains a small detector with columns of every kind (or loads --detector BUNDLE), has schemathesis make requests
from the service's own OpenAPI document and hypothesis make bodies of every form, damaged and mislabelled, and sends
them to the service: nine of ten in this process, the others through a socket. Prints the seed, the answers by status
and by the content type of the request, and each failure with what was sent. Exit code 1 where there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from benchmarks.hostile_answers import Answered, Hostile, complaint, send_in_process, send_on_socket
from benchmarks.hostile_bodies import hostile_requests, of_schemathesis
from models.bundle import load_detector
from models.detector import Detector
from models.tables import Table
from service.app import create_app, load_settings
from service.registry import Registry
from service.schemas import example_record

_ROUND: Final = 500
_SHOWN_FAILURES: Final = 20
_OPERATIONS: Final = ("/score", "/embed", "/reconstruct", "/detector", "/healthz", "/readyz")


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the requests.

    Args:
        statuses: Answers by status.
        kinds: Answers by the content type of the request, and status.
        sources: Requests by who made them and how they were sent.
        failures: What was wrong, with what was sent.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[tuple[str, int]] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, request: Hostile, answer: Answered, *, way: str) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.statuses[answer.status] += 1
        self.kinds[request.media_type(), answer.status] += 1
        self.sources[f"{request.source}, {way}"] += 1
        if wrong := complaint(request, answer):
            self.failures.append(f"{wrong}\n  {way}: {request!r:.3000}\n  answer: {answer.body[:300]!r}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same requests (default: 1)")
    parser.add_argument("--detector", type=Path, help="a bundle to serve (default: train a small one)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the counts there, as JSON")
    arguments = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)  # each failure is printed once, here
    detector = small_detector() if arguments.detector is None else load_detector(arguments.detector)
    print(f"seed {arguments.seed}, {arguments.requests:,} requests", flush=True)
    started = time.perf_counter()
    tally = campaign(detector, requests=arguments.requests, first_seed=arguments.seed)
    show(tally, seconds=time.perf_counter() - started)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(as_json(tally, arguments.seed), indent=1) + "\n", encoding="utf-8")
    return 1 if tally.failures else 0


def campaign(detector: Detector, *, requests: int, first_seed: int) -> Tally:
    """Send requests to a service of a detector, and judge the answers."""
    tally = Tally()
    app = create_app(Registry(detector), load_settings(max_body_bytes=1_000_000, max_rows=1000, body_seconds=5))
    loop = asyncio.new_event_loop()
    asked = made = 0

    def in_process(request: Hostile) -> None:
        tally.add(request, loop.run_until_complete(send_in_process(app, request)), way="in process")

    with serving(app) as address:

        def on_socket(request: Hostile) -> None:
            tally.add(request, send_on_socket(address, request), way="on a socket")

        while asked < requests:
            wanted = min(_ROUND, requests - asked)
            makers = strategies(detector, app.openapi())
            strategy = makers[made % len(makers)]
            send = on_socket if made % 20 in (8, 9) else in_process
            draw_all(strategy, send, count=wanted, number=first_seed * 1_000_000 + made)
            asked, made = sum(tally.sources.values()), made + 1
            if made % 10 == 0:
                print(f"{asked:,} sent, {len(tally.failures):,} failures", file=sys.stderr, flush=True)
    loop.close()
    return tally


def strategies(detector: Detector, document: dict[str, Any]) -> list[st.SearchStrategy[Hostile]]:
    """Return who makes requests: in five rounds, one is schemathesis's."""
    own = hostile_requests(example_record(detector), detector.schema.ids)
    schema = schemathesis.openapi.from_dict(document)
    cases = [
        schema[path]["POST" if path in _OPERATIONS[:3] else "GET"].as_strategy(generation_mode=mode)
        for path in _OPERATIONS
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if path in _OPERATIONS[:3] or mode is GenerationMode.POSITIVE  # the others take nothing that can be wrong
    ]
    return [own, own, own, st.one_of(cases).map(of_schemathesis), own]


def draw_all(strategy: st.SearchStrategy[Hostile], send: Callable[[Hostile], None], *, count: int, number: int) -> None:
    """Send what a strategy makes from a seed."""

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def sent(request: Hostile) -> None:
        send(request)

    sent()


@contextlib.contextmanager
def serving(app: Any) -> Iterator[tuple[str, int]]:
    """Serve an application on loopback, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", server_header=False))
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


def small_detector() -> Detector:
    """Train a detector with a column of every kind, an id and a nested name."""
    from training.config import TrainConfig
    from training.fit import fit
    from training.prepare import prepare

    rng, rows = np.random.default_rng(7), 400
    load = rng.normal(50, 5, rows)
    table = pa.table(
        {
            "serial": [f"m-{row}" for row in range(rows)],
            "load": load,
            "motor.heat": 120 - load + rng.normal(0, 2, rows),
            "mode": rng.choice(["run", "idle", "boost"], rows),
            "valve_open": rng.random(rows) < 0.3,
            "at": pa.array(rng.integers(1_704_067_200, 1_709_000_000, rows), pa.timestamp("s")),
        }
    )
    config = TrainConfig(epochs=2, id=("serial",))
    return fit(prepare(Table(data=table), config), config, name="hostile", version="1").detector


def show(tally: Tally, *, seconds: float) -> None:
    """Print the counts and the failures."""
    total = sum(tally.statuses.values())
    print(f"{total:,} requests in {seconds:,.0f} s ({total / seconds:,.0f} a second)")
    for name, count in sorted(tally.sources.items()):
        print(f"  {name}: {count:,}")
    statuses = sorted(tally.statuses)
    print("status " + "".join(f"{status or 'left':>9}" for status in statuses))
    print("       " + "".join(f"{tally.statuses[status]:>9,}" for status in statuses))
    for kind in sorted({kind for kind, _ in tally.kinds}):
        print(f"{kind}\n       " + "".join(f"{tally.kinds[kind, status]:>9,}" for status in statuses))
    print(f"{len(tally.failures):,} failures")
    kinds = Counter(failure.partition("\n")[0] for failure in tally.failures)
    for kind, count in kinds.most_common(_SHOWN_FAILURES):
        print(f"{count:,} × {next(failure for failure in tally.failures if failure.startswith(kind))}")


def as_json(tally: Tally, first_seed: int) -> dict[str, Any]:
    """Return the counts as plain data."""
    kinds: dict[str, dict[str, int]] = {}
    for (kind, status), count in sorted(tally.kinds.items()):
        kinds.setdefault(kind, {})[str(status)] = count
    return {
        "seed": first_seed,
        "requests": sum(tally.statuses.values()),
        "sources": dict(tally.sources),
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "content_types": kinds,
        "failures": tally.failures,
    }


if __name__ == "__main__":
    sys.exit(main())
