"""The dashboard and the alert rules, held against a real Prometheus that scrapes a service under overload."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from samples import machine_records
from serving import Start

from service.observing.families import FAMILIES, REQUESTS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "detectors.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RULES = DEPLOY / "prometheus" / "rules.yaml"

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None, reason="Prometheus is not installed"
)


@needs_prometheus
@pytest.mark.parametrize(("what", "name"), [("rules", "rules.yaml"), ("config", "prometheus.yml")])
def test_promtool_accepts_what_is_shipped(what: str, name: str) -> None:
    command = ["promtool", "check", what, str(DEPLOY / "prometheus" / name)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_metric_that_dashboard_and_rules_ask_for_is_there() -> None:
    asked = set(re.findall(r"\bdetector_[a-z_]+", " ".join(QUERIES) + RULES.read_text(encoding="utf-8")))
    known = {*FAMILIES, REQUESTS[0], "detector_threshold", "detector_build_info"}
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in asked} <= known
    assert len(QUERIES) == 20


@contextmanager
def scraping(address: str, folder: Path) -> Iterator[httpx.Client]:
    """Run a Prometheus that scrapes an address each second; an alert is due after two."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    rules = re.sub(r"for: \d+m", "for: 2s", RULES.read_text(encoding="utf-8"))
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    config = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    config = config.replace("127.0.0.1:8000", address).replace("15s", "1s")
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    flags = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command = ["prometheus", *flags, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
                wait_for(lambda: is_ready(client))
                yield client
        finally:
            process.terminate()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + 120
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def firing(client: httpx.Client) -> dict[str, dict[str, str]]:
    """Return the labels of the alerts that fire, by name."""
    alerts = client.get("/api/v1/alerts").json()["data"]["alerts"]
    return {one["labels"]["alertname"]: one["labels"] for one in alerts if one["state"] == "firing"}


def series(client: httpx.Client, query: str) -> list[Any]:
    plain = query.replace("$__rate_interval", "30s").replace("$detector", ".*")
    answer = client.get("/api/v1/query", params={"query": plain}).json()
    assert answer["status"] == "success", (query, answer)
    result: list[Any] = answer["data"]["result"]
    return result


@pytest.mark.slow
@needs_prometheus
def test_an_overload_fires_its_alert_and_every_query_of_the_dashboard_has_an_answer(
    bundle_path: Path, start: Start, tmp_path: Path
) -> None:
    record = json.dumps(machine_records(1, seed=1)[0]).encode()
    with (
        start(bundle_path, "--max-wait-seconds", "0.000000001") as service,
        scraping(str(service.client.base_url.netloc.decode()), tmp_path) as prometheus,
    ):
        wait_for(lambda: [one for one in series(prometheus, "up") if one["value"][1] == "1"])
        time.sleep(5)
        assert "DetectorRefusesRequests" not in firing(prometheus)
        done = threading.Event()

        def load() -> None:
            with httpx.Client(base_url=service.client.base_url, timeout=60, trust_env=False) as client:
                while not done.is_set():
                    client.post("/score", content=record)

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            labels = wait_for(lambda: firing(prometheus).get("DetectorRefusesRequests"))
            assert labels["reason"] == "overload"
            wait_for(lambda: all(series(prometheus, query) for query in QUERIES))
            assert not {"DetectorErrors", "DetectorDown"} & firing(prometheus).keys()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        service.process.kill()
        wait_for(lambda: "DetectorDown" in firing(prometheus))
