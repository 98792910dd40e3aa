"""What lies in a bundle's folder: plain files of it, of a bounded size, each read once."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from models.bundle import MANIFEST, load_detector
from models.bundle.layout import LIMITS, SERVED
from models.errors import BundleError

EVERY = (MANIFEST, *SERVED)


@pytest.mark.parametrize("name", ["notes.json", "network.pkl", ".DS_Store", "schema.json.bak"])
def test_a_file_more_is_refused_by_its_name(name, copied):
    (copied / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(BundleError, match=f"holds '{name}', which is no part of a bundle. Move it elsewhere"):
        load_detector(copied)


def test_a_folder_more_is_refused_and_several_are_counted(copied):
    (copied / "assets").mkdir()
    (copied / "zoo").mkdir()
    with pytest.raises(BundleError, match="holds 'assets' and 1 more, which is no part"):
        load_detector(copied)


@pytest.mark.parametrize("name", EVERY)
def test_a_link_that_leaves_the_folder_is_refused(name, copied):
    outside = copied.parent / name
    shutil.move(copied / name, outside)
    (copied / name).symlink_to(outside)
    with pytest.raises(BundleError, match=f"{name} is a link that leaves the folder"):
        load_detector(copied)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "../other"])
def test_a_link_to_a_device_or_a_file_of_the_system_is_never_opened(target, copied, monkeypatch):
    (copied.parent / "other").write_text("{}")
    (copied / MANIFEST).unlink()
    (copied / MANIFEST).symlink_to(target)
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("opened"))
    with pytest.raises(BundleError, match=r"manifest\.json is a link that leaves the folder"):
        load_detector(copied)


def test_the_folder_itself_may_be_reached_by_links(copied):
    link = copied.with_name("current")
    link.symlink_to(copied)
    load_detector(link)


def test_a_volume_of_kubernetes_loads(copied, tmp_path):
    """There, each file is a link to `..data`, which is a link to a folder that is replaced as a whole."""
    volume = tmp_path / "volume"
    shutil.copytree(copied, volume / "..2024_01_01_00_00_00.1234")
    (volume / "..data").symlink_to("..2024_01_01_00_00_00.1234")
    for name in EVERY:
        (volume / name).symlink_to(f"..data/{name}")
    load_detector(volume)


@pytest.mark.parametrize("name", EVERY)
def test_links_in_a_circle_are_refused(name, copied):
    (copied / name).unlink()
    (copied / name).symlink_to(name)
    with pytest.raises(BundleError, match=f"{name} is not readable"):
        load_detector(copied)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", EVERY)
def test_a_pipe_in_the_place_of_a_file_is_refused_without_waiting_for_a_writer(name, copied):
    (copied / name).unlink()
    os.mkfifo(copied / name)
    with pytest.raises(BundleError, match=f"{name} is no plain file"):
        load_detector(copied)


@pytest.mark.parametrize("name", EVERY)
def test_a_folder_in_the_place_of_a_file_is_refused(name, copied):
    (copied / name).unlink()
    (copied / name).mkdir()
    with pytest.raises(BundleError, match=rf"{name} is (no plain file|not readable)"):
        load_detector(copied)


def test_a_socket_in_the_place_of_a_file_is_refused(copied, monkeypatch):
    (copied / "schema.json").unlink()
    monkeypatch.chdir(copied)  # the whole path is too long for a socket's name
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("schema.json")
        with pytest.raises(BundleError, match=r"schema\.json is not readable"):
            load_detector(copied)


@pytest.mark.parametrize("name", EVERY)
def test_a_file_that_is_too_large_is_refused_unread(name, copied):
    os.truncate(copied / name, LIMITS[name] + 1)  # a hole: it takes no place on the disk
    with pytest.raises(BundleError, match=f"{name} is larger than {LIMITS[name] // 1024**2:,} MB"):
        load_detector(copied)


@pytest.mark.parametrize("change", [1, -1])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_refused(change, copied, monkeypatch):
    size = (copied / "schema.json").stat().st_size
    fstat = os.fstat

    def grown(descriptor):
        status = fstat(descriptor)
        if Path(f"/proc/self/fd/{descriptor}").resolve().name == "schema.json" and status.st_size == size:
            os.truncate(copied / "schema.json", size + change)
        return status

    load_detector(copied)
    monkeypatch.setattr("os.fstat", grown)
    with pytest.raises(BundleError, match=r"schema\.json changed while it was read"):
        load_detector(copied)


def test_each_file_is_read_once_so_that_what_is_checked_is_what_is_used(copied, monkeypatch):
    from models.bundle import reading

    read, seen = reading.read_file, []

    def reads_and_replaces(folder, which):
        content = read(folder, which)
        seen.append(which)
        (folder / which).write_bytes(b"something else")
        return content

    monkeypatch.setattr(reading, "read_file", reads_and_replaces)
    load_detector(copied)
    assert sorted(seen) == sorted(EVERY)
    assert {(copied / name).read_bytes() for name in EVERY} == {b"something else"}


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", EVERY)
def test_a_file_without_permission_is_refused_with_the_reason(name, copied):
    (copied / name).chmod(0)
    with pytest.raises(BundleError, match=f"{name} is not readable .Permission denied"):
        load_detector(copied)


def test_a_folder_that_cannot_be_listed_is_refused(copied, monkeypatch):
    def fails(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", fails)
    with pytest.raises(BundleError, match=r"cannot be listed .Permission denied"):
        load_detector(copied)
