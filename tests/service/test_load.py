"""The service under load, in every form: alive, equal, and flat in memory."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from bodies import repeated
from conftest import Trained
from samples import machine_records
from serving import Start

from service.formats.formats import FORMATS

RECORDS = machine_records(40, seed=7)
ROWS = 100_000


def ask(client: httpx.Client, body: bytes, form: str, accept: str) -> httpx.Response:
    headers = {"Content-Type": FORMATS[form].types[0], "Accept": FORMATS[accept].types[0]}
    answer = client.post("/score", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_case_20_the_service_is_alive_while_it_scores_100_000_rows_of_any_form(
    bundle_path: Path, start: Any, form: str
) -> None:
    body = repeated(form, ROWS)
    with start(bundle_path, "--max-body-bytes", str(64 * 1024**2)) as service, ThreadPoolExecutor(1) as pool:
        done = threading.Event()
        polls: list[float] = []

        def poll() -> None:
            with httpx.Client(base_url=service.client.base_url, trust_env=False) as client:
                while not done.is_set():
                    started = time.perf_counter()
                    assert client.get("/healthz", timeout=1).status_code == 200  # a second is what is promised
                    polls.append(time.perf_counter() - started)
                    time.sleep(0.1)

        polling = pool.submit(poll)
        try:
            while len(polls) < 10:
                answer = ask(service.client, body, form, form)
                if form == "jsonl":
                    assert answer.content.count(b"\n") == ROWS
        finally:
            done.set()
        polling.result()


@pytest.mark.parametrize("form", ["csv", "arrow", "parquet", "jsonl"])
def test_case_3_sixteen_clients_at_once_get_the_answers_of_one_in_every_form(service: Any, form: str) -> None:
    sizes = range(1, 41, 3)
    bodies = [repeated(form, size) if form != "jsonl" else jsonl(size) for size in sizes]
    serial = [ask(service.client, body, form, "json").json()["results"] for body in bodies]

    def one_client(seed: int) -> None:
        order = list(range(len(bodies)))
        random.Random(seed).shuffle(order)
        with httpx.Client(base_url=service.client.base_url, trust_env=False, timeout=60) as client:
            for number in order:
                assert ask(client, bodies[number], form, "json").json()["results"] == serial[number]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one_client, range(16)))


def jsonl(rows: int) -> bytes:
    return "\n".join(map(json.dumps, RECORDS[:rows])).encode()


def test_a_service_of_json_alone_never_loads_arrow(bundle_path: Path, start: Any) -> None:
    """It is 30 MB that most services need not hold."""
    with start(bundle_path) as service:
        for form in ("json", "jsonl"):
            ask(service.client, jsonl(1), form, form)
            ask(service.client, jsonl(1), form, "json")
        mapped = Path(f"/proc/{service.process.pid}/maps")
        assert "pyarrow" not in mapped.read_text()
        light = service.memory_mb()
        ask(service.client, jsonl(1), "json", "csv")
        assert "pyarrow" in mapped.read_text()
        assert light < 150  # a promise of the design


@pytest.mark.slow
def test_case_2_ten_thousand_requests_leave_the_memory_flat(base: Trained, cases: Path, start: Any) -> None:
    """Resident memory after 10,000 requests is at most 1.05 times that after 1,000."""
    records = (cases / "base_score.jsonl").read_text().splitlines()
    with start(base.bundle) as service:
        for number in range(10_000):
            answer = service.client.post("/score", content=records[number % len(records)])
            assert answer.status_code == 200
            if number == 999:
                early = service.memory_mb()
        assert service.memory_mb() <= 1.05 * early


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_three_hundred_sizes_of_batches_leave_the_memory_flat(bundle_path: Path, start: Any, form: str) -> None:
    """An engine that keeps something for each shape that it has met would grow with every size."""
    sizes = list(range(1, 2401, 8))
    assert len(sizes) == 300
    random.Random(0).shuffle(sizes)
    with start(bundle_path) as service:
        largest = repeated(form, 2400)
        for _ in range(30):  # what the largest takes is there before the count begins
            ask(service.client, largest, form, form)
        early = service.memory_mb()
        for size in sizes:
            ask(service.client, repeated(form, size), form, form)
        assert service.memory_mb() <= 1.1 * early


def test_case_19_serving_imports_neither_tensorflow_nor_keras(run_python: Callable[..., Any]) -> None:
    code = "import sys, service.app, service.formats.tables, service.formats.table_answers; print(*sys.modules)"
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "service.app" in done.stdout.split()
    assert not {"tensorflow", "keras", "sklearn"} & set(done.stdout.split())


@pytest.mark.slow
def test_case_19_four_workers_take_at_most_five_times_the_memory_of_one(bundle_path: Path, start: Start) -> None:
    one, four = (memory_of_workers(bundle_path, start, workers) for workers in (1, 4))
    assert one < 150
    assert four <= 5 * one


def memory_of_workers(bundle: Path, start: Start, workers: int) -> float:
    """Return the resident megabytes of a service and all of its workers, after 100 scores each."""
    with start(bundle, "--workers", str(workers)) as service:
        for _ in range(100 * workers):  # a connection each, so that every worker gets some
            assert httpx.post(f"{service.client.base_url}/score", content=jsonl(1), trust_env=False).status_code == 200
        processes = [service.process.pid, *children(service.process.pid)]
        for pid in processes:
            assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()
        return sum(map(resident_mb, processes))


def children(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in children(child))]


def resident_mb(pid: int) -> float:
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1000 if match else 0.0
