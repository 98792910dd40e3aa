"""Measures the stages of a request in microseconds: each stage in process, and the whole as a server's CPU time.

    python -m benchmarks.serving.profile [--rounds 3] [--seconds 1] [--json]

For the presets fast and balanced, a table of 30 numbers and a mixed one of 22 columns, without and with five reasons;
one record at a time, and 64 at once. The stages are measured without HTTP (`benchmarks.serving.stages`), the server's
own share is the CPU time of our connections with a constant answer. Their sum is compared with the CPU time of our
service under wrk, with as many connections. Takes about five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.serving.contenders import (
    Contender,
    bundles_in,
    contenders,
    made_up_tables,
    our_service,
    train_detectors,
)
from benchmarks.serving.load import require_wrk
from benchmarks.serving.measure import Plan, turn
from benchmarks.serving.request import Request
from benchmarks.serving.stages import REASONS, STAGES, InStages, stages_beside
from models.errors import ConfigError, DetectorError

TOGETHER: Final = (1, 64)
FRAMEWORK: Final = "server"
"""The stage that is measured over HTTP: uvicorn, httptools and our connections with a constant answer."""

DETECTORS: Final = {
    "fast": ("fast", "numbers"),
    "balanced": ("balanced", "numbers"),
    "mixed": ("fast", "mixed"),
    "mixed_balanced": ("balanced", "mixed"),
}
"""Preset and table, by the detector's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Microseconds a record for one kind of requests.

    Args:
        preset: Preset of the detector.
        table: Kind of records.
        reasons: Number of columns in the reasons.
        together: Number of requests at once.
        stages: Time by the names of `STAGES`, and `FRAMEWORK`.
        whole: CPU time of the service.
    """

    preset: str
    table: str
    reasons: int
    together: int
    stages: Mapping[str, float]
    whole: float

    @property
    def total(self) -> float:
        """The sum of the stages."""
        return sum(self.stages.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as made:
            profiles = profiled(Path(made), rounds=arguments.rounds, seconds=arguments.seconds)
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    print(json.dumps([asdict(item) for item in profiles]) if arguments.json else page_of(profiles))
    return 0


def profiled(folder: Path, *, rounds: int, seconds: int) -> list[Profile]:
    """Train the detectors and measure all kinds of requests.

    Raises:
        ConfigError: There is one CPU, or no load generator.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise ConfigError("the server and the load need a CPU each, there is one.")
    require_wrk()
    train_detectors(folder, tuple(DETECTORS))
    plan = Plan(
        sections=frozenset({"closed"}),
        connections=TOGETHER,
        rounds=rounds,
        seconds=seconds,
        server_cpu=cpus[0],
        load_cpu=cpus[1],
        folder=folder,
        rows=np.empty((0, 0)),
        score=0.0,
    )
    bodies, rounds_of = _bodies(folder), []
    for _ in range(rounds):
        stages = {
            name: stages_beside(folder / name, bodies[table], cpu=plan.server_cpu)
            for name, (_, table) in DETECTORS.items()
        }
        rounds_of.append(_beside(stages, _cpu_times(folder, bodies, plan)))
    return [_median(alike) for alike in zip(*rounds_of, strict=True)]


def page_of(profiles: Sequence[Profile]) -> str:
    """Return a table for each number of requests at once, and a description of its columns."""
    names = [*STAGES, FRAMEWORK]
    lines = []
    for together in dict.fromkeys(item.together for item in profiles):
        lines += ["One record at a time:" if together == 1 else f"{together} records that come together:", ""]
        lines += [f"| preset | table | reasons | {' | '.join(names)} | sum | measured |"]
        lines += ["| --- | --- |" + " --- |" * (len(names) + 3)]
        for item in profiles:
            if item.together == together:
                cells = [*(item.stages[name] for name in names), item.total, item.whole]
                lines += [
                    f"| {item.preset} | {item.table} | {item.reasons} | {' | '.join(f'{c:.1f}' for c in cells)} |"
                ]
        lines += [""]
    return "\n".join([*lines, *(f"- {name}: {says}" for name, says in STAGES.items())])


def _bodies(folder: Path) -> dict[str, Path]:
    """Write the records of each table, a line each."""
    made = {}
    for table in dict.fromkeys(table for _, table in DETECTORS.values()):
        made[table] = folder / f"{table}.jsonl"
        rows = made_up_tables()[table].iloc[: max(TOGETHER)]
        made[table].write_text("\n".join(row.to_json() for _, row in rows.iterrows()))
    return made


def _cpu_times(folder: Path, bodies: Mapping[str, Path], plan: Plan) -> dict[tuple[str, int, int], float]:
    """Return the microseconds of CPU time a request, by detector, reasons and connections; the server's own, too."""
    constant = next(item for item in contenders(bundles_in(folder)) if item.name == "constant")
    servers = {(FRAMEWORK, 0): constant}
    for name, (_, table) in DETECTORS.items():
        body = bodies[table].read_bytes().splitlines()[0]
        for reasons in REASONS:
            path = f"/score?explain={reasons}" if reasons else "/score"
            servers[name, reasons] = Contender(
                name=name, says="ours", command=our_service(folder / name), request=Request(body=body, path=path)
            )
    turns = {key: turn(item, plan, {}) for key, item in servers.items()}
    return {(*key, many): turns[key].closed[many].cpu_seconds * 1e6 for key in servers for many in TOGETHER}


def _beside(stages: Mapping[str, Sequence[InStages]], times: Mapping[tuple[str, int, int], float]) -> list[Profile]:
    return [
        Profile(
            preset=DETECTORS[name][0],
            table=DETECTORS[name][1],
            reasons=item.reasons,
            together=item.together,
            stages={**item.stages, FRAMEWORK: times[FRAMEWORK, 0, item.together]},
            whole=times[name, item.reasons, item.together],
        )
        for together in TOGETHER
        for name, found in stages.items()
        for item in found
        if item.together == together
    ]


def _median(alike: Sequence[Profile]) -> Profile:
    """Return the medians of the rounds."""
    stages = {name: float(np.median([item.stages[name] for item in alike])) for name in alike[0].stages}
    return replace(alike[0], stages=stages, whole=float(np.median([item.whole for item in alike])))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often all is measured (default: 3)")
    parser.add_argument("--seconds", type=int, default=1, help="how long servers are, each time (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
