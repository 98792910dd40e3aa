"""Several processes on one port: each answers alike, a dead one is replaced, and all of them end together."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from samples import machine_records
from serving import Service, Start

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up on Linux only")

RECORD = json.dumps(machine_records(1, seed=1)[0]).encode()


def workers_of(service: Service) -> list[int]:
    """Return the processes that the first one has started."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def answers(service: Service, many: int) -> set[tuple[int, bytes, str]]:
    """Ask on a connection each, so that every worker is asked; one that has just died is asked again."""
    found = set()
    transport = httpx.HTTPTransport(retries=3)
    for _ in range(many):
        with httpx.Client(transport=transport, timeout=60) as client:
            answer = client.post(f"{service.client.base_url}/score", content=RECORD)
        found.add((answer.status_code, answer.content, answer.headers["detector-version"]))
    return found


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_case_22_workers_answer_alike_and_one_that_dies_is_replaced(bundle_path: Path, start: Start) -> None:
    """Nothing is counted by a worker for itself; what one answers all of them answer."""
    with start(bundle_path, "--workers", "2") as service:
        first = workers_of(service)
        assert len(first) == 2
        before = answers(service, 50)
        assert len(before) == 1
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: len(set(workers_of(service)) - {first[0]}) == 2)
        assert answers(service, 50) == before
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in first)


def test_a_request_in_flight_is_answered_before_workers_end(bundle_path: Path, start: Start) -> None:
    record = json.loads(RECORD)
    with start(bundle_path, "--workers", "2", "--body-seconds", "30") as service:

        def slowly() -> Any:
            yield b"[" + json.dumps(record).encode()
            time.sleep(1.0)  # now a worker has it
            service.process.send_signal(signal.SIGTERM)
            time.sleep(1.0)
            yield b"," + json.dumps(record).encode() + b"]"

        assert service.client.get("/healthz").status_code == 200  # on the same connection
        answer = service.client.post("/score", content=slowly())
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == 2
        assert service.process.wait(30) == 0


def test_a_worker_that_hangs_is_killed_when_the_time_for_draining_is_over(bundle_path: Path, start: Start) -> None:
    with start(bundle_path, "--workers", "2", "--drain-seconds", "0") as service:
        hung = workers_of(service)[0]
        os.kill(hung, signal.SIGSTOP)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
        assert not is_running(hung)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_workers_that_hang_at_once(bundle_path: Path, start: Start, second: int) -> None:
    with start(bundle_path, "--workers", "2", "--drain-seconds", "1000") as service:
        workers = workers_of(service)
        os.kill(workers[0], signal.SIGSTOP)
        service.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not is_running(workers[1]))
        service.process.send_signal(second)
        assert service.process.wait(30) == 0
        assert not any(map(is_running, workers))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_ends_no_service(bundle_path: Path, start: Start, workers: str) -> None:
    with start(bundle_path, "--workers", workers) as service:
        for pid in (service.process.pid, *workers_of(service)):
            os.kill(pid, signal.SIGHUP)
        assert service.process.stderr is not None
        assert any("SIGHUP: the folder" in line for line in iter(service.process.stderr.readline, ""))
        assert len(answers(service, 10)) == 1


def test_workers_end_with_a_first_process_that_is_killed(bundle_path: Path, start: Start) -> None:
    with start(bundle_path, "--workers", "2") as service:
        workers = workers_of(service)
        service.process.kill()
        service.process.wait(30)
        wait_for(lambda: not any(is_running(pid) for pid in workers))


def test_workers_score_large_requests_on_threads_of_their_own(bundle_path: Path, start: Start) -> None:
    large = json.dumps([json.loads(RECORD)] * 5_000).encode()
    with start(bundle_path, "--workers", "2") as service:
        for _ in range(8):
            answer = httpx.post(f"{service.client.base_url}/score", content=large, timeout=60, trust_env=False)
            assert len({result["anomaly_score"] for result in answer.json()["results"]}) == 1


def test_workers_share_memory(bundle_path: Path, start: Start) -> None:
    with start(bundle_path, "--workers", "4") as service:
        answers(service, 100)
        pids = [service.process.pid, *workers_of(service)]
        assert sum(map(own_mb, pids)) < max(map(resident_mb, pids))


def is_running(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def resident_mb(pid: int) -> float:
    return kernel_mb(pid, "Rss")


def own_mb(pid: int) -> float:
    return kernel_mb(pid, "Private_Dirty")


def kernel_mb(pid: int, what: str) -> float:
    """Return what the kernel says of a process's memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def test_a_detector_that_cannot_be_loaded_is_one_line_and_no_worker_is_started(
    tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    done = run_python("-m", "service", "--detector", tmp_path / "none", "--workers", "2", "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
