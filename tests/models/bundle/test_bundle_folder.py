from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.bundle import MANIFEST, load_detector, new_bundle
from models.errors import BundleError


def test_a_bundle_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "a" / "b" / "1"
    with new_bundle(target) as folder:
        assert not target.exists()
        assert folder.parent == target.parent
        (folder / "file").write_text("x")
    assert (target / "file").read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_nothing_behind(tmp_path):
    """Case 13: not even the parents that were made."""
    with pytest.raises(RuntimeError, match="in the middle"), new_bundle(tmp_path / "a" / "b" / "1"):
        raise RuntimeError("in the middle")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_bundle(tmp_path / "a" / "1"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there_before(copied):
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    with pytest.raises(RuntimeError, match="late"), new_bundle(copied, overwrite=True):
        raise RuntimeError("too late")
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_a_bundle_is_replaced_only_where_that_is_said(copied):
    with pytest.raises(BundleError, match=r"holds a bundle. Choose another --output, or say --overwrite"):
        new_bundle(copied).__enter__()
    with new_bundle(copied, overwrite=True) as folder:
        (folder / "file").write_text("x")
    assert sorted(path.name for path in copied.iterdir()) == ["file", MANIFEST]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_something_else_is_never_replaced(overwrite, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BundleError, match=r"is not empty and is no bundle. Choose another --output\.$"):
        new_bundle(tmp_path, overwrite=overwrite).__enter__()
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    with new_bundle(target) as folder:
        (folder / "file").write_text("x")
    assert (target / "file").exists()


def test_a_file_in_the_place_of_the_bundle_is_found_out_before_the_block_runs(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="file: is a file: choose another --output"):
        new_bundle(tmp_path / "file", overwrite=True).__enter__()
    assert (tmp_path / "file").read_text() == "x"


def test_a_parent_that_is_a_file_is_found_out_before_the_block_runs(tmp_path):
    """Case 13."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match=r"file/a/1: a bundle cannot be saved there"):
        new_bundle(tmp_path / "file" / "a" / "1").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_to_a_bundle_is_followed(copied):
    link = copied.with_name("current")
    link.symlink_to(copied)
    with new_bundle(link, overwrite=True) as folder:
        (folder / "file").write_text("x")
    assert (copied / "file").exists()
    assert link.is_symlink()


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="there is no mount point to try")
def test_a_mount_point_is_found_out_before_the_block_runs():
    with pytest.raises(BundleError, match=r"/proc: "):
        new_bundle(Path("/proc"), overwrite=True).__enter__()


def test_a_folder_with_another_programs_manifest_is_never_replaced(tmp_path):
    (tmp_path / MANIFEST).write_text('{"name": "a browser extension"}')
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(BundleError, match="is no bundle"), new_bundle(tmp_path, overwrite=True):
        pass
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_bundle_that_holds_a_file_of_the_users_is_never_replaced(copied):
    (copied / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="is no bundle"), new_bundle(copied, overwrite=True):
        pass


# --- after a power cut, a kill --------------------------------------------------------------------------


def test_every_file_is_on_the_disk_before_the_folder_is_renamed(tmp_path, monkeypatch):
    events = []
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr("os.fsync", lambda d: events.append(Path(f"/proc/self/fd/{d}").resolve().name) or fsync(d))
    monkeypatch.setattr(Path, "rename", lambda self, to: events.append("rename") or rename(self, to))
    with new_bundle(tmp_path / "1") as folder:
        (folder / "file").write_text("x")
    assert sorted(events[:2]) == ["file", MANIFEST]
    assert events[2:] == [folder.name, "rename", tmp_path.name]


def test_of_two_trainings_that_save_to_one_place_the_later_one_is_kept_beside_the_other(tmp_path):
    complaint = r"1: another training was faster; this one is kept as .*1-[0-9a-f]{8}\."
    with pytest.raises(BundleError, match=complaint), new_bundle(tmp_path / "1") as slow:
        (slow / "file").write_text("slow")
        with new_bundle(tmp_path / "1") as fast:
            (fast / "file").write_text("fast")
    assert (tmp_path / "1" / "file").read_text() == "fast"
    assert [(path / "file").read_text() for path in tmp_path.glob("1-*")] == ["slow"]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_bundle_that_is_replaced_is_there_until_the_new_one_is_complete(copied):
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    with new_bundle(copied, overwrite=True) as folder:
        (folder / "file").write_text("x")
        assert {path.name: path.read_bytes() for path in copied.iterdir()} == before
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


def test_a_bundle_that_cannot_be_renamed_leaves_the_one_that_it_would_replace(copied, monkeypatch):
    rename = Path.rename

    def fails_once(self, target):
        if target == copied and not self.name.endswith(".old"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_once)
    with pytest.raises(BundleError, match="this one is kept as"), new_bundle(copied, overwrite=True) as folder:
        (folder / "file").write_text("x")
    load_detector(copied)


@pytest.mark.parametrize("content", ['{"name": "a browser extension"}', "[]", '{"format_version": 1}', "junk"])
def test_a_manifest_alone_makes_no_bundle(content, tmp_path):
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(BundleError, match="is no bundle"), new_bundle(tmp_path, overwrite=True):
        pass
    assert (tmp_path / MANIFEST).read_text() == content
