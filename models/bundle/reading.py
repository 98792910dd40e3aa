"""Reads the files of a bundle and verifies them, before anything is made of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from models.bundle.layout import BESIDE, FILES, FORMAT_VERSION, LIMITS, REQUIRED, SERVED, SIGNATURE, digest
from models.bundle.shown import check_manifest
from models.bundle.signature import TrustedKeys
from models.errors import BundleError
from models.repository import MANIFEST
from models.strict_json import from_plain, parse_json

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)  # the path is resolved: a link here was put there since
    | getattr(os, "O_NONBLOCK", 0)  # a pipe is refused, not waited for
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    """The names of a manifest, with their types."""

    format_version: int
    name: str
    version: str
    created: str
    engine: str
    network: dict[str, Any]
    calibration: dict[str, Any]
    versions: dict[str, str]
    files: dict[str, str]
    card: dict[str, Any]
    beside: dict[str, str] = field(default_factory=dict)


def read_manifest(folder: Path, *, trusted: TrustedKeys | None = None) -> dict[str, Any]:
    """Return a bundle's manifest.

    Args:
        folder: The bundle.
        trusted: The keys of which one must have signed it; None where it need not be signed.

    Raises:
        BundleError: There is no bundle, one of another format version, one with a damaged manifest, or one that nobody
            trusted signed.
    """
    if not folder.exists():
        raise BundleError(
            f"{folder}: there is no such folder. Train a detector: python -m training.train DATA --output {folder}"
        )
    if not folder.is_dir():
        raise BundleError(f"{folder}: is no folder, so it is no bundle. Give the folder that training wrote.")
    if not (folder / MANIFEST).is_symlink() and not (folder / MANIFEST).exists():
        raise BundleError(f"{folder}: holds no bundle, {MANIFEST} is missing. Give the folder that training wrote.")
    content = read_file(folder, MANIFEST)
    if trusted is not None:
        _require_signed(folder, content, trusted)
    manifest = read_plain(folder, MANIFEST, content)
    version = manifest.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise BundleError(
            f"{folder}: has format version {version!r:.60}, this program reads {FORMAT_VERSION}. Train the detector "
            "anew."
        )
    try:
        from_plain(manifest, _Manifest)
        check_manifest(manifest)
    except ValueError as error:
        raise BundleError(
            f"{folder}: {MANIFEST} is not one that training wrote ({error}). Copy the bundle again, or train it anew."
        ) from error
    if not set(REQUIRED) <= set(manifest["files"]) <= set(FILES) or not set(manifest.get("beside", ())) <= set(BESIDE):
        raise BundleError(
            f"{folder}: {MANIFEST} lists other files than a bundle has. Copy the bundle again, or train it anew."
        )
    return manifest


def _require_signed(folder: Path, content: bytes, trusted: TrustedKeys) -> None:
    if not (folder / SIGNATURE).exists():
        raise BundleError(
            f"{folder}: is not signed, {SIGNATURE} is missing. Sign it: minisign -Sm {folder / MANIFEST} -s SECRET_KEY"
        )
    if problem := trusted.complaint(content, read_file(folder, SIGNATURE)):
        raise BundleError(
            f"{folder}: {SIGNATURE} {problem}. Copy the bundle again, or sign it by a key that is trusted."
        )


def read_files(folder: Path, manifest: Mapping[str, Any], names: Collection[str] = SERVED) -> dict[str, bytes]:
    """Read files of the closed list once and verify them by their digests, before anything is made of them.

    Files that this bundle does not have are left out.

    Raises:
        BundleError: A file is missing, is one too many, or is not the one that was saved.
    """
    _require_closed(folder, manifest)
    contents = {}
    for name in names:
        if name not in manifest["files"]:
            continue
        content = read_file(folder, name)
        if digest(content) != manifest["files"][name]:
            raise BundleError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs from the manifest). "
                "Copy the bundle again, or train it anew."
            )
        contents[name] = content
    return contents


def verify_beside(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Verify the files that no detector reads, as far as they are there, by their digests; a part of one at a time.

    Raises:
        BundleError: A file is not the one that was saved.
    """
    for name in BESIDE:
        if not (folder / name).is_symlink() and not (folder / name).exists():
            continue
        with _opened(folder, name) as (file, _):
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != manifest.get("beside", {}).get(name):
            raise BundleError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs from the manifest). "
                "Copy the bundle again, or remove the file, which no detector reads."
            )


def read_plain(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        BundleError: It holds none, or is no strict JSON.
    """
    try:
        plain = parse_json(content)
    except ValueError as error:
        raise BundleError(f"{folder}: {name} is not readable: {error}. Copy the bundle again.") from error
    if not isinstance(plain, dict):
        raise BundleError(f"{folder}: {name} is not readable: it holds no object. Copy the bundle again.")
    return plain


def _require_closed(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a folder that holds more than a bundle does.

    Names that begin with two dots are left alone: a volume of Kubernetes keeps its files behind ``..data``.

    Raises:
        BundleError: There is another file, or the folder cannot be listed.
    """
    try:
        names = {entry.name for entry in os.scandir(folder) if not entry.name.startswith("..")}
    except OSError as error:
        raise BundleError(f"{folder}: cannot be listed ({error.strerror}).") from error
    if extra := sorted(names - {MANIFEST, SIGNATURE, *manifest["files"], *BESIDE}):
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise BundleError(f"{folder}: holds {extra[0]!r}{more}, which is no part of a bundle. Move it elsewhere.")


def read_file(folder: Path, name: str) -> bytes:
    """Return the bytes of one file of a bundle, which is plain and of a bounded size; it is read only once.

    Raises:
        BundleError: It is missing, lies outside the folder, is no plain file, or is larger than any that we write.
    """
    with _opened(folder, name) as (file, size):
        if size > LIMITS[name]:
            raise BundleError(
                f"{folder}: {name} is larger than {LIMITS[name] // 1024**2:,} MB, which none that training writes "
                "is. Copy the bundle again."
            )
        content = file.read(size + 1)  # not to the limit: as much memory would be taken at once
    if len(content) != size:
        raise BundleError(f"{folder}: {name} changed while it was read. Load the bundle again when it is complete.")
    return content


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[tuple[BufferedReader, int]]:
    """Open one file of a bundle, which is plain and in its folder; yield it with its size.

    Raises:
        BundleError: It is missing, lies outside the folder, or is no plain file.
    """
    try:
        real = (folder / name).resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            raise BundleError(f"{folder}: {name} is a link that leaves the folder. Copy the file itself there.")
        with open(os.open(real, _FLAGS), "rb") as file:  # noqa: PTH123  # Path.open takes no flags
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{folder}: {name} is no plain file. Copy the bundle again.")
            yield file, status.st_size
    except FileNotFoundError as error:
        raise BundleError(f"{folder}: {name} is missing. Copy the bundle again.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, up to Python 3.12
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"{folder}: {name} is not readable ({reason}). Copy the bundle again.") from error
