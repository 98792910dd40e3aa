"""Measures the service beside others around the same network, as ratios, all in one run.

    python -m benchmarks.serving [--rounds 5] [--seconds 3] [--connections 1,16,64,256] [--only A,B…] [--json]

One record a request. The server has one CPU, the load generator (wrk, closed loop) another. In each round every server
takes the load of each number of connections, in an order that moves on by one from round to round; ratios are of the
same round. Prints the median and, in brackets, the lowest and highest of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.serving.contenders import Contender, contenders, train_detectors
from benchmarks.serving.load import closed_loop, require_wrk
from benchmarks.serving.server import Server, free_port, started
from benchmarks.serving.table import Figures, Round, figures_by_name, page_of
from models.errors import DetectorError

_LEAST_REQUESTS: Final = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        require_wrk()
    except DetectorError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        console.print("error: the server and the load need a CPU each, there is one.", style="red")
        return 2
    connections = [int(number) for number in arguments.connections.split(",")]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        chosen = contenders(train_detectors(folder))
        if arguments.only:
            chosen = [one for one in chosen if one.name in {"empty", *arguments.only.split(",")}]
        found = measure(
            chosen,
            connections,
            folder=folder,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            cpus=(cpus[0], cpus[1]),
        )
    print(json.dumps(figures_by_name(found)) if arguments.json else page_of(found))
    return 0


def measure(
    chosen: Sequence[Contender],
    connections: Sequence[int],
    *,
    folder: Path,
    rounds: int,
    seconds: float,
    cpus: tuple[int, int],
) -> dict[str, Figures]:
    """Start all servers and put load on them in turn; return their figures by name.

    Args:
        chosen: The servers.
        connections: Numbers of connections.
        folder: For what the load generator reads.
        rounds: How often each is measured.
        seconds: How long a measurement takes.
        cpus: One for the servers, of which one works at a time, and one for the load.
    """
    server_cpu, load_cpu = cpus
    measured: dict[str, dict[int, list[Round]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for one in chosen:
            port = free_port()
            servers[one.name] = stack.enter_context(
                started(one.command(port), port, body=one.body, path=one.path, cpu=server_cpu)
            )
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("load", total=(rounds + 1) * len(chosen) * len(connections))
        for number in range(-1, rounds):  # the first does not count
            for place in range(len(chosen)):
                one = chosen[(place + number) % len(chosen)]
                server = servers[one.name]
                for many in connections:
                    one_round = loaded(server, one, many, seconds=seconds, cpu=load_cpu, folder=folder)
                    if number >= 0:
                        measured[one.name][many].append(one_round)
                    progress.advance(task)
        return {
            one.name: Figures(
                says=one.says,
                start_seconds=servers[one.name].start_seconds,
                resident_mb=servers[one.name].resident_mb(),
                rounds={many: tuple(of) for many, of in measured[one.name].items()},
            )
            for one in chosen
        }


def loaded(server: Server, contender: Contender, connections: int, *, seconds: float, cpu: int, folder: Path) -> Round:
    """Put load on a server for as long as was asked for, or twice as long, and so on, until it has answered some."""
    while True:
        before = server.cpu_seconds()
        load = closed_loop(
            server.port,
            contender.body,
            path=contender.path,
            connections=connections,
            seconds=seconds,
            cpu=cpu,
            folder=folder,
        )
        spent = server.cpu_seconds() - before
        server.settle()
        if load.requests >= _LEAST_REQUESTS:
            return Round(load=load, cpu_seconds=spent / load.requests)
        seconds *= 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--seconds", type=float, default=3, help="how long each takes (default: 3)")
    parser.add_argument("--connections", default="1,16,64,256", help="numbers of connections (default: 1,16,64,256)")
    parser.add_argument("--only", metavar="A,B…", help="names of servers, beside the empty endpoint (default: all)")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
