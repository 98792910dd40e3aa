"""Keys on the real service: changed while it runs, in all workers; never in its log; and who it listens to."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from made_keys import bearer, expired_key, made_keys
from samples import machine_records
from serving import Service, Start

from service.access.keys import new_key, read_keys, write_keys
from service.access.roles import Role
from service.client import DetectorClient, ServiceError

RECORD = json.dumps(machine_records(1, seed=1)[0])


def statuses(service: Service, key: str, many: int = 12) -> set[int]:
    """Ask on a connection each, so that every worker is asked."""
    found = set()
    for _ in range(many):
        with httpx.Client(base_url=service.client.base_url, timeout=60, trust_env=False) as client:
            found.add(client.post("/score", content=RECORD, headers=bearer(key)).status_code)
    return found


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_key_counts_and_is_revoked_in_all_workers_without_a_restart(
    bundle_path: Path, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    first = made_keys(file)[Role.SCORE]
    with start(bundle_path, "--keys", str(file), "--workers", "2") as service:
        assert statuses(service, first) == {200}
        second, kept = new_key("second", Role.SCORE, now=read_keys(file)[0].made)
        write_keys(file, [kept])
        wait_for(lambda: statuses(service, second) == {200})
        wait_for(lambda: statuses(service, first) == {401})
        file.write_text("{")  # what is broken changes nothing
        time.sleep(1.5)
        assert statuses(service, second) == {200}


def test_the_log_holds_no_key(bundle_path: Path, start: Start, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = list(made_keys(file).values())
    late, kept = expired_key()
    write_keys(file, [*read_keys(file), kept])
    with start(bundle_path, "--keys", str(file), "--access-log") as service:
        for key in [*keys, late, f"{keys[0]}x"]:
            for method, path in (("POST", "/score"), ("GET", "/docs"), ("GET", f"/{'x' * 100}"), ("PUT", "/score")):
                service.client.request(method, path, content=RECORD, headers=bearer(key))
        file.write_text(json.dumps({"keys": keys}))  # put there by mistake
        time.sleep(2.5)
        service.client.get("/healthz")
        assert service.process.stderr is not None
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(service.process.stderr or ()))
        service.process.terminate()
        reader.start()
        service.process.wait(30)
        reader.join(30)
    log = "".join(lines)
    assert "endpoint=score" in log
    assert "the keys stay as they were" in log
    assert [key for key in [*keys, late] if key in log or key.split("_", 2)[2] in log] == []


def test_the_client_sends_its_key(
    bundle_path: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = made_keys(tmp_path / "keys.json")
    records = machine_records(3, seed=2)
    with start(bundle_path, "--keys", str(tmp_path / "keys.json")) as service:
        url = str(service.client.base_url)
        with DetectorClient(url, key=keys[Role.SCORE]) as client:
            assert len(client.score(records).records) == 3  # it asks for /detector as well
        with DetectorClient(url, key=keys[Role.READ]) as client:
            assert client.detector().name
            with pytest.raises(ServiceError, match="needs score") as refused:
                client.score(records)
            assert refused.value.status == 403
        with DetectorClient(url) as client, pytest.raises(ServiceError, match="No key was sent"):
            client.score(records)
        monkeypatch.setenv("DETECTOR_KEY", keys[Role.SCORE])
        with DetectorClient(url) as client:
            assert client.is_ready()
            assert len(client.score(records).records) == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_keys_other_machines_are_not_listened_to(
    host: str, bundle_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_python("-m", "service", "--detector", bundle_path, "--port", "0", f"--host={host}")
    assert done.returncode == 2
    assert "there are no keys: name their file (--keys FILE" in done.stderr
    assert "--insecure (DETECTOR_INSECURE)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_insecure_is_said_by_name_and_logged(bundle_path: Path, start: Start) -> None:
    with start(bundle_path, "--host", "0.0.0.0", "--insecure") as service:
        port = service.client.base_url.port
        assert httpx.post(f"http://127.0.0.1:{port}/score", content=RECORD, trust_env=False).status_code == 200


@pytest.mark.parametrize(("keys", "host", "lines"), [(True, "0.0.0.0", 0), (False, "0.0.0.0", 1), (False, "::1", 0)])
def test_the_line_about_missing_keys(
    keys: bool, host: str, lines: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from service.access.exposure import log_exposure, require_protection
    from service.settings import load_settings

    caplog.set_level("INFO", "service")
    settings = load_settings(host=host, insecure=not keys, keys=tmp_path / "keys.json" if keys else None)
    require_protection(settings)
    log_exposure(settings)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == lines
    assert all(line.startswith(f"no keys: whoever reaches {host} may do everything") for line in said)
