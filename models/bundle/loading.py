"""Builds a detector from the files of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.architecture import AutoencoderConfig
from models.bundle.arrays import array_in
from models.bundle.layout import FILES, NETWORK_ONNX
from models.bundle.probe import check_probe
from models.bundle.reading import read_files, read_manifest, read_plain
from models.calibration import THRESHOLD_METHODS, Calibration
from models.detector import Detector
from models.engine import ENGINES
from models.errors import BundleError, ConfigError
from models.plain import from_plain
from models.preprocessing import Preprocessor
from models.schema import FeatureSchema, Kind
from models.scoring import Scorer
from models.values import TIME_LAYOUTS


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
    plain = {name: read_plain(folder, name, contents[name]) for name in FILES if name.endswith(".json")}
    try:
        schema = FeatureSchema.from_json(plain["schema.json"])
        preprocessor = Preprocessor.from_json(plain["preprocessor.json"])
        network = AutoencoderConfig.from_json(manifest["network"])
        _require_one_fit(schema, preprocessor, network)
        if manifest["engine"] not in ENGINES:
            raise BundleError(f"the engine {manifest['engine']!r} is none of {', '.join(ENGINES)}. Train it anew.")
        engine = ENGINES[manifest["engine"]](contents[NETWORK_ONNX], network)
        calibration = _calibration(manifest["calibration"], contents["calibration.npy"])
        scorer = Scorer(preprocessor=preprocessor, engine=engine)
        check_probe(scorer, plain["probe.json"])
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error
    return Detector(
        name=manifest["name"],
        version=manifest["version"],
        schema=schema,
        scorer=scorer,
        calibration=calibration,
        reference=plain["reference.json"],
        card=manifest["card"] | {"created": manifest["created"], "versions": manifest["versions"]},
    )


def _require_one_fit(schema: FeatureSchema, preprocessor: Preprocessor, network: AutoencoderConfig) -> None:
    if [(c.name, c.kind) for c in schema.columns] != [(e.name, e.kind) for e in preprocessor.encoders]:
        raise BundleError("schema and preprocessor name other columns; its parts come from two fits. Train it anew.")
    for column in schema.columns:
        if column.kind is Kind.DATETIME and (not isinstance(column.layout, str) or column.layout not in TIME_LAYOUTS):
            raise BundleError(f"the layout {column.layout!r} of column {column.name!r} is unknown. Train it anew.")
    if network.features != len(preprocessor.features):
        raise BundleError(
            f"the network takes {network.features} features, the preprocessor gives {len(preprocessor.features)}; its "
            "parts come from two fits. Train it anew."
        )


def _calibration(plain: Mapping[str, Any], content: bytes) -> Calibration:
    """Calibrate anew on the stored scores: a threshold that was edited would contradict the p-values."""
    try:
        method, value, threshold = plain["method"], from_plain(plain["value"], float), plain["threshold"]
        if method not in THRESHOLD_METHODS:
            raise ValueError(f"the threshold method {method!r} is unknown")
        scores = array_in(content)
        if scores.dtype != np.float64 or not _are_scores(scores):
            raise ValueError("the calibration scores are not ascending finite numbers")
        calibration = Calibration.of(np.asarray(scores, np.float64), method=method, value=value)
        if calibration.threshold != threshold:
            raise ValueError(f"the threshold {threshold} is not the one of its scores")
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BundleError(f"its calibration is not readable ({why}). Copy the bundle again.") from error
    return calibration


def _are_scores(scores: Any) -> bool:
    return bool(len(scores) and np.isfinite(scores).all() and (np.diff(scores) >= 0).all())
