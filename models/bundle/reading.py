"""Reads the files of a bundle and verifies them, before anything is made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bundle.files import read_file, require_closed
from models.bundle.layout import FILES, FORMAT_VERSION, SERVED, digest
from models.errors import BundleError
from models.repository import MANIFEST
from models.strict_json import from_plain, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    """The names of a manifest, with their types.

    Args:
        format_version: How the bundle is written.
        name: What the detector is called.
        version: Which of its versions this is.
        created: When it was written, ISO 8601.
        engine: A key of `models.network.engine.ENGINES`.
        network: Its kind and its configuration.
        calibration: Method, its value and the threshold that followed.
        versions: Of Python and the libraries that wrote the bundle.
        files: The SHA-256 of every other file.
        card: What the detector was trained on and how that went.
    """

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


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest.

    Raises:
        BundleError: There is no bundle, one of another format version, or one with a damaged manifest.
    """
    if not folder.exists():
        raise BundleError(
            f"{folder}: there is no such folder. Train a detector: python -m training.train DATA --output {folder}"
        )
    if not folder.is_dir():
        raise BundleError(f"{folder}: is no folder, so it is no bundle. Give the folder that training wrote.")
    if not (folder / MANIFEST).is_symlink() and not (folder / MANIFEST).exists():
        raise BundleError(f"{folder}: holds no bundle, {MANIFEST} is missing. Give the folder that training wrote.")
    manifest = read_plain(folder, MANIFEST, read_file(folder, MANIFEST))
    version = manifest.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise BundleError(
            f"{folder}: has format version {version!r}, this program reads {FORMAT_VERSION}. Train the detector anew."
        )
    try:
        from_plain(manifest, _Manifest)
    except ValueError as error:
        raise BundleError(
            f"{folder}: {MANIFEST} is not one that training wrote ({error}). Copy the bundle again, or train it anew."
        ) from error
    if set(manifest["files"]) != set(FILES):
        raise BundleError(
            f"{folder}: {MANIFEST} lists other files than a bundle has. Copy the bundle again, or train it anew."
        )
    return manifest


def read_files(folder: Path, manifest: Mapping[str, Any], names: Collection[str] = SERVED) -> dict[str, bytes]:
    """Read files of the closed list once and verify them by their digests, before anything is made of them.

    Raises:
        BundleError: A file is missing, is one too many, or is not the one that was saved.
    """
    require_closed(folder)
    contents = {}
    for name in names:
        content = read_file(folder, name)
        if digest(content) != manifest["files"][name]:
            raise BundleError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs from the manifest). "
                "Copy the bundle again, or train it anew."
            )
        contents[name] = content
    return contents


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
