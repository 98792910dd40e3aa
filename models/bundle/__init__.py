"""A detector on disk: a folder of plain files. Read → verify → build; no file holds code.

    manifest.json      format version, name, version, engine, network configuration, versions, digests, card
    schema.json        the columns
    preprocessor.json  the encoders and the range of each feature
    ensemble.json      how the errors of several networks make one score, no family for a single one; and the extremes
    calibration.npy    score, label and segment of the calibration rows, ascending by score
    reference.json     per column and for the score: what the fitting rows looked like
    probe.json         a few made-up rows with the scores that the training network gives them
    network.onnx       the network that is run
    first_member.onnx  the first member of an ensemble alone, which says what is expected
    network.keras      the network for users of Keras; serving neither reads nor verifies it
    training_scores.parquet  the scores of the training rows, where training left them; no detector reads it
    manifest.json.minisig    the signature of the manifest, where somebody signed it

To raise the format version: add 1 to `FORMAT_VERSION` in `layout.py`, keep reading the formats of releases in
`loading.py`, keep a bundle (``tests/bundles/README.md``) and run ``pytest tests/models/bundle/test_kept_bundles.py``.
"""

from models.bundle.folder import new_bundle
from models.bundle.loading import load_detector
from models.bundle.probe import PARITY
from models.bundle.reading import read_manifest
from models.bundle.signature import TrustedKeys
from models.bundle.writing import write_bundle, write_recalibrated
from models.repository import MANIFEST

__all__ = [
    "MANIFEST",
    "PARITY",
    "TrustedKeys",
    "load_detector",
    "new_bundle",
    "read_manifest",
    "write_bundle",
    "write_recalibrated",
]
