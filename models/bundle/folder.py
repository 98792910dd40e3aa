"""The folder of a new bundle: tried before the work, there as a whole or not at all."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.bundle.layout import FILES, MANIFEST
from models.errors import BundleError


@contextmanager
def new_bundle(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to write a bundle into; rename it into place when the block ends without an error.

    Entering proves that saving will succeed: it is done before the first epoch, not after the last.

    Args:
        path: Where the bundle will be.
        overwrite: Replace a bundle that is there.

    Raises:
        BundleError: There is something at `path` already, or nothing can be written there.
    """
    path = path.resolve()
    if path.is_dir() and any(path.iterdir()):
        if not _is_bundle(path):
            raise BundleError(f"{path}: is not empty and is no bundle. Choose another --output.")
        if not overwrite:
            raise BundleError(f"{path}: holds a bundle. Choose another --output, or say --overwrite.")
    if path.exists() and (not path.is_dir() or path.is_mount()):  # neither can be replaced by a folder
        what = "is a mount point: name a folder in it" if path.is_dir() else "is a file: choose another --output"
        raise BundleError(f"{path}: {what}.")
    made = [folder for folder in path.parents if not folder.exists()]
    folder = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        folder.mkdir(parents=True)
        (folder / MANIFEST).write_text("{}")
    except OSError as error:
        _remove(folder, made)
        raise BundleError(f"{path}: a bundle cannot be saved there ({error.strerror}: {error.filename}).") from error
    try:
        yield folder
        _swap(folder, path)
    except BaseException:
        _remove(folder, made)
        raise


def _is_bundle(folder: Path) -> bool:
    """Say whether a folder holds a bundle and nothing else, so that nothing else can be lost with it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    ours = isinstance(manifest, dict) and {"format_version", "files"} <= manifest.keys()
    return ours and {entry.name for entry in folder.iterdir()} <= {MANIFEST, *FILES}


def _swap(folder: Path, path: Path) -> None:
    """Rename a folder into place; what was there is removed only when the new one stands."""
    if not path.exists():
        folder.rename(path)
        return
    old = folder.with_name(f"{folder.name}.old")
    path.rename(old)
    try:
        folder.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)


def _remove(folder: Path, made: list[Path]) -> None:
    """Leave nothing behind: the folder, and the parents that were made for it."""
    shutil.rmtree(folder, ignore_errors=True)
    for parent in made:
        try:
            parent.rmdir()
        except OSError:
            return
