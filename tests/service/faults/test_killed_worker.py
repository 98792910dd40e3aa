"""A worker that is killed under load: only its own connections break, what waits on others is answered."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from samples import sample_record
from serving import Service, Start

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="workers are looked up in /proc")]

RECORD = json.dumps(sample_record())


def workers_of(service: Service) -> set[int]:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return set(map(int, children.split()))


def test_only_the_connections_of_a_worker_that_is_killed_break(many: Path, start: Start) -> None:
    """Each of 12 connections sends one request after the other; each that breaks is opened again and goes on."""
    done, counts = threading.Event(), Counter[str]()

    def send(url: httpx.URL) -> None:
        while not done.is_set():
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                try:
                    while not done.is_set():
                        answer = client.post("/detectors/pumps/score", content=RECORD)
                        counts[str(answer.status_code)] += 1
                        counts["wrong"] += answer.json()["version"] not in {"2", "9", "10"}
                except httpx.TransportError:
                    counts["broken"] += 1

    with start(many, "--default", "pumps", "--workers", "2", "--max-wait-seconds", "60") as service:
        threads = [threading.Thread(target=send, args=(service.client.base_url,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            before = workers_of(service)
            seen = counts["200"]
            os.kill(min(before), signal.SIGKILL)
            end = time.monotonic() + 60
            while len(workers_of(service) - {min(before)}) < 2 or counts["200"] < seen + 200:
                assert time.monotonic() < end
                time.sleep(0.05)
        done.set()
        for thread in threads:
            thread.join()
        assert service.client.get("/readyz").json()["status"] == "ready"
    assert set(counts) <= {"200", "broken", "wrong"}, "nothing is refused, and nothing is an error of the service"
    assert counts["wrong"] == 0
    assert counts["broken"] <= 4 * 12
