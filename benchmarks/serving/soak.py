"""Measures the service under continuous load: memory, latencies, errors.

    python -m benchmarks.serving.soak [--minutes 30] [--share 0.7] [--swaps 1] [--keys] [--plot FILE] [--json]

Requests of sixteen records, every second one with five reasons, arrive in an open loop (Poisson), as many as 70 % of
what the service answers in a closed loop. The service has one CPU, the load another. Times count from when a request
was due. With --swaps another version is promoted again and again meanwhile, with --keys the service asks for keys.
Needs wrk; Linux.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.serving.batches import of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.load import closed_loop, require_wrk
from benchmarks.serving.overload import draw, two_cpus
from benchmarks.serving.phases import Course, Phase, phases_beside
from benchmarks.serving.request import Request
from benchmarks.serving.server import free_port, started
from models.errors import DetectorError
from service.access.keys import Key, new_key, write_keys
from service.access.roles import Role

_RECORDS: Final = 16
_FIFTH: Final = 0.2
_NAME: Final = "machines"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        course, swaps = _measured(arguments)
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    found = figures(course) | swaps
    if arguments.plot:
        draw(course, arguments.plot)
    print(json.dumps(found) if arguments.json else _page(found))
    return 0


def figures(course: Course) -> dict[str, float]:
    """Return the figures by name: answers, latencies, and the memory in the second and the last fifth of the time."""
    seconds, megabytes = course.memory.T
    early = megabytes[(seconds >= _FIFTH * seconds[-1]) & (seconds < 2 * _FIFTH * seconds[-1])]
    late = megabytes[seconds >= (1 - _FIFTH) * seconds[-1]]
    p50, p99 = (1e3 * np.percentile(course.took, [50, 99])).tolist()
    return {
        "requests": len(course.due),
        "not_answered": int((~course.answered).sum()),
        "requests_a_second": len(course.due) / float(course.due[-1]),
        "p50_ms": p50,
        "p99_ms": p99,
        "memory_early_mb": float(np.median(early)),
        "memory_late_mb": float(np.median(late)),
        "memory_peak_mb": float(megabytes.max()),
    }


def _measured(arguments: argparse.Namespace) -> tuple[Course, dict[str, float]]:
    server_cpu, load_cpu = two_cpus()
    require_wrk()
    plain = of_ours(COLUMNS)["JSON, records"](made_up_rows(_RECORDS))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train_detectors(folder, names=["fast"])
        served = bundles_in(folder)["fast"]
        if arguments.swaps is not None:
            served = two_versions(served, folder / "served" / _NAME)
        flags, operator = [], plain.headers
        if arguments.keys:
            file, (scoring, operating) = folder / "keys.json", (_new_key(role) for role in (Role.SCORE, Role.OPERATE))
            write_keys(file, [scoring[1], operating[1]])
            flags, operator = ["--keys", str(file)], _with_key(plain, operating[0]).headers
            plain = _with_key(plain, scoring[0])
        explained = replace(plain, path="/score?explain=5")
        port = free_port()
        command = our_service(served, *flags)(port)
        with started(command, port, request=plain, cpu=server_cpu) as server:
            rates = []
            for request in (plain, explained):
                rates.append(closed_loop(port, request, connections=64, seconds=5, cpu=load_cpu, folder=folder).rate)
                server.settle()
            rate = arguments.share * 2 / sum(1 / item for item in rates)  # each of them is half of the requests
            phase = Phase(name="soak", rate=rate, seconds=60 * arguments.minutes)
            with _swapped(port, operator, every=arguments.swaps) as swaps:
                course = phases_beside(server, [plain, explained], [phase], connections=64, cpu=load_cpu)
            return course, dict(swaps)


def two_versions(bundle: Path, folder: Path) -> Path:
    """Move a bundle into a detector's folder, with a second version of another threshold; return that folder."""
    from training.calibrate import main as calibrate

    folder.mkdir(parents=True)
    first = bundle.rename(folder / "1")
    calibrate([str(first), "--alert-rate", "0.2", "--quiet"])
    return folder.parent


@contextmanager
def _swapped(port: int, headers: Mapping[str, str], *, every: float | None) -> Iterator[dict[str, float]]:
    """Promote one version after the other, every so many seconds until the block ends; give how often that was."""
    swaps: dict[str, float] = {} if every is None else {"swaps": 0, "failed_swaps": 0}
    ended = threading.Event()

    def promote() -> None:
        while not ended.wait(every):
            version = str(1 + int(sum(swaps.values())) % 2)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                path = f"/detectors/{_NAME}/aliases/champion"
                connection.request("PUT", path, json.dumps({"version": version}), dict(headers))
                is_done = connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                is_done = False
            finally:
                connection.close()
            swaps["swaps" if is_done else "failed_swaps"] += 1

    thread = threading.Thread(target=promote)
    if every is not None:
        thread.start()
    try:
        yield swaps
    finally:
        ended.set()
        if every is not None:
            thread.join()


def _new_key(role: Role) -> tuple[str, Key]:
    return new_key(f"soak-{role}", role, now=datetime.now(UTC))


def _with_key(request: Request, key: str) -> Request:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {key}"})


def _page(found: dict[str, float]) -> str:
    lines = ["| figure | |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {value:,.5g} |" for name, value in found.items())])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it goes on (default: 30)")
    parser.add_argument("--share", type=float, default=0.7, help="of what it answers at most (default: 0.7)")
    parser.add_argument("--swaps", type=float, metavar="SECONDS", help="promote another version every so many seconds")
    parser.add_argument("--keys", action="store_true", help="have the service ask for keys, and send one")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draws requests, times and memory over the time")
    parser.add_argument("--json", action="store_true", help="print the figures by name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
