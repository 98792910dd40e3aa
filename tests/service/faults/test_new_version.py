"""A damaged bundle comes as a new version while another one serves: that one goes on, and the reason is said."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forging import forge_json, make_bundle
from in_process import problem, strict
from samples import sample_record
from serving import Start

from service.registry import Registry
from service.registry.changes import set_alias


def _flip_a_byte(bundle: Path) -> None:
    content = bytearray((bundle / "network.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "network.onnx").write_bytes(content)


def _cut(name: str) -> Callable[[Path], None]:
    def cut(bundle: Path) -> None:
        content = (bundle / name).read_bytes()
        (bundle / name).write_bytes(content[: len(content) // 2])

    return cut


def _put_in_place_of_schema(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def put(bundle: Path) -> None:
        (bundle / "schema.json").unlink()
        make(bundle / "schema.json")

    return put


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "corrupted": (_flip_a_byte, "network.onnx is not the file that was saved"),
    "network truncated": (_cut("network.onnx"), "network.onnx is not the file that was saved"),
    "manifest truncated": (_cut("manifest.json"), "manifest.json"),
    "file missing": (lambda bundle: (bundle / "probe.json").unlink(), "probe.json"),
    "files emptied": (lambda bundle: [file.write_bytes(b"") for file in bundle.iterdir()], "manifest.json"),
    "file more": (lambda bundle: (bundle / "run.py").write_text("print(1)"), "run.py"),
    "tampered, digests right": (
        lambda bundle: forge_json(bundle, "schema.json", extra=1),
        "The schema is not readable",
    ),
    "link that leaves the folder": (
        _put_in_place_of_schema(lambda path: path.symlink_to("/etc/passwd")),
        "schema.json",
    ),
    "pipe that nobody writes to": (_put_in_place_of_schema(os.mkfifo), "schema.json"),
}


def test_each_damaged_version_leaves_the_old_one_serving_and_says_why(many: Path, start: Start) -> None:
    """In the answer, in the log, and at `/readyz`."""
    versions = {damage: str(11 + i) for i, damage in enumerate(DAMAGE)}
    whole = make_bundle(many.parent / "whole" / "1")
    with start(many, "--default", "pumps", "--max-wait-seconds", "60") as service:
        client = service.client
        before = strict(client.post("/score", json=sample_record()))
        for damage, (make, said) in DAMAGE.items():
            new = Path(shutil.copytree(whole, many.parent / damage))
            make(new)
            new.rename(many / "pumps" / versions[damage])
            change = client.put("/detectors/pumps/aliases/champion", json={"version": versions[damage]})
            detail = problem(change, 422)["detail"]
            assert detail.startswith(f"Version {versions[damage]} of the detector 'pumps' cannot be loaded: ")
            assert said in detail
            assert str(many) not in detail
            assert strict(client.post("/score", json=sample_record())) == before
        last = f"Version {max(versions.values())} of the detector 'pumps' cannot be loaded: "
        end = time.monotonic() + 60
        while not strict(ready := client.get("/readyz")).get("problems", {}).get("pumps", "").startswith(last):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert (ready.status_code, ready.json()["version"]) == (200, "10")
        assert strict(client.post("/score", json=sample_record())) == before
        service.process.terminate()
        assert service.process.stderr is not None
        log = service.process.stderr.read()
    assert not (many / "pumps" / "aliases.json").exists()
    assert "Traceback" not in log
    for version in versions.values():
        assert f"version {version} of the detector 'pumps' cannot be loaded: " in log


def test_a_version_in_memory_serves_on_when_its_files_are_damaged(many: Path) -> None:
    """What is served was read once; a file that is changed below it changes no score."""
    registry = Registry.open(many, default="pumps")
    before = registry.active().score_records([sample_record()]).anomaly_score[0]
    for file in (many / "pumps" / "10").iterdir():
        file.write_bytes(b"")
    assert registry.active().score_records([sample_record()]).anomaly_score[0] == before
    set_alias(registry, "pumps", "champion", "10")  # it is in memory
    assert registry.active().score_records([sample_record()]).anomaly_score[0] == before
