"""Builds a detector from the files of a bundle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle.layout import FILES, NETWORK_ONNX
from models.bundle.probe import check_probe
from models.bundle.reading import read_files, read_manifest
from models.calibration.stored import calibration_of
from models.detector import Detector
from models.engine import ENGINES
from models.errors import BundleError, ConfigError
from models.preprocessing import Preprocessor
from models.schema import FeatureSchema
from models.scoring import Scorer


def load_detector(path: str | Path) -> Detector:
    """Load a bundle: verify every digest, build the detector, check its scores on the probe.

    Raises:
        BundleError: The bundle is missing, damaged, of another format version, or scores differently here.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    contents = read_files(folder, manifest)
    return _build(folder, manifest, contents)


def _build(folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, bytes]) -> Detector:
    plain = {name: _parse(folder, name, contents[name]) for name in FILES if name.endswith(".json")}
    try:
        engine = ENGINES[manifest["engine"]](contents[NETWORK_ONNX])
        held_out = np.load(io.BytesIO(contents["calibration.npy"]), allow_pickle=False)
        calibration = calibration_of(manifest["calibration"], held_out)
        name, version = str(manifest["name"]), str(manifest["version"])
        card = dict(manifest["card"]) | {"created": manifest["created"], "versions": manifest["versions"]}
    except (KeyError, TypeError, ValueError, AttributeError, EOFError, MemoryError, ConfigError) as error:
        raise BundleError(
            f"{folder}: the bundle is not readable ({error!r}). Copy it again, or train it anew."
        ) from error
    schema = FeatureSchema.from_json(plain["schema.json"])
    preprocessor = Preprocessor.from_json(plain["preprocessor.json"])
    if [(c.name, c.kind) for c in schema.columns] != [(e.name, e.kind) for e in preprocessor.encoders]:
        raise BundleError(f"{folder}: schema and preprocessor name other columns; its parts come from two fits.")
    if (schema.threshold_by is None) != (not calibration.rows.segments):
        raise BundleError(f"{folder}: schema and calibration rows differ in what thresholds go by. Copy it again.")
    scorer = Scorer(preprocessor=preprocessor, engine=engine)
    check_probe(folder, scorer, plain["probe.json"])
    return Detector(
        name=name,
        version=version,
        schema=schema,
        scorer=scorer,
        calibration=calibration,
        reference=plain["reference.json"],
        card=card,
    )


def _parse(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder}: {name} is not JSON ({error}). Copy the bundle again.") from error
    if not isinstance(plain, dict):
        raise BundleError(f"{folder}: {name} holds no object. Copy the bundle again.")
    return plain
