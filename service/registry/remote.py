"""Detectors that lie elsewhere, in object storage or in a registry of MLflow: they are copied here and then served."""

from __future__ import annotations

import errno
import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from models.bundle import MANIFEST
from models.bundle.layout import LIMITS, SERVED, SIGNATURE
from models.errors import BundleError, DetectorError
from models.printable import one_line
from models.repository import complaint_about_name
from models.unfinished import locked, unfinished
from service.registry.aliases import ALIASES_FILE
from service.registry.mlflow import MLFLOW, download
from service.settings import spelt

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DEPTH: Final = 2  # NAME/VERSION
_OF_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # what writing a copy may raise
_COPIED: Final = (MANIFEST, SIGNATURE, *SERVED)

_ROOM: Final = f"Make room there, or say another folder ({spelt('cache')})."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remote:
    """Detectors elsewhere, and the folder of their copies.

    Args:
        source: An address of fsspec, such as ``s3://bucket/detectors``, or of MLflow: ``models:/machines@champion``.
        folder: Where the copies are kept.
    """

    source: str
    folder: Path

    @classmethod
    def of(cls, source: str, cache: Path) -> Remote | None:
        """Return what an address means; None for a path of this machine.

        Args:
            source: An address or a path.
            cache: The folder of all copies, of which each source has its own part.
        """
        if not (_URL.match(source) or source.startswith(MLFLOW)):
            return None
        return cls(source, cache / hashlib.sha256(source.encode()).hexdigest()[:16])

    def refresh(self) -> None:
        """Bring the copies up to date: get what is new or changed, remove what is gone; not if another process does so.

        Where the source cannot be reached and there are copies, these are kept, with a line in the log.

        Raises:
            BundleError: It cannot be reached, or holds no bundle.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder) as ours:
                if ours or not self._has_copies():
                    download(self.source, self.folder) if self.source.startswith(MLFLOW) else self._copy()
        except DetectorError:
            raise
        except Exception as error:  # each kind of storage has errors of its own
            is_of_disk = isinstance(error, OSError) and error.errno in _OF_DISK
            what = f"cannot be copied to {self.folder}" if is_of_disk else "cannot be read"
            why = f"{self.source}: {what} ({one_line(str(error) or type(error).__name__)})."
            if not self._has_copies():
                remedy = _ROOM if is_of_disk else "Look at its address and at what may read it."
                raise BundleError(f"{why} {remedy}") from error
            log.warning("%s What was copied before is served.", why)

    def _has_copies(self) -> bool:
        return any(self.folder.rglob(MANIFEST))

    def _copy(self) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise BundleError(
                f'{self.source}: is read by fsspec. Install it: pip install "relu-anomaly-detector[storage]"'
            ) from error
        system, root = url_to_fs(self.source)
        system.invalidate_cache()
        found = system.find(root, maxdepth=_DEPTH + 1, detail=True)
        bundles = bundles_of(found, root)
        if not bundles:
            raise BundleError(f"{self.source}: holds no bundle. Copy the folder of one there: NAME/VERSION.")
        for place, files in bundles.items():
            _copy_bundle(system.cat_file, files, self.folder / place)
        for place in dict.fromkeys(str(PurePosixPath(place).parent) for place in bundles):
            path = str(PurePosixPath(root, place, ALIASES_FILE))
            if path in found:  # those of the storage hold, not those that were set here
                _write(self.folder / place / ALIASES_FILE, system.cat_file(path))
        for manifest in list(self.folder.rglob(MANIFEST)):
            if str(manifest.parent.relative_to(self.folder)) not in bundles:
                shutil.rmtree(manifest.parent, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: int


def bundles_of(found: Mapping[str, Mapping[str, Any]], root: str) -> dict[str, dict[str, _File]]:
    """Return the files of each bundle, by its place below the root: ``NAME/VERSION``, ``VERSION``, ``.``.

    Args:
        found: What the storage lists, by path.
        root: The path that was listed.

    Raises:
        BundleError: A place can be no folder of ours.
    """
    places: dict[str, dict[str, _File]] = {}
    for path, info in found.items():
        relative = PurePosixPath(path.removeprefix(root).lstrip("/"))
        if relative.name in _COPIED and len(relative.parts) <= _DEPTH + 1:
            places.setdefault(str(relative.parent), {})[relative.name] = _File(path, int(info.get("size") or 0))
    bundles = {place: files for place, files in places.items() if MANIFEST in files}
    for place in bundles:
        for part in PurePosixPath(place).parts:
            complaint = "is no folder" if part in {"..", ""} or "\\" in part else complaint_about_name(part)
            if complaint:
                raise BundleError(f"{root}: the name {part!r} {complaint}. Rename it there.")
    return bundles


def _copy_bundle(read: Callable[[str], bytes], files: Mapping[str, _File], target: Path) -> None:
    """Copy a bundle, unless the copy has the same manifest, which holds the digests of all else, and signature."""
    heads = {name: read(files[name].path) for name in (MANIFEST, SIGNATURE) if _is_allowed(files, name)}
    kept = [name for name in (MANIFEST, SIGNATURE) if (target / name).exists()]
    if kept == [*heads] and all((target / name).read_bytes() == content for name, content in heads.items()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(target, Path.mkdir) as folder:
        for name, content in heads.items():
            (folder / name).write_bytes(content)
        for name in SERVED:
            if _is_allowed(files, name):
                (folder / name).write_bytes(read(files[name].path))
        replace_folder(folder, target)


def replace_folder(new: Path, target: Path) -> None:
    """Rename a folder into the place of another one, or of none."""
    old = target.with_name(f"{new.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    """Write a small file as a whole, if it is another one."""
    if not path.exists() or path.read_bytes() != content:
        with unfinished(path, Path.touch) as new:
            new.write_bytes(content)
            new.replace(path)


def _is_allowed(files: Mapping[str, _File], name: str) -> bool:
    """Return whether there is a file; loading refuses a bundle that lacks one, and here one that is far too large."""
    if name not in files:
        return False
    if files[name].size > LIMITS[name]:
        raise BundleError(f"{files[name].path}: is larger than any that training writes. Copy the bundle there again.")
    return True
