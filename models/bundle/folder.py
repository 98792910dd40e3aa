"""The folder of a new bundle: tried before training, and there as a whole or not at all, even after a power cut."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from models.bundle.layout import BESIDE, FILES, SIGNATURE
from models.errors import BundleError
from models.repository import MANIFEST
from models.unfinished import real_path, unfinished


@contextmanager
def new_bundle(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to write a bundle into; rename it into place when the block ends without an error.

    Entering proves that saving will succeed: it is done before the first epoch, not after the last. What is at `path`
    is never changed; with `overwrite` a bundle there is removed, when the new one is complete.

    Raises:
        BundleError: There is something at `path` already, or nothing can be written there.
    """
    path = real_path(path)
    _require_free(path, overwrite=overwrite)
    made = [folder for folder in path.parents if not folder.exists()]
    with _removing(made), ExitStack() as opened:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = opened.enter_context(unfinished(path, Path.mkdir))
            (folder / MANIFEST).write_text("{}")
        except OSError as error:
            problem = f"a bundle cannot be saved there ({error.strerror}: {error.filename})"
            raise BundleError(f"{path}: {problem}.") from error
        yield folder
        for file in (*folder.iterdir(), folder):
            _settle(file)
        _rename(folder, path, overwrite=overwrite)
        _settle(path.parent)


def _require_free(path: Path, *, overwrite: bool) -> None:
    if path.is_dir() and any(path.iterdir()):
        if not _is_bundle(path):
            raise BundleError(f"{path}: is not empty and is no bundle. Choose another --output.")
        if not overwrite:
            raise BundleError(f"{path}: holds a bundle. Choose another --output, or say --overwrite.")
    if path.exists() and (not path.is_dir() or path.is_mount()):  # neither can be replaced by a folder
        what = "is a mount point: name a folder in it" if path.is_dir() else "is a file: choose another --output"
        raise BundleError(f"{path}: {what}.")


def _rename(folder: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a complete bundle into place; where another one was saved meanwhile, keep it beside that one."""
    old = folder.with_name(f"{folder.name}.old")
    if overwrite and path.exists():
        path.rename(old)
    try:
        if path.exists():
            path.rmdir()  # an empty folder is as good as none; Windows renames to no folder at all
        folder.rename(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.rename(path)
        kept = path.with_name(f"{path.name}-{folder.name[-8:]}")
        folder.rename(kept)
        raise BundleError(f"{path}: another training was faster; this one is kept as {kept}. Rename it.") from error
    shutil.rmtree(old, ignore_errors=True)


def _settle(path: Path) -> None:
    """Write a file or folder through to the disk, so that a power cut cannot leave a part of it."""
    with suppress(OSError):  # Windows opens no folders, and some file systems cannot do this
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_bundle(folder: Path) -> bool:
    """Return whether a folder holds a bundle and nothing else, so that nothing else can be lost with it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    ours = isinstance(manifest, dict) and {"format_version", "files"} <= manifest.keys()
    return ours and {entry.name for entry in folder.iterdir()} <= {MANIFEST, SIGNATURE, *FILES, *BESIDE}


@contextmanager
def _removing(made: list[Path]) -> Iterator[None]:
    """Leave no empty parents that were made for a bundle, where it did not come to that."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for parent in made:
                parent.rmdir()
        raise
