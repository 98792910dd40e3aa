"""Bundles of every format version and release load for ever, and score as they did when they were new."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from models.bundle import FORMAT_VERSION, MANIFEST, NETWORK_KERAS, PARITY, load_detector, read_manifest
from models.bundle.layout import READABLE_VERSIONS

REPOSITORY = Path(__file__).resolve().parents[2]
KEPT = REPOSITORY / "tests" / "bundles"
NAMES = sorted(path.name for path in KEPT.iterdir() if (path / "recorded.json").exists())
SUMS = dict(reversed(line.split("  ")) for line in (KEPT / "SHA256SUMS").read_text().splitlines())


def recorded(name):
    return json.loads((KEPT / name / "recorded.json").read_text())


def test_there_is_one_for_every_format_version_that_is_read():
    assert tuple(range(1, FORMAT_VERSION + 1)) == READABLE_VERSIONS
    assert {read_manifest(KEPT / name / "bundle")["format_version"] for name in NAMES} == set(READABLE_VERSIONS)


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
def test_an_old_bundle_scores_and_judges_as_it_did_when_it_was_new(name):
    expected = recorded(name)
    verdicts = load_detector(KEPT / name / "bundle").score_records(expected["records"])
    scores = np.array(expected["anomaly_score"])
    assert (np.abs(verdicts.anomaly_score - scores) <= PARITY * np.maximum(1.0, scores)).all()
    assert verdicts.p_value.tolist() == expected["p_value"]
    assert verdicts.is_anomaly.tolist() == expected["is_anomaly"]
    assert verdicts.threshold.tolist() == expected.get("threshold", verdicts.threshold.tolist())
    assert len(set(expected["is_anomaly"])) == 2


def test_the_later_ones_have_thresholds_by_segment():
    for name in set(NAMES) - {"v1"}:
        assert len(set(recorded(name)["threshold"])) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_of_an_old_bundle_give_a_network_that_reconstructs_the_same(name):
    from models.network.architecture import AutoencoderConfig
    from training.network import keras_network as network

    folder = KEPT / name / "bundle"
    manifest, detector = read_manifest(folder), load_detector(folder)
    config = AutoencoderConfig.from_json(manifest["network"])
    content = (folder / NETWORK_KERAS).read_bytes()
    net = network.load_network(config, content, written_by=manifest["versions"]["keras"])
    Z = detector.preprocessor.limits
    by_keras, by_engine = network.reconstruct(net, Z), detector.scorer.engine.reconstruct(Z)
    assert (np.abs(by_keras - by_engine) <= PARITY * np.maximum(1.0, np.abs(by_keras))).all()
