from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from samples import machine_records

from models import bundle
from models.bundle import FORMAT_VERSION, MANIFEST, PARITY, load_detector, new_bundle, read_manifest
from models.calibration import CalibrationRows
from models.errors import BundleError

FILES = bundle._FILES
OLD_BUNDLES = Path(__file__).resolve().parents[1] / "bundles"


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def held_out(**first):
    """Four calibration rows, with changes to the first."""
    array = CalibrationRows.of(np.array([1.0, 1.0, 1.0, 1.5]), is_anomaly=np.zeros(4, bool)).to_array()
    for name, value in first.items():
        array[name][0] = value
        array["label"] = array["label"] if name != "label" else value
    return array


@pytest.fixture
def copied(bundle_path, tmp_path):
    """A bundle that a test may damage."""
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def change_manifest(folder, **changes):
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    (folder / MANIFEST).write_text(json.dumps(manifest))


def forge(folder, name, content):
    """Change a file and write its digest into the manifest, as someone does who knows how."""
    (folder / name).write_bytes(content)
    files = read_manifest(folder)["files"] | {name: bundle._digest(content)}
    change_manifest(folder, files=files)


# --- load -----------------------------------------------------------------------------------------------


def test_a_bundle_scores_as_the_detector_that_was_trained(trained):
    records = machine_records(50, seed=8)
    before, after = trained.result.detector.judge_records(records), load_detector(trained.bundle).judge_records(records)
    np.testing.assert_array_equal(after.anomaly_score, before.anomaly_score)
    np.testing.assert_array_equal(after.p_value, before.p_value)
    np.testing.assert_array_equal(after.is_anomaly, before.is_anomaly)


def test_a_bundle_holds_everything_that_a_detector_is(trained):
    before, after = trained.result.detector, trained.detector
    assert after.schema == before.schema
    assert after.calibration.threshold == before.calibration.threshold
    assert (after.name, after.version) == (before.name, before.version) == ("machines", "1")
    assert after.reference == json.loads(json.dumps(before.reference))
    assert json.loads(json.dumps(before.card)).items() <= dict(after.card).items()
    for name in ("score", "label", "segment"):
        np.testing.assert_array_equal(getattr(after.calibration.rows, name), getattr(before.calibration.rows, name))


def test_a_bundle_is_a_closed_list_of_files(bundle_path):
    assert {path.name for path in bundle_path.iterdir()} == {MANIFEST, *FILES}


def test_the_manifest_records_the_format_and_all_versions(bundle_path):
    """Case 5, the part of the manifest."""
    manifest = read_manifest(bundle_path)
    assert manifest["format_version"] == FORMAT_VERSION
    assert {"python", "keras", "tensorflow", "numpy", "onnxruntime"} <= set(manifest["versions"])


def test_another_version_of_python_and_keras_does_not_matter(copied, detector):
    """Case 6: nothing in a bundle depends on Python."""
    versions = read_manifest(copied)["versions"] | {"python": "3.99.0", "keras": "99.0.0"}
    change_manifest(copied, versions=versions)
    records = machine_records(20, seed=8)
    np.testing.assert_array_equal(
        load_detector(copied).judge_records(records).anomaly_score, detector.judge_records(records).anomaly_score
    )


def test_files_that_do_not_belong_to_a_bundle_are_never_read(copied):
    (copied / "notes.json").write_text("{")
    (copied / "network.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    load_detector(copied)


def test_loading_imports_no_training_library(bundle_path, run_python):
    code = (
        f"import sys; from models.bundle import load_detector; load_detector({str(bundle_path)!r});"
        "print(sorted({'tensorflow', 'keras', 'onnx', 'sklearn', 'pandas', 'training'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


# --- judge, then build ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_one_changed_byte_is_refused_by_the_name_of_its_file_before_anything_is_parsed(
    name, place, copied, monkeypatch
):
    content = bytearray((copied / name).read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (copied / name).write_bytes(content)
    monkeypatch.setattr("models.bundle._parse", lambda *_: pytest.fail("parsed before verified"))
    monkeypatch.setattr("models.bundle._build", lambda *_: pytest.fail("built before verified"))
    monkeypatch.setattr("numpy.load", lambda *_, **__: pytest.fail("loaded before verified"))
    with pytest.raises(BundleError, match=f"{name} is not the file that was saved"):
        load_detector(copied)


def test_an_unchanged_bundle_would_have_been_parsed(copied, monkeypatch):
    monkeypatch.setattr("models.bundle._parse", lambda *_: pytest.fail("parsed"))
    with pytest.raises(pytest.fail.Exception, match="parsed"):
        load_detector(copied)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name, copied):
    (copied / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_detector(copied)


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_that_lists_a_file_less_is_refused(name, copied):
    files = read_manifest(copied)["files"]
    del files[name]
    change_manifest(copied, files=files)
    with pytest.raises(BundleError, match="lists other files than a bundle has"):
        load_detector(copied)


def test_a_manifest_that_lists_a_file_more_is_refused(copied):
    change_manifest(copied, files=read_manifest(copied)["files"] | {"../secret": "0" * 64})
    with pytest.raises(BundleError, match="lists other files than a bundle has"):
        load_detector(copied)


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, 99, "1", None, [1]])
def test_an_unknown_format_version_is_refused_by_its_number(version, copied):
    change_manifest(copied, format_version=version)
    with pytest.raises(BundleError, match="format version") as caught:
        load_detector(copied)
    assert f"has format version {version!r}, this program reads 1 and 2" in str(caught.value)


def test_a_threshold_that_was_edited_is_refused(copied):
    calibration = json.loads((copied / MANIFEST).read_text())["calibration"]
    change_manifest(copied, calibration=calibration | {"threshold": 2 * calibration["threshold"]})
    with pytest.raises(BundleError, match="is not the one of its scores"):
        load_detector(copied)


@pytest.mark.parametrize("name", ["run", "idle"])
def test_a_threshold_of_a_segment_that_was_edited_is_refused_by_its_name(name, tmp_path):
    folder = Path(shutil.copytree(OLD_BUNDLES / "v2" / "bundle", tmp_path / "bundle"))
    calibration = json.loads((folder / MANIFEST).read_text())["calibration"]
    calibration["thresholds"][name] = np.nextafter(calibration["thresholds"][name], 0)
    change_manifest(folder, calibration=calibration)
    with pytest.raises(BundleError, match=f"the threshold of '{name}' .* is not the one of its scores"):
        load_detector(folder)


def test_a_threshold_of_a_segment_that_was_left_out_is_refused(tmp_path):
    folder = Path(shutil.copytree(OLD_BUNDLES / "v2" / "bundle", tmp_path / "bundle"))
    calibration = json.loads((folder / MANIFEST).read_text())["calibration"]
    del calibration["thresholds"]["run"]
    change_manifest(folder, calibration=calibration)
    with pytest.raises(BundleError, match="the thresholds are those of other segments"):
        load_detector(folder)


def test_a_schema_that_names_no_column_for_the_segments_is_refused(tmp_path):
    folder = Path(shutil.copytree(OLD_BUNDLES / "v2" / "bundle", tmp_path / "bundle"))
    schema = json.loads((folder / "schema.json").read_text())
    del schema["threshold_by"]
    forge(folder, "schema.json", json.dumps(schema).encode())
    with pytest.raises(BundleError, match="differ in what thresholds go by"):
        load_detector(folder)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is not readable"), (b"{", "is not readable"), (b"\xff", "is not readable"), (b"[]", "format version None")],
)
def test_a_damaged_manifest_is_refused(content, complaint, copied):
    (copied / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=complaint):
        load_detector(copied)


def test_a_folder_that_is_not_there_says_how_to_train_one(tmp_path):
    with pytest.raises(BundleError, match=r"there is no such folder\. Train a detector: python -m training\.train"):
        load_detector(tmp_path / "none")


def test_a_folder_without_a_manifest_holds_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"holds no bundle, manifest\.json is missing"):
        load_detector(tmp_path)


def test_a_file_is_no_bundle(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="is not readable"):
        load_detector(tmp_path / "file")


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "pickle"},
        {"engine": ["onnx"]},
        {"calibration": {"method": "guess", "value": 0.1, "threshold": 1.0}},
        {"calibration": {"method": "fpr", "value": "much", "threshold": 1.0}},
        {"calibration": None},
        {"calibration": {"method": "fpr", "goal": "recall", "value": 0.1, "threshold": 1.0, "tail_share": 0.1}},
        {"card": 3},
    ],
    ids=lambda changes: f"{next(iter(changes))}={next(iter(changes.values()))}",
)
def test_a_manifest_that_was_edited_is_refused(changes, copied):
    change_manifest(copied, **changes)
    with pytest.raises(BundleError, match="is not readable"):
        load_detector(copied)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("schema.json", b"[]"),
        ("schema.json", b"{}"),
        ("schema.json", b"junk"),
        ("preprocessor.json", b'{"encoders": [], "limits": [[], []]}'),
        ("preprocessor.json", b"{}"),
        ("probe.json", b"{}"),
        ("probe.json", b'{"Z": [[1.0]], "anomaly_score": [1.0]}'),
        ("probe.json", b'{"Z": [["x"]], "anomaly_score": [1.0]}'),
        ("calibration.npy", b""),
        ("calibration.npy", b"junk"),
        ("calibration.npy", npy(np.array([2.0, 1.0]))),
        ("calibration.npy", npy(np.array([1.0, np.nan]))),
        ("calibration.npy", npy(np.array([[1.0]]))),
        ("calibration.npy", npy(np.array([]))),
        ("calibration.npy", npy(np.array([{"a": 1}], object), allow_pickle=True)),
        ("calibration.npy", npy(held_out(score=2.0))),
        ("calibration.npy", npy(held_out(score=np.nan))),
        ("calibration.npy", npy(held_out(label=7))),
        ("calibration.npy", npy(held_out(label=1))),
        ("calibration.npy", npy(held_out(segment=0))),
        ("calibration.npy", npy(held_out(segment=-2))),
        ("calibration.npy", npy(held_out()[:0])),
        ("calibration.npy", npy(held_out().reshape(2, 2))),
        ("calibration.npy", npy(np.zeros(4, "i4"))),
        ("network.onnx", b"junk"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_a_forged_file_with_a_right_digest_raises_only_our_error(name, content, copied):
    forge(copied, name, content)
    with pytest.raises(BundleError):
        load_detector(copied)


def test_a_network_that_scores_differently_than_the_trained_one_is_refused(copied):
    probe = json.loads((copied / "probe.json").read_text())
    probe["anomaly_score"][3] *= 1 + 3e-4
    forge(copied, "probe.json", json.dumps(probe).encode())
    with pytest.raises(BundleError, match="apart from the network that was trained"):
        load_detector(copied)


def test_the_probe_is_made_up_and_reaches_beyond_the_training_range(trained):
    probe = json.loads((trained.bundle / "probe.json").read_text())
    Z, limits = np.array(probe["Z"]), trained.prepared.preprocessor.limits
    assert len(Z) == len(probe["anomaly_score"]) == 8
    assert (limits[0] > Z).any()
    assert (limits[1] < Z).any()


def test_a_save_is_refused_where_the_exported_network_is_another_one(trained, tmp_path):
    from models import network
    from models.onnx_graph import onnx_bytes

    config = trained.result.network_config
    other = onnx_bytes(config, network.layer_weights(config, network.build_network(config, seed=99)))
    with pytest.raises(BundleError, match="Train the detector anew"), new_bundle(tmp_path / "b") as folder:
        bundle.write_bundle(
            folder,
            trained.result.detector,
            network=config,
            graph=other,
            write_network=lambda path: network.save_network(trained.result.network, path),
            reconstruct=lambda Z: network.reconstruct(trained.result.network, Z),
            versions={},
            created="2024-01-01T00:00:00",
        )
    assert list(tmp_path.iterdir()) == []


# --- saving ---------------------------------------------------------------------------------------------


def test_a_bundle_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "a" / "b" / "1"
    with new_bundle(target) as folder:
        assert not target.exists()
        assert folder.parent == target.parent
        (folder / "file").write_text("x")
    assert (target / "file").read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_nothing_behind(tmp_path):
    """Case 13: not even the parents that were made."""
    with pytest.raises(RuntimeError, match="in the middle"), new_bundle(tmp_path / "a" / "b" / "1"):
        raise RuntimeError("in the middle")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_bundle(tmp_path / "a" / "1"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there_before(copied):
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    with pytest.raises(RuntimeError, match="late"), new_bundle(copied, overwrite=True):
        raise RuntimeError("too late")
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_a_bundle_is_replaced_only_where_that_is_said(copied):
    with pytest.raises(BundleError, match=r"holds a bundle. Choose another --output, or say --overwrite"):
        new_bundle(copied).__enter__()
    with new_bundle(copied, overwrite=True) as folder:
        (folder / "file").write_text("x")
    assert sorted(path.name for path in copied.iterdir()) == ["file", MANIFEST]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_something_else_is_never_replaced(overwrite, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BundleError, match=r"is not empty and is no bundle. Choose another --output\.$"):
        new_bundle(tmp_path, overwrite=overwrite).__enter__()
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    with new_bundle(target) as folder:
        (folder / "file").write_text("x")
    assert (target / "file").exists()


def test_a_file_in_the_place_of_the_bundle_is_found_out_before_the_block_runs(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="file: is a file: choose another --output"):
        new_bundle(tmp_path / "file", overwrite=True).__enter__()
    assert (tmp_path / "file").read_text() == "x"


def test_a_parent_that_is_a_file_is_found_out_before_the_block_runs(tmp_path):
    """Case 13."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match=r"file/a/1: a bundle cannot be saved there"):
        new_bundle(tmp_path / "file" / "a" / "1").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_to_a_bundle_is_followed(copied):
    link = copied.with_name("current")
    link.symlink_to(copied)
    with new_bundle(link, overwrite=True) as folder:
        (folder / "file").write_text("x")
    assert (copied / "file").exists()
    assert link.is_symlink()


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="there is no mount point to try")
def test_a_mount_point_is_found_out_before_the_block_runs():
    with pytest.raises(BundleError, match=r"/proc: "):
        new_bundle(Path("/proc"), overwrite=True).__enter__()


# --- old formats ----------------------------------------------------------------------------------------


def test_there_is_one_committed_bundle_for_each_format_version():
    assert sorted(path.name for path in OLD_BUNDLES.iterdir() if path.is_dir()) == [
        f"v{version}" for version in range(1, FORMAT_VERSION + 1)
    ]


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_bundle_of_an_old_format_loads_and_scores_as_was_recorded(version):
    folder = OLD_BUNDLES / f"v{version}"
    recorded = json.loads((folder / "recorded.json").read_text())
    verdicts = load_detector(folder / "bundle").judge_records(recorded["records"])
    expected = np.array(recorded["anomaly_score"])
    assert (np.abs(verdicts.anomaly_score - expected) <= PARITY * np.maximum(1.0, expected)).all()
    assert verdicts.p_value.tolist() == recorded["p_value"]
    assert verdicts.is_anomaly.tolist() == recorded["is_anomaly"]
    assert len(set(recorded["is_anomaly"])) == 2
    if version >= 2:
        assert verdicts.threshold.tolist() == recorded["threshold"]
        assert len(set(recorded["threshold"])) >= 3


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_the_weights_of_an_old_bundle_give_a_network_that_reconstructs_the_same(version):
    from models import network
    from models.architecture import AutoencoderConfig

    folder = OLD_BUNDLES / f"v{version}" / "bundle"
    manifest, detector = read_manifest(folder), load_detector(folder)
    config = AutoencoderConfig.from_json(manifest["network"])
    net = network.load_network(config, folder / "network.keras", written_by=manifest["versions"]["keras"])
    Z = detector.preprocessor.limits
    by_keras, by_engine = network.reconstruct(net, Z), detector.scorer.engine.reconstruct(Z)
    assert (np.abs(by_keras - by_engine) <= PARITY * np.maximum(1.0, np.abs(by_keras))).all()


def test_a_folder_with_another_programs_manifest_is_never_replaced(tmp_path):
    (tmp_path / MANIFEST).write_text('{"name": "a browser extension"}')
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(BundleError, match="is no bundle"), new_bundle(tmp_path, overwrite=True):
        pass
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_bundle_that_holds_a_file_of_the_users_is_never_replaced(copied):
    (copied / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="is no bundle"), new_bundle(copied, overwrite=True):
        pass
