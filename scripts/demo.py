"""`make demo`: serves the detector that was just trained, scores a few real biopsies over HTTP and shows why."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from models.reasons.values import rounded_text
from training.data.demo_data import LABEL, embedded_table

_HOST: Final = "127.0.0.1"
_STARTS_WITHIN: Final = 60.0  # seconds
_STOPS_WITHIN: Final = 30.0  # seconds
_OF_EACH: Final = 4  # records of each diagnosis
_EXPLAIN: Final = 3  # columns that are named for each record


def main() -> int:
    """Run the demo on the bundle that the command line names; return the exit code."""
    console = Console(highlight=False)
    detector = sys.argv[1]
    diagnoses, records = _biopsies()
    with _service(detector) as port:
        console.print(f"\n[bold]serving {detector} at http://{_HOST}:{port}[/bold]")
        console.print(f"POST /score?explain={_EXPLAIN} with {len(records)} records of {len(records[0])} columns:")
        answer = _ask(port, "POST", f"/score?explain={_EXPLAIN}", records)
    console.print(_shown(diagnoses, answer))
    console.print(
        "The detector has learned from benign rows alone, these among them; the malignant ones are new to it."
    )
    console.print("Every alert has its price: of the benign biopsies about 5 % are flagged, too.\n")
    console.print(f"serve it yourself  .venv/bin/python -m service --detector {detector}", soft_wrap=True)
    console.print("your own records   .venv/bin/python -m training.train DATA.csv --output DIR", soft_wrap=True)
    return 0


def _biopsies() -> tuple[list[str], list[dict[str, Any]]]:
    """Return rows of each diagnosis, spread evenly over the data set: the diagnoses, and the records without them."""
    rows = embedded_table().data.to_pylist()
    picked: list[dict[str, Any]] = []
    for diagnosis in ("benign", "malignant"):
        own = [row for row in rows if row[LABEL] == diagnosis]
        picked += own[:: len(own) // _OF_EACH][:_OF_EACH]
    return [row.pop(LABEL) for row in picked], picked


@contextmanager
def _service(detector: str) -> Iterator[int]:
    """Run the service on a free port, give the port once it is ready, and stop it as a cluster would."""
    with socket.create_server((_HOST, 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "service", "--detector", detector, "--host", _HOST, "--port", str(port)]
    service = subprocess.Popen(command)
    try:
        _wait_until_ready(service, port)
        yield port
    finally:
        service.terminate()
        service.wait(_STOPS_WITHIN)


def _wait_until_ready(service: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end:
        if service.poll() is not None:
            raise SystemExit(f"error: the service exited with code {service.returncode} before it was ready")
        try:
            _ask(port, "GET", "/readyz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"error: the service was not ready within {_STARTS_WITHIN:.0f} s")


def _ask(port: int, method: str, path: str, body: object = None) -> Any:
    """Send a request and return the answer's JSON; 200 is the only answer that will do."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=10)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise OSError(f"{method} {path}: {response.status} {answer.decode()}")
    return json.loads(answer)


def _shown(diagnoses: list[str], answer: dict[str, Any]) -> Grid:
    grid = Grid(box=box.SIMPLE, pad_edge=False, title=f"threshold {answer['threshold']:.3g}", title_justify="left")
    for name in ("biopsy was", "score", "p-value", "verdict"):
        grid.add_column(name)
    grid.add_column("because", overflow="fold")
    for diagnosis, result in zip(diagnoses, answer["results"], strict=True):
        verdict = "[red]anomaly[/red]" if result["is_anomaly"] else "[green]usual[/green]"
        score, p_value = rounded_text(result["anomaly_score"]), rounded_text(result["p_value"], digits=2)
        grid.add_row(diagnosis, score, p_value, verdict, result["reason"] if result["is_anomaly"] else "")
    return grid


if __name__ == "__main__":
    sys.exit(main())
