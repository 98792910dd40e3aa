"""Measures what each option of the service costs, beside the service without it.

    python -m benchmarks.serving.options [--rounds 9] [--seconds 2] [--connections 64] [--only A,B…] [--json]

Single records in a closed loop (wrk). All services run at the same time on one CPU, the load generator on another; in
each round each takes its load, in an order that rotates. What is compared is the CPU time of a request, as ratios of
the same round: other programs on the machine disturb it less than the rate. Linux; the certificate is made by openssl.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.serving.batches import of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.load import closed_loop, require_wrk
from benchmarks.serving.overload import two_cpus
from benchmarks.serving.request import Request
from benchmarks.serving.server import Server, free_port, started
from models.errors import ConfigError, DetectorError
from service.access.keys import new_key, write_keys
from service.access.roles import Role

FIRST: Final = "all off"
"""The service that all others are compared with."""

_LIMITS: Final = ("--key-rate", "1e9", "--key-concurrent", "1000000")


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to start the service.

    Args:
        flags: Its flags.
        request: Returns what is sent to it, made from the request of all.
    """

    flags: Sequence[str]
    request: Callable[[Request], Request] = lambda request: request


def variants(folder: Path) -> dict[str, Variant]:
    """Return all ways to start the service; keys and a certificate are written into a folder."""
    text, key = new_key("benchmark", Role.SCORE, now=datetime.now(UTC))
    write_keys(folder / "keys.json", [key])
    keys = ("--keys", str(folder / "keys.json"))
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    made = ("-nodes", "-days", "2", "-subj", "/CN=benchmark", "-keyout", str(private), "-out", str(certificate))
    subprocess.run(["openssl", "req", "-x509", *curve, *made], check=True, capture_output=True)

    def with_key(request: Request) -> Request:
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {text}"})

    return {
        FIRST: Variant(("--no-metrics",)),
        "metrics": Variant(()),
        "keys": Variant(("--no-metrics", *keys), with_key),
        "keys with limits": Variant(("--no-metrics", *keys, *_LIMITS), with_key),
        "other sites": Variant(("--no-metrics", "--cors-origins", "https://board.example")),
        "HTTPS": Variant(
            ("--no-metrics", "--tls-certificate", str(certificate), "--tls-key", str(private)),
            lambda request: replace(request, scheme="https"),
        ),
        "fast path off": Variant(("--no-metrics", "--no-fast-path")),
    }


def ratios(seconds: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float, float]]:
    """Return the CPU time of each variant over that of `FIRST`: median, lowest and highest of the rounds.

    Args:
        seconds: CPU time of a request, in each round, by variant.
    """
    first = np.asarray(seconds[FIRST])
    found = {name: np.asarray(times) / first for name, times in seconds.items()}
    return {name: (float(np.median(of)), float(of.min()), float(of.max())) for name, of in found.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        require_wrk()
        with tempfile.TemporaryDirectory() as made:
            seconds = _measured(arguments, Path(made))
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True)
        return 2
    print(json.dumps(seconds) if arguments.json else _page(seconds))
    return 0


def _measured(arguments: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    chosen = _chosen(variants(folder), arguments.only)
    train_detectors(folder, names=["fast"])
    server_cpu, load_cpu = two_cpus()
    base = of_ours(COLUMNS)["JSON, records"](made_up_rows(1))
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    with ExitStack() as opened:
        running: dict[str, tuple[Server, Request]] = {}
        for name, variant in chosen.items():
            port, request = free_port(), variant.request(base)
            command = our_service(bundles_in(folder)["fast"], *variant.flags)(port)
            server = opened.enter_context(started(command, port, request=request, cpu=server_cpu))
            running[name] = server, request
        names = list(chosen)
        for index in range(arguments.rounds):
            shift = index % len(names)
            for name in names[shift:] + names[:shift]:
                server, request = running[name]
                before = server.cpu_seconds()
                load = closed_loop(
                    server.port,
                    request,
                    connections=arguments.connections,
                    seconds=arguments.seconds,
                    cpu=load_cpu,
                    folder=folder,
                )
                seconds[name].append((server.cpu_seconds() - before) / load.requests)
    return seconds


def _chosen(all_of_them: dict[str, Variant], only: str | None) -> dict[str, Variant]:
    if only is None:
        return all_of_them
    wanted = [name.strip() for name in only.split(",")]
    if unknown := [name for name in wanted if name not in all_of_them]:
        raise ConfigError(f"--only: there is no {unknown[0]!r}; there is {', '.join(all_of_them)}.")
    return {name: variant for name, variant in all_of_them.items() if name == FIRST or name in wanted}


def _page(seconds: Mapping[str, Sequence[float]]) -> str:
    lines = ["| | CPU time of a request, µs | over all off |", "|---|---:|---|"]
    for name, (median, lowest, highest) in ratios(seconds).items():
        ratio = "1" if name == FIRST else f"{median:.2f} [{lowest:.2f}, {highest:.2f}]"
        lines.append(f"| {name} | {1e6 * float(np.median(seconds[name])):.1f} | {ratio} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured (default: 9)")
    parser.add_argument("--seconds", type=int, default=2, help="of each load (default: 2)")
    parser.add_argument("--connections", type=int, default=64, help="of the load (default: 64)")
    parser.add_argument("--only", metavar="A,B…", help=f"these alone, beside {FIRST!r}")
    parser.add_argument("--json", action="store_true", help="print the CPU time of a request in each round, in seconds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
