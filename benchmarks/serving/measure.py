"""Runs the rounds: every server is started, takes all of its load, and is ended, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.progress import Progress

from benchmarks.serving.batches import SIZES, Rows
from benchmarks.serving.contenders import Contender
from benchmarks.serving.in_process import in_process_beside
from benchmarks.serving.load import closed_loop
from benchmarks.serving.open_loop import OpenLoad, open_loop_beside
from benchmarks.serving.request import Request
from benchmarks.serving.server import Server, free_port, started
from benchmarks.serving.table import OWN, Batch, Figures, Found, Round, Turn

SECTIONS: Final = {
    "closed": "one record a request, closed loop",
    "open": "the same in an open loop",
    "batches": "many rows a request",
    "engine": "the network without HTTP",
}
"""Sections of the measurements, by name."""

OPEN_CONNECTIONS: Final = 16
OPEN_SHARE: Final = 0.7
"""Load as a share of the closed-loop rate with `OPEN_CONNECTIONS`, measured just before."""

_SAME_LOAD: Final = ("mlserver", ("ours",))
"""Servers whose load others get, too, and these others."""

_LEAST_REQUESTS: Final = 5
_WARM_SECONDS: Final = 1
_CLOSE_ENOUGH: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of a run.

    Args:
        sections: Some of `SECTIONS`.
        connections: Numbers of connections.
        rounds: Number of rounds.
        seconds: Duration of a measurement; wrk takes whole seconds only.
        server_cpu: CPU of the servers, one at a time.
        load_cpu: CPU of the load generator.
        folder: Folder for the files of load generators.
        rows: Rows for batches `(n, d)`.
        score: Expected score of the record in all requests; a server with another one is not measured.
    """

    sections: frozenset[str]
    connections: tuple[int, ...]
    rounds: int
    seconds: int
    server_cpu: int
    load_cpu: int
    folder: Path
    rows: Rows
    score: float


@dataclass(slots=True, kw_only=True)
class _State:
    """Results so far.

    Args:
        turns: Turns by the server's name.
        capacity: Last requests a second in a closed loop with `OPEN_CONNECTIONS`, by the server's name.
        left_out: Peers that failed, and why.
    """

    turns: dict[str, list[Turn]] = field(default_factory=lambda: defaultdict(list))
    capacity: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def measure(
    chosen: Sequence[Contender], plan: Plan, *, bundle: Path, missing: Mapping[str, str], bar: Progress
) -> Found:
    """Measure all servers in turn, in an order that rotates from round to round.

    Args:
        chosen: The servers.
        plan: The plan.
        bundle: The detector whose network is measured without HTTP.
        missing: Peers that are not installed, and why.
        bar: The progress bar.
    """
    state, in_process = _State(), []
    order = sorted(chosen, key=lambda item: item.name != _SAME_LOAD[0])  # its capacity is needed for others' load
    task = bar.add_task("rounds", total=plan.rounds * len(chosen))
    for offset in range(plan.rounds):
        if "engine" in plan.sections:
            in_process.append(in_process_beside(bundle, cpu=plan.server_cpu))
        for i in range(len(chosen) if plan.sections - {"engine"} else 0):
            server = order[(i + offset) % len(order)]
            bar.update(task, description=f"round {offset + 1}, {server.name}")
            if server.name not in state.left_out:
                _try(server, plan, state)
            bar.advance(task)
    servers = {
        item.name: Figures(says=item.says, turns=tuple(state.turns[item.name]))
        for item in chosen
        if item.name in state.turns and item.name not in state.left_out
    }
    return Found(servers=servers, in_process=tuple(in_process), left_out={**missing, **state.left_out})


def _try(contender: Contender, plan: Plan, state: _State) -> None:
    """Measure a server; a peer that fails is left out afterwards."""
    try:
        if contender.prepare and contender.name not in state.turns:
            subprocess.run(
                contender.prepare, check=True, capture_output=True, env={**os.environ, **contender.environment}
            )
        state.turns[contender.name].append(turn(contender, plan, state.capacity))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        said = (error.stderr or b"").decode() if isinstance(error, subprocess.CalledProcessError) else str(error)
        if not contender.peer:
            raise RuntimeError(f"{contender.name}: {said}") from error
        state.left_out[contender.name] = said.strip().rpartition("\n")[2]


def turn(contender: Contender, plan: Plan, capacity: dict[str, float]) -> Turn:
    """Start a server, measure it under all loads, and end it; store its rate in `capacity`."""
    port = free_port()
    with started(
        contender.command(port), port, request=contender.request, cpu=plan.server_cpu, environment=contender.environment
    ) as server:
        _require_score(contender, server, plan.score)
        _closed(server, contender.request, OPEN_CONNECTIONS, plan, seconds=_WARM_SECONDS)
        closed = (
            {many: _closed(server, contender.request, many, plan) for many in plan.connections}
            if "closed" in plan.sections
            else {}
        )
        opened = (
            _opened(server, contender, closed.get(OPEN_CONNECTIONS), plan, capacity) if "open" in plan.sections else {}
        )
        resident_mb = server.resident_mb()
        batches = _batches(server, contender, plan) if "batches" in plan.sections else {}
    return Turn(
        start_seconds=server.start_seconds, resident_mb=resident_mb, closed=closed, open=opened, batches=batches
    )


def _require_score(contender: Contender, server: Server, score: float) -> None:
    """Check that a server gives the expected score.

    Raises:
        RuntimeError: It does not.
    """
    if contender.scores is None:
        return
    [found] = contender.scores(json.loads(server.answer))
    if abs(found - score) > _CLOSE_ENOUGH * score:
        raise RuntimeError(f"{contender.name} scores {found}, where {score} is expected.")


def _opened(
    server: Server, contender: Contender, closed: Round | None, plan: Plan, capacity: dict[str, float]
) -> dict[str, OpenLoad]:
    closed = closed or _closed(server, contender.request, OPEN_CONNECTIONS, plan)
    capacity[contender.name] = closed.load.rate
    rates = {OWN: OPEN_SHARE * capacity[contender.name]}
    whose, others = _SAME_LOAD
    if contender.name in others and whose in capacity:
        rates[whose] = OPEN_SHARE * capacity[whose]
    found = {}
    for name, rate in rates.items():
        found[name] = open_loop_beside(
            server.port,
            contender.request,
            rate=rate,
            connections=OPEN_CONNECTIONS,
            seconds=plan.seconds,
            cpu=plan.load_cpu,
        )
        server.settle()
    return found


def _batches(server: Server, contender: Contender, plan: Plan) -> dict[Batch, Round]:
    found = {}
    for form, made in contender.batches.items():
        for rows in SIZES:
            found[form, rows] = _closed(server, made(plan.rows[:rows]), 1, plan)
    return found


def _closed(server: Server, request: Request, connections: int, plan: Plan, *, seconds: int | None = None) -> Round:
    """Put closed-loop load on a server; double the duration until it has answered some requests."""
    seconds = plan.seconds if seconds is None else seconds
    while True:
        before = server.cpu_seconds()
        load = closed_loop(
            server.port, request, connections=connections, seconds=seconds, cpu=plan.load_cpu, folder=plan.folder
        )
        spent = server.cpu_seconds() - before
        server.settle()
        if load.requests >= _LEAST_REQUESTS:
            return Round(load=load, cpu_seconds=spent / load.requests)
        seconds *= 2
