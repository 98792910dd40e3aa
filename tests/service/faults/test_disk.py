"""Disks that are full, read-only or gone under a service that runs: it answers on, and what cannot be kept is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from forging import make_bundle
from in_process import problem, strict
from made_keys import bearer, made_keys
from samples import sample_record
from serving import Service, Start

from models.errors import BundleError
from service.access.roles import Role
from service.admin import main as admin
from service.registry import Registry
from service.registry.remote import Remote

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file systems are mounted and limits set as on Linux")


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small file system of its own on a folder, for a test that the superuser runs."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: only the superuser may, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(made_versions: Path, tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes with detectors on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, 2):
        shutil.copytree(made_versions, folder / "many")
        yield folder


def fill(disk: Path) -> Path:
    """Write a file until nothing more goes onto the disk."""
    path = disk / "full"
    with pytest.raises(OSError, match="No space"), path.open("wb", buffering=0) as file:
        while True:
            file.write(b" " * 4096)
    return path


def version(service: Service) -> str:
    return str(strict(service.client.post("/score", json=sample_record()))["version"])


def refused(service: Service, why: str) -> None:
    """A promotion is refused for that reason, and changes nothing."""
    change = service.client.put("/detectors/pumps/aliases/champion", json={"version": "2"})
    assert problem(change, 409)["detail"].startswith(f"The aliases cannot be kept ({why}), so nothing was changed.")
    assert version(service) == "10"
    assert strict(service.client.get("/detectors"))["detectors"][0]["aliases"] == {}


def test_a_full_disk_refuses_promotions_until_there_is_room(disk: Path, start: Start) -> None:
    with start(disk / "many", "--default", "pumps", "--max-wait-seconds", "60") as service:
        ballast = fill(disk)
        refused(service, "No space left on device")
        assert [path.name for path in (disk / "many" / "pumps").iterdir() if not path.name.isdecimal()] == []
        ballast.unlink()
        assert service.client.put("/detectors/pumps/aliases/champion", json={"version": "2"}).status_code == 200
        assert version(service) == "2"


@pytest.mark.slow
def test_a_disk_that_is_read_only_refuses_promotions_and_serves(disk: Path, start: Start) -> None:
    with start(disk / "many", "--default", "pumps", "--max-wait-seconds", "60") as service:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused(service, "Read-only file system")
        asked = "/detectors/pumps/versions/9/score"  # is loaded now
        assert strict(service.client.post(asked, json=sample_record()))["version"] == "9"


@pytest.mark.slow
def test_a_version_that_a_full_disk_cut_off_leaves_the_old_one_serving(disk: Path, start: Start) -> None:
    whole = make_bundle(disk.parent / "whole" / "1")
    with start(disk / "many", "--default", "pumps", "--max-wait-seconds", "60") as service:
        ballast = fill(disk)
        with ballast.open("rb+") as file:
            file.truncate(ballast.stat().st_size - 3 * 4096)  # room for some of the files
        with pytest.raises(shutil.Error, match="No space"):
            shutil.copytree(whole, disk / "many" / "pumps" / "11")
        time.sleep(1.5)  # a look at the folder
        assert version(service) == "10"
        ballast.unlink()
        shutil.copytree(whole, disk / "many" / "pumps" / "11", dirs_exist_ok=True)
        wait_for(lambda: version(service) == "11")


@pytest.mark.slow
def test_a_disk_that_goes_away_leaves_what_is_in_memory_and_comes_back(
    made_versions: Path, tmp_path: Path, start: Start
) -> None:
    folder = Path(shutil.copytree(made_versions, tmp_path / "many"))
    with start(folder, "--default", "pumps", "--max-wait-seconds", "60") as service:
        folder.rename(tmp_path / "away")
        wait_for(lambda: "problems" in service.client.get("/readyz").json())
        ready = service.client.get("/readyz")
        assert (ready.status_code, strict(ready)["status"]) == (200, "ready")
        assert ready.json()["problems"]["pumps"].startswith("Its folder is gone")
        assert version(service) == "10"
        assert "There is no detector 'valves'" in service.client.get("/detectors/valves").json()["detail"]
        change = service.client.put("/detectors/pumps/aliases/champion", json={"version": "2"})
        assert problem(change, 422)["detail"].startswith("Version 2 of the detector 'pumps' cannot be loaded")
        assert version(service) == "10"
        (tmp_path / "away").rename(folder)
        wait_for(lambda: "problems" not in service.client.get("/readyz").json())
        assert service.client.get("/detectors/valves").status_code == 200
        assert service.client.put("/detectors/pumps/aliases/champion", json={"version": "2"}).status_code == 200
        assert version(service) == "2"


@pytest.mark.slow
def test_a_folder_that_is_not_there_ends_the_start_in_one_line(tmp_path: Path, run_python: Any) -> None:
    ended = run_python("-m", "service", "--detector", tmp_path / "nowhere", "--port", "0")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert str(tmp_path / "nowhere") in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_copies_of_what_lies_elsewhere_stay_whole_on_a_full_disk(
    made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fsspec = pytest.importorskip("fsspec")
    resource = pytest.importorskip("resource")
    storage = fsspec.filesystem("memory")
    storage.put(str(made), "/full/machines/1", recursive=True)
    remote = Remote.of("memory://full", tmp_path / "cache")
    empty = Remote.of("memory://full", tmp_path / "another")
    assert remote is not None
    assert empty is not None
    remote.refresh()
    storage.put(str(made), "/full/machines/2", recursive=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # no file may grow beyond it
    try:
        remote.refresh()
        assert "cannot be copied to" in caplog.text
        assert "What was copied before is served." in caplog.text
        with pytest.raises(BundleError, match=r"cannot be copied to .+ \(.*File too large.*\)\. Make room there"):
            empty.refresh()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in (remote.folder / "machines").iterdir()] == ["1"]
    assert Registry.open(remote.folder).active().version == "1"
    assert not list(empty.folder.rglob("manifest.json"))
    remote.refresh()
    assert Registry.open(remote.folder).active().version == "2"
    storage.rm("/full", recursive=True)


def test_a_key_file_on_a_full_disk_stays_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = pytest.importorskip("resource")
    file = tmp_path / "keys.json"
    keys = made_keys(file)
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # no file may grow beyond it
    try:
        for command in (["another", "--role", "score"], ["revoke", keys[Role.SCORE]]):
            assert admin(["key", *command, "--keys", str(file)]) == 2
            out, err = capsys.readouterr()
            assert out == "", "a key that counts nowhere is shown to nobody"
            assert "the keys cannot be written (File too large)" in err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.slow
def test_keys_stay_when_their_disk_goes_away(made: Path, tmp_path: Path, start: Start) -> None:
    (tmp_path / "secrets").mkdir()
    keys = made_keys(tmp_path / "secrets" / "keys.json")
    with start(made, "--keys", str(tmp_path / "secrets" / "keys.json"), "--max-wait-seconds", "60") as service:
        assert service.client.get("/detector", headers=bearer(keys[Role.READ])).status_code == 200
        shutil.rmtree(tmp_path / "secrets")
        time.sleep(1.5)  # a look at the file
        assert service.client.get("/detector", headers=bearer(keys[Role.READ])).status_code == 200
        assert service.client.get("/detector").status_code == 401
        (tmp_path / "secrets").mkdir()
        made_keys(tmp_path / "secrets" / "keys.json")  # others
        wait_for(lambda: service.client.get("/detector", headers=bearer(keys[Role.READ])).status_code == 401)


def test_a_log_that_nobody_takes_holds_up_no_answer(made: Path, start: Start) -> None:
    """As with a collector of logs that has died: each line is an error of writing."""
    with start(made, "--access-log", "--max-wait-seconds", "60") as service:
        assert service.process.stderr is not None
        service.process.stderr.close()
        for _ in range(50):
            assert service.client.post("/score", json=sample_record()).status_code == 200
            problem(service.client.post("/score", content="{"), 400)
        assert service.process.poll() is None
