"""The folder of a new bundle: tried before the work, there as a whole or not at all, even after a power cut."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from models.bundle.layout import FILES
from models.errors import BundleError, Set
from models.repository import MANIFEST

_OLD: Final = ".old"
_YOUNG_SECONDS: Final = 60.0  # a folder that was made just now may not be locked yet


@contextmanager
def new_bundle(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to write a bundle into; rename it into place when the block ends without an error.

    Entering proves that saving will succeed: it is done before the first epoch, not after the last. It also takes
    away what a training that was killed left beside `path`.

    Args:
        path: Where the bundle will be.
        overwrite: Replace a bundle that is there.

    Raises:
        BundleError: There is something at `path` already, or nothing can be written there.
    """
    path = path.resolve()
    _clear_up(path)
    if path.is_dir() and any(path.iterdir()):
        if not _is_bundle(path):
            raise BundleError(f"{path}: is not empty and is no bundle. Choose another ", Set("output"), ".")
        if not overwrite:
            other, replace = Set("output"), Set("overwrite", True)
            raise BundleError(f"{path}: holds a bundle. Choose another ", other, ", or say ", replace, ".")
    if path.exists() and (not path.is_dir() or path.is_mount()):  # neither can be replaced by a folder
        is_mount = path.is_dir()
        what = ["is a mount point: name a folder in it"] if is_mount else ["is a file: choose another ", Set("output")]
        raise BundleError(f"{path}: ", *what, ".")
    made = [folder for folder in path.parents if not folder.exists()]
    folder = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        folder.mkdir(parents=True)
        (folder / MANIFEST).write_text("{}")
    except OSError as error:
        _remove(folder, made)
        raise BundleError(f"{path}: a bundle cannot be saved there ({error.strerror}: {error.filename}).") from error
    lock = _lock(folder)
    try:
        yield folder
        for file in (*folder.iterdir(), folder):
            _settle(file)
        if not overwrite:
            _require_free(path, folder)
        _swap(folder, path)
        _settle(path.parent)
    except BaseException:
        _remove(folder, made)
        raise
    finally:
        _unlock(lock)


def _clear_up(path: Path) -> None:
    """Remove the unfinished folders beside `path` that no process holds; put back the bundle that one was replacing."""
    unfinished = re.compile(rf"(?P<folder>\.{re.escape(path.name)}\.[0-9a-f]{{8}})(?P<old>{re.escape(_OLD)})?")
    with suppress(OSError):  # none of this has to succeed; whether a bundle can be written there is tried next
        for entry in sorted(path.parent.iterdir()):  # a folder comes before what it was replacing
            found = unfinished.fullmatch(entry.name)
            if found is None or not entry.is_dir() or time.time() - entry.stat().st_mtime < _YOUNG_SECONDS:
                continue
            if found["old"] and entry.with_name(found["folder"]).exists():  # being replaced at this moment
                continue
            lock = _lock(entry)
            if lock is not None and found["old"] and not path.exists():
                entry.rename(path)
            elif lock is not None:
                shutil.rmtree(entry, ignore_errors=True)
            _unlock(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder for as long as this process lives; None where another one has, or where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows: what a killed training leaves stays there
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _settle(path: Path) -> None:
    """Have a file or folder written to the disk itself, so that a power cut cannot leave a part of it."""
    with suppress(OSError):  # Windows opens no folders, and some file systems cannot do this
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_bundle(folder: Path) -> bool:
    """Say whether a folder holds a bundle and nothing else, so that nothing else can be lost with it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    ours = isinstance(manifest, dict) and {"format_version", "files"} <= manifest.keys()
    return ours and {entry.name for entry in folder.iterdir()} <= {MANIFEST, *FILES}


def _require_free(path: Path, folder: Path) -> None:
    """Keep a bundle beside the one that another training has saved in its place meanwhile."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        kept = path.with_name(f"{path.name}-{folder.name[-8:]}")
        folder.rename(kept)
        raise BundleError(f"{path}: another training was faster; this one is kept as {kept}. Rename it.")


def _swap(folder: Path, path: Path) -> None:
    """Rename a folder into place; what was there is removed only when the new one stands."""
    if not path.exists():
        folder.rename(path)
        return
    old = folder.with_name(folder.name + _OLD)
    path.rename(old)
    try:
        folder.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove(folder: Path, made: list[Path]) -> None:
    """Leave nothing behind: the folder, and the parents that were made for it."""
    shutil.rmtree(folder, ignore_errors=True)
    for parent in made:
        try:
            parent.rmdir()
        except OSError:
            return
