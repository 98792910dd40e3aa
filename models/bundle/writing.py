"""Writes the files of a bundle, and proves that they give the same detector."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle.layout import (
    BESIDE,
    FILES,
    FIRST_MEMBER_ONNX,
    FORMAT_VERSION,
    NETWORK_KERAS,
    NETWORK_ONNX,
    array_bytes,
    digest,
    json_bytes,
)
from models.bundle.loading import load_detector
from models.bundle.probe import probe_of
from models.bundle.reading import read_files, read_manifest, read_plain
from models.bundle.score_parts import score_parts_to_plain
from models.detector import Detector
from models.encoders import features_from_plain
from models.encoders.preprocessor import Encoded
from models.errors import BundleError
from models.network.architecture import NETWORKS, AutoencoderConfig, kind_of, network_to_plain
from models.network.engine import Engine
from models.repository import MANIFEST


def write_bundle(
    folder: Path,
    detector: Detector,
    *,
    network: AutoencoderConfig,
    graph: bytes,
    first_member: bytes | None = None,
    write_network: Callable[[Path], None],
    trained: Engine,
    versions: Mapping[str, str],
    created: str,
) -> Detector:
    """Write a bundle into a folder from `new_bundle`, and return the detector as it was loaded from there.

    It is loaded as the service does, and has to score as the `trained` network. `graph` is the exported network,
    `first_member` that of an ensemble's first member, `write_network` writes the ``.keras`` file, `created` is in
    ISO 8601. Files of `layout.BESIDE` are in the folder already, where there are some.

    Raises:
        BundleError: The loaded detector scores differently than the training network.
    """
    files = {
        "schema.json": json_bytes(detector.schema.to_json()),
        "preprocessor.json": json_bytes(detector.preprocessor.to_json()),
        "ensemble.json": json_bytes(score_parts_to_plain(detector.scorer)),
        "calibration.npy": array_bytes(detector.calibration.rows.to_array()),
        "reference.json": json_bytes(detector.reference),
        "probe.json": json_bytes(probe_of(detector.scorer, trained)),
        NETWORK_ONNX: graph,
    }
    if first_member is not None:
        files[FIRST_MEMBER_ONNX] = first_member
    write_network(folder / NETWORK_KERAS)
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": detector.name,
        "engine": NETWORKS[kind_of(network)].engine,
        "network": network_to_plain(network),
        "versions": dict(versions),
    }
    return _finish(folder, files, manifest, detector, created)


def write_recalibrated(folder: Path, source: Path, detector: Detector, *, created: str) -> Detector:
    """Write a bundle with the network and the encoders of another one, byte for byte, and return it as it was loaded.

    `source` is the other bundle, `detector` its detector with another calibration, version and card.

    Raises:
        BundleError: The other bundle is damaged, or the new one scores differently.
    """
    manifest = read_manifest(source)
    contents = read_files(source, manifest, FILES) | {
        "schema.json": json_bytes(detector.schema.to_json()),
        "ensemble.json": json_bytes(score_parts_to_plain(detector.scorer)),
        "calibration.npy": array_bytes(detector.calibration.rows.to_array()),
        "reference.json": json_bytes(detector.reference),
    }
    loaded = _finish(folder, contents, manifest, detector, created)
    Z = Encoded(Z=features_from_plain(read_plain(folder, "probe.json", contents["probe.json"])["Z"]))
    if not np.array_equal(loaded.scorer.score(Z).anomaly_score, detector.scorer.score(Z).anomaly_score):
        raise BundleError(f"{folder}: the new version scores differently than {source}; it was not kept.")
    return loaded


def _finish(
    folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any], detector: Detector, created: str
) -> Detector:
    """Write files and manifest, and load the bundle as the service does."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    changes = {
        "version": detector.version,
        "created": created,
        "calibration": detector.calibration.to_json(),
        "files": {name: digest((folder / name).read_bytes()) for name in (*files, NETWORK_KERAS)},
        "card": dict(detector.card),
        "beside": {name: _file_digest(folder / name) for name in BESIDE if (folder / name).exists()},
    }
    (folder / MANIFEST).write_bytes(json_bytes({**manifest, **changes}))
    return load_detector(folder)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
