"""Reads the files of a bundle and judges them, before anything is made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bundle.layout import FILES, MANIFEST, READABLE_VERSIONS, digest
from models.errors import BundleError


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest.

    Raises:
        BundleError: There is no bundle, or one of another format version.
    """
    if not folder.exists():
        raise BundleError(
            f"{folder}: there is no such folder. Train a detector: python -m training.train DATA --output {folder}"
        )
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(
            f"{folder}: holds no bundle, {MANIFEST} is missing. Give the folder that training wrote."
        ) from error
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{folder / MANIFEST}: is not readable ({error}). Copy the bundle again, or train it anew."
        ) from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version not in READABLE_VERSIONS or isinstance(version, bool):
        raise BundleError(
            f"{folder}: has format version {version!r}, this program reads "
            f"{' and '.join(map(str, READABLE_VERSIONS))}. Use the program that wrote it, or train the detector anew."
        )
    if not isinstance(manifest.get("files"), dict) or set(manifest["files"]) != set(FILES):
        raise BundleError(f"{folder / MANIFEST}: lists other files than a bundle has. Copy the bundle again.")
    return manifest


def read_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Read every file of the closed list and judge it by its digest, before anything is made of it."""
    contents = {}
    for name in FILES:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder}: {name} is missing ({error.strerror}). Copy the bundle again.") from error
        if digest(content) != manifest["files"][name]:
            raise BundleError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs from the manifest). "
                "Copy the bundle again, or train it anew."
            )
        contents[name] = content
    return contents
