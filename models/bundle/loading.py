"""Builds a detector from the files of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from models.bundle.layout import FIRST_MEMBER_ONNX, NETWORK_ONNX, array_in
from models.bundle.probe import check_probe
from models.bundle.reading import read_files, read_manifest, read_plain
from models.bundle.score_parts import score_parts_from_plain
from models.bundle.shown import check_reference
from models.bundle.signature import TrustedKeys
from models.calibration import THRESHOLD_METHODS, Calibration
from models.detector import Detector
from models.encoders.categorical import CategoricalEncoding
from models.encoders.preprocessor import Preprocessor
from models.errors import BundleError, ConfigError
from models.network.architecture import AutoencoderConfig, network_from_plain
from models.network.engine import ENGINES
from models.schema import FeatureSchema
from models.schema.cells import is_missing_text
from models.scoring import Scorer
from models.scoring.ensemble import Ensemble
from models.strict_json import from_plain

_CALIBRATION: Final[dict[str, type[Any]]] = {
    "method": str,
    "value": float,
    "threshold": float,
    "target": str,
    "tail_share": float,
    "thresholds": dict[str, float],
    "segments": list[str],
    "population": str,
    "anomaly_weight": float,
    "refitted": bool,
    "left_out": int,
}
"""What a manifest says of the calibration, with its types."""

_LATER: Final = ("left_out",)
"""What a manifest says of the calibration only where there is something to say, and in newer bundles."""


def load_detector(path: str | Path, *, trusted: TrustedKeys | None = None) -> Detector:
    """Load a bundle: verify the digests of what is served, build the detector, check its scores on the probe.

    Args:
        path: The bundle.
        trusted: The keys of which one must have signed it; None where it need not be signed.

    Raises:
        BundleError: The bundle is missing, damaged, of another format version, not signed by a trusted key, or scores
            differently here.
    """
    folder = Path(path)
    manifest = read_manifest(folder, trusted=trusted)
    contents = read_files(folder, manifest)
    plain = {name: read_plain(folder, name, content) for name, content in contents.items() if name.endswith(".json")}
    try:
        schema = FeatureSchema.from_json(plain["schema.json"])
        preprocessor = Preprocessor.from_json(plain["preprocessor.json"])
        network = network_from_plain(manifest["network"])
        features = len(preprocessor.features)
        ensemble, extremes = score_parts_from_plain(plain["ensemble.json"], features=features)
        _require_one_fit(schema, preprocessor, network, ensemble)
        schema = _keeping_learned_words(schema, preprocessor)
        if manifest["engine"] not in ENGINES:
            raise BundleError(f"the engine {manifest['engine']!r} is none of {', '.join(ENGINES)}. Train it anew.")
        new_engine = ENGINES[manifest["engine"]]
        engine = new_engine(contents[NETWORK_ONNX], network)
        first_member = None
        if FIRST_MEMBER_ONNX in contents:
            first_member = new_engine(contents[FIRST_MEMBER_ONNX], network.first_member, file=FIRST_MEMBER_ONNX)
        calibration = _calibration(manifest["calibration"], contents["calibration.npy"])
        if (schema.threshold_by is None) != (not calibration.rows.segments):
            raise BundleError("schema and calibration rows differ in what thresholds go by. Copy it again.")
        scorer = Scorer(
            preprocessor=preprocessor,
            engine=engine,
            first_member=first_member,
            ensemble=ensemble,
            extremes=extremes,
        )
        check_probe(scorer, plain["probe.json"])
        check_reference(plain["reference.json"])
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


def _keeping_learned_words(schema: FeatureSchema, preprocessor: Preprocessor) -> FeatureSchema:
    """Keep words that were categories when the detector learned them, and stand for a missing value today."""
    columns = []
    for column, encoding in zip(schema.columns, preprocessor.encodings, strict=True):
        learned = (*encoding.categories, *encoding.rare) if isinstance(encoding, CategoricalEncoding) else ()
        words = [word for word in learned if is_missing_text(word) and word not in column.keep_words]
        columns.append(replace(column, keep_words=(*column.keep_words, *words)) if words else column)
    return replace(schema, columns=tuple(columns))


def _require_one_fit(
    schema: FeatureSchema, preprocessor: Preprocessor, network: AutoencoderConfig, ensemble: Ensemble | None
) -> None:
    given, members = len(preprocessor.features), 1 if ensemble is None else ensemble.members
    if [(c.name, c.kind) for c in schema.columns] != [(e.name, e.kind) for e in preprocessor.encodings]:
        problem = "schema and preprocessor name other columns"
    elif network.features != given:
        problem = f"the network takes {network.features} features, the preprocessor gives {given}"
    elif network.members != members:
        problem = f"the network has {network.members} members, the ensemble {members}"
    else:
        return
    raise BundleError(f"{problem}; its parts come from two fits. Train it anew.")


def _calibration(plain: Mapping[str, Any], content: bytes) -> Calibration:
    """Calibrate anew on the stored rows: a threshold that was edited would contradict the p-values."""
    try:
        for name, kind in _CALIBRATION.items():
            if name in plain or name not in _LATER:
                from_plain(plain[name], kind)
        if unknown := sorted(plain.keys() - _CALIBRATION.keys()):
            raise ValueError(f"{unknown[0]!r} is unknown")
        if plain["method"] not in THRESHOLD_METHODS:
            raise ValueError(f"the threshold method {plain['method']!r} is unknown")
        if plain["target"] not in THRESHOLD_METHODS[plain["method"]].targets:
            raise ValueError(f"the target {plain['target']!r} is unknown")
        return Calibration.from_json(plain, array_in(content))
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BundleError(f"its calibration is not readable ({why}). Copy the bundle again.") from error
