"""A bundle in memory: the content of a pickled estimator, in the place of objects of Keras and ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from models.bundle import MANIFEST, load_detector, read_manifest
from models.bundle.layout import json_bytes
from models.detector import Detector
from models.errors import BundleError


def pack(folder: Path) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Raises:
        BundleError: A file cannot be read.
    """
    try:
        return {name: (folder / name).read_bytes() for name in (MANIFEST, *read_manifest(folder)["files"])}
    except OSError as error:
        raise BundleError(f"{folder}: {error.filename} cannot be read ({error.strerror}).") from error


def unpack(files: dict[str, bytes], folder: Path) -> None:
    """Write the files of a bundle into a folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


def renamed(files: dict[str, bytes], *, name: str, version: str) -> dict[str, bytes]:
    """Return the files of a bundle under another name and version, which stand in the manifest alone."""
    manifest = json.loads(files[MANIFEST]) | {"name": name, "version": version}
    return files | {MANIFEST: json_bytes(manifest)}


def detector_of(files: dict[str, bytes]) -> Detector:
    """Return the detector of a packed bundle, verified like one on disk.

    Raises:
        BundleError: The bundle is damaged, or of another format version.
    """
    with TemporaryDirectory(prefix="detector-") as folder:
        unpack(files, Path(folder))
        return load_detector(folder)
