"""The kept bundles load, and score as they did when they were made: formats do not change unnoticed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from models.bundle import MANIFEST, PARITY, load_detector, read_manifest
from models.bundle.layout import FORMAT_VERSION, NETWORK_KERAS

REPOSITORY = Path(__file__).resolve().parents[3]
KEPT = REPOSITORY / "tests" / "bundles"
NAMES = sorted(path.name for path in KEPT.iterdir() if (path / "recorded.json").exists())
SUMS = dict(reversed(line.split("  ")) for line in (KEPT / "SHA256SUMS").read_text().splitlines())


def recorded(name):
    return json.loads((KEPT / name / "recorded.json").read_text())


def test_there_is_one_of_the_format_that_is_written():
    assert FORMAT_VERSION in {read_manifest(KEPT / name / "bundle")["format_version"] for name in NAMES}


def test_there_is_one_for_every_release():
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert set(releases) <= set(NAMES), "run tests/bundles/keep.py before a release"


def test_none_was_changed_or_removed():
    """The manifest holds the digests of the other files, and loading compares them."""
    assert {name.split("/")[0] for name in SUMS} == set(NAMES)
    for name, digest in SUMS.items():
        assert hashlib.sha256((KEPT / name).read_bytes()).hexdigest() == digest, f"{name} is never made anew"
    for name in NAMES:
        assert {f"{name}/bundle/{MANIFEST}", f"{name}/recorded.json"} <= SUMS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_bundle_scores_and_decides_as_it_did_when_it_was_new(name):
    expected = recorded(name)
    verdicts = load_detector(KEPT / name / "bundle").score_records(expected["records"])
    scores = np.array(expected["anomaly_score"])
    assert (np.abs(verdicts.anomaly_score - scores) <= PARITY * np.maximum(1.0, scores)).all()
    assert verdicts.p_value.tolist() == expected["p_value"]
    assert verdicts.is_anomaly.tolist() == expected["is_anomaly"]
    assert verdicts.threshold.tolist() == expected["threshold"]
    assert len(set(expected["is_anomaly"])) == 2
    assert len(set(expected["threshold"])) >= 3  # thresholds by segment


@pytest.mark.parametrize("name", NAMES)
def test_stock_keras_opens_the_network_of_a_kept_bundle_and_reconstructs_the_same(name):
    import keras

    folder = KEPT / name / "bundle"
    detector = load_detector(folder)
    network = keras.saving.load_model(folder / NETWORK_KERAS, compile=False)
    Z = detector.preprocessor.limits
    by_keras = np.moveaxis(np.asarray(network(Z, training=False)), 1, 0)
    by_engine = detector.scorer.engine.reconstruct(Z)
    assert (np.abs(by_keras - by_engine) <= PARITY * np.maximum(1.0, np.abs(by_keras))).all()
