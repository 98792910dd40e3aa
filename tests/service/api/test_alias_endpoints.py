"""Aliases over HTTP, on a real service: promoted, rolled back, refused; and what the folder's files change."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from forging import make_bundle
from in_process import problem, strict
from samples import sample_record
from serving import Service, Start, running

RECORD = sample_record()


@pytest.fixture
def service(many: Path, fast_path: bool) -> Iterator[Service]:
    flag = "--fast-path" if fast_path else "--no-fast-path"
    with running(many, "--default", "pumps", flag) as service:
        yield service


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


def version(client: httpx.Client, path: str = "/score") -> str:
    """Return the version that scores."""
    answer = client.post(path, json=RECORD)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["version"])


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_version_is_promoted_rolled_back_and_let_go(client: httpx.Client) -> None:
    assert version(client) == "10"
    answer = client.put("/detectors/pumps/aliases/champion", json={"version": "2"})
    assert strict(answer) == {
        "name": "pumps",
        "version": "2",
        "versions": ["2", "9", "10"],
        "aliases": {"champion": "2"},
        "state": "loaded",
    }
    assert version(client) == version(client, "/detectors/pumps/score") == "2"
    assert strict(client.get("/detectors/pumps/aliases/champion")) == {"version": "2"}
    assert strict(client.get("/detectors"))["detectors"][0] == answer.json()
    assert strict(client.post("/detectors/pumps/rollback"))["aliases"] == {"champion": "10"}
    assert version(client) == "10"
    assert client.put("/detectors/pumps/aliases/challenger", json={"version": 9}).json()["version"] == "10"
    assert version(client, "/detectors/pumps/versions/challenger/score") == "9"
    assert strict(client.delete("/detectors/pumps/aliases/champion"))["aliases"] == {"challenger": "9"}
    problem(client.get("/detectors/pumps/aliases/champion"), 404)
    problem(client.delete("/detectors/pumps/aliases/champion"), 404)
    problem(client.post("/detectors/valves/rollback"), 409)
    assert version(client) == "10"


def test_what_is_active_outlives_the_service(many: Path, start: Start) -> None:
    with start(many, "--default", "pumps") as service:
        assert service.client.put("/detectors/pumps/aliases/champion", json={"version": "9"}).status_code == 200
    with start(many, "--default", "pumps") as service:
        assert version(service.client) == "9"
        assert strict(service.client.post("/detectors/pumps/rollback"))["version"] == "10"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (
            "pumps/aliases/champion",
            b'{"version": "3"}',
            404,
            "The detector 'pumps' has no version '3'. Name one of: 2, 9, 10.",
        ),
        ("fans/aliases/champion", b'{"version": "2"}', 404, "There is no detector 'fans'."),
        ("pumps/aliases/%2e%2e", b'{"version": "2"}', 422, "'..' can be no alias."),
        ("pumps/aliases/2", b'{"version": "2"}', 422, "'2' can be no alias."),
        ("pumps/aliases/%2e%2e%2f9", b'{"version": "2"}', 404, "Not Found"),
        ("pumps/aliases/champion", b'{"version": "../9"}', 404, "has no version '../9'"),
        ("pumps/aliases/champion", b"", 400, "The body is empty."),
        ("pumps/aliases/champion", b"{", 400, 'The body is no JSON. Send {"version": "2"}.'),
        ("pumps/aliases/champion", b"[]", 422, 'Send {"version": "2"}.'),
        ("pumps/aliases/champion", b"{}", 422, "version"),
        ("pumps/aliases/champion", b'{"version": "2", "force": true}', 422, "force"),
        ("pumps/aliases/champion?now=1", b'{"version": "2"}', 422, "now"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    path: str, body: bytes, status: int, said: str, several: Service
) -> None:
    url = httpx.URL(several.client.base_url).copy_with(raw_path=f"/detectors/{path}".encode())
    answer = several.client.send(httpx.Request("PUT", url, content=body))
    assert said in problem(answer, status)["detail"]
    assert version(several.client) == "10"


@pytest.fixture(scope="module")
def several(made_versions: Path, fast_path: bool) -> Iterator[Service]:
    flag = "--fast-path" if fast_path else "--no-fast-path"
    with running(made_versions, "--default", "pumps", flag) as service:
        yield service


def test_a_damaged_version_is_refused_with_the_reason_and_the_old_one_answers(client: httpx.Client, many: Path) -> None:
    (many / "pumps" / "9" / "network.onnx").write_bytes(b"damaged")
    answer = problem(client.put("/detectors/pumps/aliases/champion", json={"version": "9"}), 422)
    assert answer["detail"].startswith("Version 9 of the detector 'pumps' cannot be loaded: network.onnx is not")
    assert str(many) not in answer["detail"]
    assert version(client) == "10"
    assert strict(client.get("/detectors"))["detectors"][0]["aliases"] == {}


def test_a_version_that_appears_answers_and_a_damaged_one_is_named_by_readyz(client: httpx.Client, many: Path) -> None:
    make_bundle(many / "pumps" / "11")
    wait_for(lambda: version(client) == "11")
    broken = make_bundle(many / "elsewhere" / "x")
    (broken / "network.onnx").write_bytes(b"damaged")
    broken.rename(many / "pumps" / "12")
    wait_for(lambda: "problems" in client.get("/readyz").json())
    ready = strict(client.get("/readyz"))
    assert (ready["status"], ready["version"]) == ("ready", "11")
    assert ready["problems"]["pumps"].startswith("Version 12 of the detector 'pumps' cannot be loaded: network.onnx is")
    assert version(client) == "11"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_watching_new_versions_are_loaded_at_sighup_by_every_worker(
    workers: str, many: Path, start: Start
) -> None:
    with start(many, "--default", "pumps", "--no-watch", "--workers", workers) as service:
        assert {version_of_new_connection(service) for _ in range(30)} == {"10"}  # each worker has begun
        make_bundle(many / "pumps" / "11")
        assert {version_of_new_connection(service) for _ in range(30)} == {"10"}
        service.process.send_signal(signal.SIGHUP)
        wait_for(lambda: {version_of_new_connection(service) for _ in range(20)} == {"11"})


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no workers")
def test_every_worker_follows_a_promotion_that_one_of_them_was_asked_for(many: Path, start: Start) -> None:
    with start(many, "--default", "pumps", "--no-watch", "--workers", "3") as service:
        for wanted in ("2", "9"):
            assert service.client.put("/detectors/pumps/aliases/champion", json={"version": wanted}).status_code == 200
            wait_for(lambda wanted=wanted: {version_of_new_connection(service) for _ in range(30)} == {wanted})


def version_of_new_connection(service: Service) -> str:
    """Return the version that scores, by any worker."""
    answer = httpx.post(f"{service.client.base_url}/score", content=json.dumps(RECORD), timeout=60, trust_env=False)
    return str(answer.json()["version"])


def test_changes_of_the_version_are_counted(client: httpx.Client, many: Path) -> None:
    (many / "pumps" / "9" / "network.onnx").write_bytes(b"damaged")
    for wanted in ("2", "10", "9"):
        client.put("/detectors/pumps/aliases/champion", json={"version": wanted})
    counted = client.get("/metrics").text
    assert 'detector_swaps_total{detector="pumps",outcome="swapped"} 2.0' in counted
    assert 'detector_swaps_total{detector="pumps",outcome="failed"} 1.0' in counted
