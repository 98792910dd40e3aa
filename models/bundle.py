"""A detector on disk: a folder of plain files. Read → judge → build; no file holds code.

    manifest.json      format version, name, version, engine, network configuration, versions, digests, card
    schema.json        the columns
    preprocessor.json  the encoders and the range of each feature
    calibration.npy    score, label and segment of the calibration rows, ascending by score
    reference.json     per column and for the score: what the fitting rows looked like
    probe.json         a few made-up rows of `Z` with their scores as the training network gives them
    network.onnx       what is run
    network.keras      what can be trained on; only its weights are ever read

To raise the format version: add 1 to `FORMAT_VERSION`, keep reading the old one in `_build`, commit a small
bundle of the old version to ``tests/bundles`` and run ``pytest tests/models/test_bundle.py``.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import AutoencoderConfig
from models.calibration.stored import calibration_json, calibration_of
from models.detector import Detector
from models.engine import ENGINES
from models.errors import BundleError, ConfigError
from models.preprocessing import Encoded, Preprocessor
from models.schema import FeatureSchema
from models.scoring import Scorer

FORMAT_VERSION: Final = 2
READABLE_VERSIONS: Final = (1, 2)
"""Format 1 has the calibration rows' scores alone, and no thresholds by segment."""

MANIFEST: Final = "manifest.json"
NETWORK_KERAS: Final = "network.keras"
NETWORK_ONNX: Final = "network.onnx"
PARITY: Final = 1e-5
"""How far, relative to max(1, score), two ways to compute the same score may lie apart."""

_FILES: Final = (
    "schema.json",
    "preprocessor.json",
    "calibration.npy",
    "reference.json",
    "probe.json",
    NETWORK_ONNX,
    NETWORK_KERAS,
)
_PROBE_ROWS: Final = 8


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


def write_bundle(
    folder: Path,
    detector: Detector,
    *,
    network: AutoencoderConfig,
    graph: bytes,
    write_network: Callable[[Path], None],
    reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    versions: Mapping[str, str],
    created: str,
) -> Detector:
    """Write the files of a bundle, load them as the service does and compare the scores.

    Args:
        folder: From `new_bundle`.
        detector: What is saved.
        network: What the network looks like.
        graph: The exported network.
        write_network: Writes the ``.keras`` file.
        reconstruct: The training network itself.
        versions: Of Python and the libraries.
        created: Instant, ISO 8601.

    Returns:
        The detector as it was loaded from the folder.

    Raises:
        BundleError: The loaded detector scores differently than the training network.
    """
    files = {
        "schema.json": _json_bytes(detector.schema.to_json()),
        "preprocessor.json": _json_bytes(detector.preprocessor.to_json()),
        "calibration.npy": _npy_bytes(detector.calibration.rows.to_array()),
        "reference.json": _json_bytes(detector.reference),
        "probe.json": _json_bytes(_probe(detector.preprocessor, reconstruct)),
        NETWORK_ONNX: graph,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_network(folder / NETWORK_KERAS)
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": detector.name,
        "version": detector.version,
        "created": created,
        "engine": "onnx",
        "network": network.to_json(),
        "calibration": calibration_json(detector.calibration),
        "versions": dict(versions),
        "files": {name: _digest((folder / name).read_bytes()) for name in _FILES},
        "card": dict(detector.card),
    }
    (folder / MANIFEST).write_bytes(_json_bytes(manifest))
    return load_detector(folder)


def write_recalibrated(folder: Path, source: Path, detector: Detector, *, created: str) -> Detector:
    """Write a bundle with the network and the encoders of another one, byte for byte, and load it.

    Args:
        folder: From `new_bundle`.
        source: The other bundle.
        detector: That of the other bundle, with another calibration, version and card.
        created: Instant, ISO 8601.

    Returns:
        The detector as it was loaded from the folder.

    Raises:
        BundleError: The other bundle is damaged, or the new one scores differently.
    """
    manifest = read_manifest(source)
    contents = _verified(source, manifest) | {
        "schema.json": _json_bytes(detector.schema.to_json()),
        "calibration.npy": _npy_bytes(detector.calibration.rows.to_array()),
        "reference.json": _json_bytes(detector.reference),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    changes = {
        "format_version": FORMAT_VERSION,
        "version": detector.version,
        "created": created,
        "calibration": calibration_json(detector.calibration),
        "files": {name: _digest((folder / name).read_bytes()) for name in _FILES},
        "card": dict(detector.card),
    }
    (folder / MANIFEST).write_bytes(_json_bytes(manifest | changes))
    loaded = load_detector(folder)
    Z = Encoded(Z=np.array(json.loads(contents["probe.json"])["Z"], np.float32))
    if not np.array_equal(loaded.scorer.score(Z).anomaly_score, detector.scorer.score(Z).anomaly_score):
        raise BundleError(f"{folder}: the new version scores differently than {source}; it was not kept.")
    return loaded


def load_detector(path: str | Path) -> Detector:
    """Load a bundle: verify every digest, build the detector, check its scores on the probe.

    Raises:
        BundleError: The bundle is missing, damaged, of another format version, or scores differently here.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    contents = _verified(folder, manifest)
    return _build(folder, manifest, contents)


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
            f"{' and '.join(map(str, READABLE_VERSIONS))}. Use the program that "
            "wrote it, or train the detector anew."
        )
    if not isinstance(manifest.get("files"), dict) or set(manifest["files"]) != set(_FILES):
        raise BundleError(f"{folder / MANIFEST}: lists other files than a bundle has. Copy the bundle again.")
    return manifest


def _verified(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Read every file of the closed list and judge it by its digest, before anything is made of it."""
    contents = {}
    for name in _FILES:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder}: {name} is missing ({error.strerror}). Copy the bundle again.") from error
        if _digest(content) != manifest["files"][name]:
            raise BundleError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs from the manifest). "
                "Copy the bundle again, or train it anew."
            )
        contents[name] = content
    return contents


def _build(folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, bytes]) -> Detector:
    plain = {name: _parse(folder, name, contents[name]) for name in _FILES if name.endswith(".json")}
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
    _check_probe(folder, scorer, plain["probe.json"])
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


class _Reconstructor:
    """The training network in the engine's place."""

    def __init__(self, reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._reconstruct = reconstruct

    def reconstruct(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        return self._reconstruct(Z)

    def embed(self, Z: NDArray[np.float32], /) -> NDArray[np.float32]:
        raise AssertionError("only scores are compared")


def _probe(
    preprocessor: Preprocessor, reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> dict[str, Any]:
    """Make rows of `Z` up (no record of the user's is kept) and score them with the training network."""
    low, high = preprocessor.limits.astype(np.float64)
    share = np.random.default_rng(0).uniform(-0.1, 1.1, (_PROBE_ROWS, len(low)))  # a little beyond the range, too
    Z = (low + share * (high - low)).astype(np.float32)
    scorer = Scorer(preprocessor=preprocessor, engine=_Reconstructor(reconstruct))
    return {"Z": Z.astype(float).tolist(), "anomaly_score": scorer.score(Encoded(Z=Z)).anomaly_score.tolist()}


def _check_probe(folder: Path, scorer: Scorer, probe: Mapping[str, Any]) -> None:
    try:
        Z = np.array(probe["Z"], np.float32)
        expected = np.array(probe["anomaly_score"], np.float64)
        scores = scorer.score(Encoded(Z=Z)).anomaly_score
    except Exception as error:  # whatever the engine raises for an input of another shape
        raise BundleError(f"{folder}: the probe cannot be scored ({error}); its parts come from two fits.") from error
    apart = np.abs(scores - expected) / np.maximum(1.0, np.abs(expected))
    if not (apart <= PARITY).all():
        raise BundleError(
            f"{folder}: network.onnx scores the probe up to {apart.max():.1e} apart from the network that was trained; "
            f"at most {PARITY:.0e} is right. Train the detector anew, or report this."
        )


def _json_bytes(plain: object) -> bytes:
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _npy_bytes(array: NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_bundle(folder: Path) -> bool:
    """Say whether a folder holds a bundle and nothing else, so that nothing else can be lost with it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    ours = isinstance(manifest, dict) and {"format_version", "files"} <= manifest.keys()
    return ours and {entry.name for entry in folder.iterdir()} <= {MANIFEST, *_FILES}


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
