"""Detectors elsewhere: what is copied, what is kept, what is refused; from a real S3 server and a real MLflow."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pandas as pd
import pytest
from samples import machine_records, sample_record
from serving import Start

from models.bundle import MANIFEST
from models.errors import BundleError
from service.registry.remote import Remote, bundles_of

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[str]:
    """An address in the memory of this process."""
    system = fsspec.filesystem("memory")
    yield "memory://detectors"
    system.rm("/", recursive=True)


def upload(bundle: Path, address: str, place: str) -> None:
    system, root = fsspec.core.url_to_fs(address)
    for file in bundle.iterdir():
        with system.open(f"{root}/{place}/{file.name}", "wb") as out:
            out.write(file.read_bytes())


def copies(remote: Remote) -> list[str]:
    return sorted(str(path.parent.relative_to(remote.folder)) for path in remote.folder.rglob(MANIFEST))


def remote_of(address: str, tmp_path: Path) -> Remote:
    remote = Remote.of(address, tmp_path / "cache")
    assert remote is not None
    return remote


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], address: str) -> Iterator[None]:
    """Run a server until the block ends; wait until it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(1200):
                assert process.poll() is None
                try:
                    httpx.get(address, trust_env=False)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("path", ["models/artifacts", "/srv/detectors", "C:\\detectors", "."])
def test_a_path_of_this_machine_is_not_remote(path: str, tmp_path: Path) -> None:
    assert Remote.of(path, tmp_path) is None


def test_bundles_are_copied_and_what_is_new_changed_or_gone_is_followed(
    memory: str, made: Path, tmp_path: Path
) -> None:
    remote = remote_of(memory, tmp_path)
    with pytest.raises(BundleError, match="holds no bundle"):
        remote.refresh()
    upload(made, memory, "machines/1")
    upload(made, memory, "pumps/7")
    remote.refresh()
    assert copies(remote) == ["machines/1", "pumps/7"]
    copied = remote.folder / "machines/1"
    assert {file.name for file in copied.iterdir()} < {file.name for file in made.iterdir()}
    assert not (copied / "network.keras").exists()  # which serving does not read
    kept = (copied / MANIFEST).stat().st_mtime_ns
    changed = json.loads((made / MANIFEST).read_text()) | {"created": "2030-01-01T00:00:00Z"}
    fsspec.filesystem("memory").pipe(f"/detectors/pumps/7/{MANIFEST}", json.dumps(changed).encode())
    upload(made, memory, "machines/2")
    remote.refresh()
    assert copies(remote) == ["machines/1", "machines/2", "pumps/7"]
    assert (copied / MANIFEST).stat().st_mtime_ns == kept
    assert json.loads((remote.folder / "pumps/7" / MANIFEST).read_text()) == changed
    fsspec.filesystem("memory").rm("/detectors/pumps", recursive=True)
    remote.refresh()
    assert copies(remote) == ["machines/1", "machines/2"]


def test_a_storage_that_cannot_be_reached_leaves_what_was_copied_and_without_copies_is_one_error(
    memory: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upload(made, memory, "machines/1")
    remote = remote_of(memory, tmp_path)
    remote.refresh()

    def broken(*args: object, **named: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", broken)
    remote.refresh()
    assert copies(remote) == ["machines/1"]
    assert "no route to host" in caplog.text
    with pytest.raises(BundleError, match=r"cannot be read \(no route to host\)"):
        remote_of(memory + "/machines", tmp_path).refresh()


@pytest.mark.parametrize("name", ["../outside", "..", "a\\b", "a\nb", "x" * 300])
def test_a_name_that_leaves_the_folder_or_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="Rename it there"):
        bundles_of({f"root/{name}/{MANIFEST}": {"size": 10}}, "root")


def test_a_file_that_is_far_too_large_is_not_fetched(memory: str, made: Path, tmp_path: Path) -> None:
    upload(made, memory, "machines/1")
    fsspec.filesystem("memory").pipe("/detectors/machines/1/schema.json", b" " * (17 * 1024**2))
    with pytest.raises(BundleError, match=r"schema\.json: is larger"):
        remote_of(memory, tmp_path).refresh()


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A real S3 server on loopback; yields the environment that leads to it."""
    pytest.importorskip("moto")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], address):
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.mark.slow
def test_the_service_serves_what_lies_in_a_bucket_and_again_from_its_copy(
    s3: dict[str, str], made: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    system = fsspec.filesystem("s3")
    system.mkdir("bucket")
    upload(made, "s3://bucket/detectors", "machines/1")
    flags = ("--cache", str(tmp_path / "cache"))
    address = "s3://bucket/detectors"
    with start(address, *flags) as service:
        first = service.client.post("/score", json=sample_record()).json()
    with start(address, *flags, AWS_ENDPOINT_URL="http://127.0.0.1:9") as service:  # nobody is there
        assert service.client.post("/score", json=sample_record()).json() == first


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of MLflow's own
def test_a_detector_is_logged_to_mlflow_loaded_from_its_registry_and_served_by_both(
    bundle_path: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    import mlflow

    from service.registry.mlflow import log_detector

    records = [{name: value for name, value in one.items() if name != "state"} for one in machine_records(7, seed=3)]
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_path, bundle)
    with mlflow.start_run():
        log_detector(bundle, registered_name="machines")
    mlflow.MlflowClient().set_registered_model_alias("machines", "champion", "1")
    with start("models:/machines@champion", "--cache", str(tmp_path / "cache")) as service:
        expected = service.client.post("/score?explain=2", json=records).json()["results"]
        assert service.client.get("/detectors/machines").json()["version"] == "1"
    loaded = mlflow.pyfunc.load_model("models:/machines/1")
    scored = loaded.predict(pd.DataFrame(records), params={"explain": 2})
    assert scored["anomaly_score"].tolist() == pytest.approx([one["anomaly_score"] for one in expected], rel=1e-12)
    assert scored["reason"].tolist() == [one["reason"] for one in expected]
    port = free_port()
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # it calls uvicorn
    address, command = f"http://127.0.0.1:{port}", [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri"]
    with running([*command, "models:/machines/1", "--env-manager", "local", "--port", str(port)], f"{address}/ping"):
        asked = {"dataframe_records": records, "params": {"explain": 2}}
        answer = httpx.post(f"{address}/invocations", json=asked, trust_env=False, timeout=60)
    served = answer.json()["predictions"]
    assert [one["is_anomaly"] for one in served] == [one["is_anomaly"] for one in expected]
    assert [one["reason"] for one in served] == [one["reason"] for one in expected]
