from __future__ import annotations

import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from forging import change_manifest, forge, forge_json, make_bundle
from samples import FakeEngine, machine_records, sample_preprocessor, sample_record

from models import bundle
from models.bundle import MANIFEST, load_detector, new_bundle, read_manifest, write_recalibrated
from models.bundle.layout import FORMAT_VERSION, NETWORK_KERAS, SERVED, array_bytes, array_in, json_bytes
from models.bundle.probe import probe_of
from models.calibration import Calibration, CalibrationRows
from models.encoders import CategoricalEncoding
from models.encoders.preprocessor import Encoded, Preprocessor
from models.errors import BundleError
from models.scoring import Scorer

FILES = bundle.layout.FILES
REQUIRED = bundle.layout.REQUIRED
PARSERS = ("models.bundle.loading.read_plain", "models.bundle.loading.array_in")
KEPT = Path(__file__).resolve().parents[2] / "bundles"


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


# --- load -----------------------------------------------------------------------------------------------


def test_a_bundle_scores_as_the_detector_that_was_trained(trained):
    records = machine_records(50, seed=8)
    before, after = trained.result.detector.score_records(records), load_detector(trained.bundle).score_records(records)
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


def test_another_version_of_python_and_keras_does_not_matter(copied, made):
    """Case 6: nothing in a bundle depends on Python."""
    versions = read_manifest(copied)["versions"] | {"python": "3.99.0", "keras": "99.0.0"}
    change_manifest(copied, versions=versions)
    records = [sample_record(), sample_record(number=70.0)]
    np.testing.assert_array_equal(
        load_detector(copied).score_records(records).anomaly_score,
        load_detector(made).score_records(records).anomaly_score,
    )


def test_loading_imports_no_training_library(bundle_path, run_python):
    code = (
        f"import sys; from models.bundle import load_detector; load_detector({str(bundle_path)!r});"
        "print(sorted({'tensorflow', 'keras', 'onnx', 'sklearn', 'pandas', 'training'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


# --- verify, then build ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVED)
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_one_changed_byte_is_refused_by_the_name_of_its_file_before_anything_is_parsed(
    name, share, copied, monkeypatch
):
    content = bytearray((copied / name).read_bytes())
    content[int(share * (len(content) - 1))] ^= 1
    (copied / name).write_bytes(content)
    for parser in PARSERS:
        monkeypatch.setattr(parser, lambda *_: pytest.fail("parsed before verified"))
    with pytest.raises(BundleError, match=f"{name} is not the file that was saved"):
        load_detector(copied)


def test_the_file_for_keras_is_neither_read_nor_needed_to_load_a_detector(copied, monkeypatch):
    (copied / NETWORK_KERAS).write_bytes(b"another file")
    load_detector(copied)
    (copied / NETWORK_KERAS).unlink()
    load_detector(copied)


@pytest.mark.parametrize("parser", PARSERS)
def test_an_unchanged_bundle_would_have_been_parsed(parser, copied, monkeypatch):
    monkeypatch.setattr(parser, lambda *_: pytest.fail("parsed"))
    with pytest.raises(pytest.fail.Exception, match="parsed"):
        load_detector(copied)


@pytest.mark.parametrize("name", SERVED)
def test_a_missing_file_is_named(name, copied):
    (copied / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_detector(copied)


@pytest.mark.parametrize("name", REQUIRED)
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
    assert f"has format version {version!r}, this program reads 1. Train the detector anew." in str(caught.value)


def test_a_threshold_that_was_edited_is_refused(copied):
    calibration = json.loads((copied / MANIFEST).read_text())["calibration"]
    change_manifest(copied, calibration=calibration | {"threshold": 2 * calibration["threshold"]})
    with pytest.raises(BundleError, match="is not the one of its scores"):
        load_detector(copied)


@pytest.mark.parametrize("name", ["run", "idle"])
def test_a_threshold_of_a_segment_that_was_edited_is_refused_by_its_name(name, tmp_path):
    folder = Path(shutil.copytree(KEPT / "0.1.0" / "bundle", tmp_path / "bundle"))
    calibration = json.loads((folder / MANIFEST).read_text())["calibration"]
    calibration["thresholds"][name] = np.nextafter(calibration["thresholds"][name], 0)
    change_manifest(folder, calibration=calibration)
    with pytest.raises(BundleError, match=f"the threshold of '{name}' .* is not the one of its scores"):
        load_detector(folder)


def test_a_threshold_of_a_segment_that_was_left_out_is_refused(tmp_path):
    folder = Path(shutil.copytree(KEPT / "0.1.0" / "bundle", tmp_path / "bundle"))
    calibration = json.loads((folder / MANIFEST).read_text())["calibration"]
    del calibration["thresholds"]["run"]
    change_manifest(folder, calibration=calibration)
    with pytest.raises(BundleError, match="the thresholds are those of other segments"):
        load_detector(folder)


def test_a_schema_that_names_no_column_for_the_segments_is_refused(tmp_path):
    folder = Path(shutil.copytree(KEPT / "0.1.0" / "bundle", tmp_path / "bundle"))
    schema = json.loads((folder / "schema.json").read_text())
    del schema["threshold_by"]
    forge(folder, "schema.json", json.dumps(schema).encode())
    with pytest.raises(BundleError, match="differ in what thresholds go by"):
        load_detector(folder)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not readable"),
        (b"{", "is not readable"),
        (b"\xff", "is not readable"),
        (b"[]", "holds no object"),
        (b"{}", "format version None"),
    ],
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
    with pytest.raises(BundleError, match=r"file: is no folder, so it is no bundle"):
        load_detector(tmp_path / "file")


CALIBRATION = (
    *("method", "value", "threshold", "target", "tail_share"),
    *("thresholds", "segments", "population", "anomaly_weight", "refitted"),
)
DENSE = {"kind": "dense"}
MANIFEST_FORGERIES = [
    ({"engine": "pickle"}, "the engine 'pickle' is none of onnx"),
    ({"engine": ["onnx"]}, r"Expected `str`, got `array` - at `\$.engine`"),
    ({"name": None}, r"Expected `str`, got `null` - at `\$.name`"),
    ({"version": 1}, r"Expected `str`, got `int` - at `\$.version`"),
    ({"created": 0}, r"at `\$.created`"),
    ({"versions": {"python": 3.11}}, r"at `\$.versions"),
    ({"files": []}, r"at `\$.files`"),
    ({"files": {"schema.json": 1}}, r"at `\$.files"),
    ({"format_version": True}, "format version True"),
    ({"run": "rm -rf /"}, "'run' is unknown"),
    ({"calibration": {"method": "guess"}}, "threshold method 'guess' is unknown"),
    ({"calibration": {"method": ["fpr"]}}, "Expected `str`, got `array`"),
    ({"calibration": {"target": "recall"}}, "the target 'recall' is unknown"),
    ({"calibration": {"value": "much"}}, "Expected `float`, got `str`"),
    ({"calibration": {"value": 7}}, r"alert_rate must be in \(0, 1\)"),
    ({"calibration": {"value": True}}, "Expected `float`, got `bool`"),
    ({"calibration": {"threshold": "high"}}, "Expected `float`, got `str`"),
    ({"calibration": {"thresholds": []}}, "Expected `object`, got `array`"),
    ({"calibration": {"thresholds": {"run": 1.0}}}, "thresholds are those of other segments"),
    ({"calibration": {"segments": "run"}}, "Expected `array`, got `str`"),
    ({"calibration": {"population": "luck"}}, "other labels than normal"),
    ({"calibration": {"anomaly_weight": 0}}, "none that a p-value could rest on"),
    ({"calibration": {"left_out": -1}}, "fewer calibration rows than none are left out"),
    ({"calibration": {"left_out": "1"}}, "Expected `int`, got `str`"),
    ({"calibration": {"run": 1}}, "'run' is unknown"),
    *(({"calibration": {name: ...}}, f"'{name}' is missing") for name in CALIBRATION),
    ({"calibration": None}, r"Expected `object`, got `null` - at `\$.calibration`"),
    ({"name": "a\nINFO: all is well"}, r"its name holds '\\n', which cannot be printed"),
    ({"name": "a\r"}, r"its name holds '\\r'"),
    ({"name": ""}, "its name is empty"),
    ({"name": "x" * 200_000}, "its name has 200,000 characters, 255 are allowed"),
    ({"version": "\x1b[2J"}, r"its version holds '\\x1b'"),
    ({"created": "\u202e"}, r"its created holds '\\u202e'"),
    ({"card": {"settings": [1]}}, r"Expected `object \| null`, got `array` - at `\$.settings`"),
    ({"card": {"settings": {"activation": 1}}}, r"at `\$.settings.activation`"),
    ({"card": {"warnings": "no"}}, r"at `\$.warnings`"),
    ({"card": {"threshold": {"warnings": [1]}}}, r"at `\$.threshold.warnings"),
    ({"card": {"metrics": []}}, r"at `\$.metrics`"),
    ({"card": 3}, r"Expected `object`, got `int` - at `\$.card`"),
    ({"network": {}}, "the network's kind None is none of dense"),
    ({"network": DENSE}, "features"),
    (
        {"network": DENSE | {"features": 13, "hidden_units": "6", "latent_units": 2}},
        "Expected `array`, got `str`",
    ),
    ({"network": DENSE | {"features": 1e300, "hidden_units": [6], "latent_units": 2}}, "Expected `int`"),
    (
        {"network": DENSE | {"features": 13, "hidden_units": [6], "latent_units": 2, "layer": "Lambda"}},
        "'layer' is unknown",
    ),
    (
        {"network": DENSE | {"features": 12, "hidden_units": [6], "latent_units": 2}},
        "takes 12 features, the preprocessor gives",
    ),
]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    MANIFEST_FORGERIES,
    ids=[f"{next(iter(changes))} {n}" for n, (changes, _) in enumerate(MANIFEST_FORGERIES)],
)
def test_a_manifest_that_was_edited_is_refused_by_what_was_edited(changes, complaint, copied):
    if changes.get("calibration"):  # a part of it; ... leaves a name out
        whole = json.loads((copied / MANIFEST).read_text())["calibration"] | changes["calibration"]
        changes = {"calibration": {name: value for name, value in whole.items() if value is not ...}}
    change_manifest(copied, **changes)
    with pytest.raises(BundleError, match=complaint) as caught:
        load_detector(copied)
    assert str(caught.value).startswith(f"{copied}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [MANIFEST, *(name for name in FILES if name.endswith(".json"))])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"junk", "Expecting value", id="junk"),
        pytest.param(b"[]", "it holds no object", id="a list"),
        pytest.param(b'{"a": "\xff"}', r"it is not UTF-8 \(invalid start byte at 7\)", id="no UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), "it is not UTF-8", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", "BOM", id="a mark"),
        pytest.param(b'{"a": 1, "a": 2}', "it holds 'a' twice", id="a name twice"),
        pytest.param(b'{"a": NaN}', "it holds NaN, which is no number in JSON", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "it holds -Infinity", id="infinity"),
        pytest.param(b'{"a": 1e999}', "it holds 1e999, which is too large", id="too large"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "a number of 5,000 digits", id="too long"),
        pytest.param(b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "it is nested too deeply", id="too deep"),
        pytest.param(rb'{"a": "\ud800"}', "it is not UTF-8", id="half a character"),
        pytest.param(b'{"a": 1} {}', "Extra data", id="two texts"),
    ],
)
def test_what_is_no_strict_json_is_refused_by_the_name_of_its_file(name, content, complaint, copied):
    if name == MANIFEST:
        (copied / name).write_bytes(content)
    else:
        forge(copied, name, content)
    with pytest.raises(BundleError, match=f"{name} is not readable: .*{complaint}"):
        load_detector(copied)


def edited_encoder(number, **changes):
    """Change an encoder of the sample: 0 number, 1 amount, 2 flag, 3 mode, 4 at."""

    def edit(folder):
        plain = json.loads((folder / "preprocessor.json").read_text())
        plain["encodings"][number] |= changes
        forge_json(folder, "preprocessor.json", **plain)

    return edit


def edited_schema(**changes):
    """Change the last column of the sample's schema, a timestamp."""

    def edit(folder):
        plain = json.loads((folder / "schema.json").read_text())
        plain["columns"][-1] |= changes
        forge_json(folder, "schema.json", **plain)

    return edit


def edited(name, **changes):
    return lambda folder: forge_json(folder, name, **changes)


def replaced(name, content):
    return lambda folder: forge(folder, name, content)


def records(**changes):
    return edited(
        "probe.json", records={"number": [1], "amount": [1], "flag": [1], "mode": ["run"], "at": [1]} | changes
    )


def turned_limits(folder):
    forge_json(
        folder, "preprocessor.json", limits=json.loads((folder / "preprocessor.json").read_text())["limits"][::-1]
    )


SAMPLE_NAMES = ("number", "amount", "flag", "mode", "at")
SCORES = npy(np.linspace(0.1, 2.0, 199))
NO_LEVEL = {"categories": [], "shares": [], "rare": [], "rare_share": 0, "missing_share": 0}
ONE_COLUMN = {"name": "number", "kind": "numeric"}
FORGERIES = {
    "schema of another version": (
        edited("schema.json", schema_version=2),
        "schema has version 2, this program reads 1",
    ),
    "schema of no version": (edited("schema.json", schema_version=None), "has version None"),
    "schema with a part more": (edited("schema.json", run="x"), "'run' is unknown"),
    "ids that are a text": (edited("schema.json", ids="abc"), "Expected `array`, got `str`"),
    "a label that is a number": (edited("schema.json", label=3), "Expected `str | null`, got `int`"),
    "a header of numbers": (edited("schema.json", header=[1]), "Expected `str`, got `int`"),
    "columns without names": (edited("schema.json", columns=[{"kind": "numeric"}]), "`name`"),
    "columns of numbers": (edited("schema.json", columns=[1]), "Expected `object`, got `int`"),
    "no columns": (edited("schema.json", columns=[]), "there is no column"),
    "a layout of the moon": (edited_schema(layout="moon"), "layout of a datetime column must be one of"),
    "a layout that is none": (edited_schema(layout={}), "layout`"),
    "two columns of one name": (edited("schema.json", columns=[ONE_COLUMN] * 2), "or two have one name"),
    "other columns": (edited("schema.json", columns=[ONE_COLUMN]), "schema and preprocessor name other columns"),
    "a text for a mean": (edited_encoder(0, center="50"), "Expected `float`, got `str`"),
    "a truth value for a mean": (edited_encoder(0, center=True), "Expected `float`, got `bool`"),
    "no mean": (edited_encoder(0, center=None), "Expected `float`, got `null`"),
    "a deviation of 0": (edited_encoder(0, scale=0.0), "scale of column 'number' must be above 0, got 0"),
    "a negative unit": (edited_encoder(1, unit=-1.0), "unit of column 'amount' must be"),
    "a share above 1": (edited_encoder(2, share=1.5), r"share of column 'flag' must be in \[0, 1\]"),
    "all missing": (edited_encoder(2, missing_share=1), r"missing_share of column 'flag' must be in \[0, 1\)"),
    "a negative novelty_penalty": (edited_encoder(0, novelty_penalty=-1.0), "novelty_penalty of column 'number'"),
    "a category twice": (edited_encoder(3, categories=["run", "run"]), "categories of column 'mode' must be distinct"),
    "a category that is rare, too": (edited_encoder(3, rare=["run"]), "categories of column 'mode' must be distinct"),
    "a rare category twice": (
        edited_encoder(3, rare=["flush", "flush"]),
        "categories of column 'mode' must be distinct",
    ),
    "a share less": (edited_encoder(3, shares=[0.5]), "one share for each of its 2 categories"),
    "a share of 0": (edited_encoder(3, shares=[0.5, 0]), "shares of column 'mode'"),
    "no bucket": (edited_encoder(3, rare_share=0), "its rare_share must be above 0"),
    "no category": (edited_encoder(3, **NO_LEVEL), "column 'mode' has no name or no feature"),
    "a cycle of the moon": (
        edited_encoder(4, cycles=["moon"]),
        "cycles of column 'at' must be one of day, week, year",
    ),
    "a day of five hours": (edited_encoder(4, hours=[0.0] * 5), "hours of column 'at' must be 24 penalties, or none"),
    "an hour that lowers the score": (edited_encoder(4, hours=[-1.0] * 24), "hours of column 'at'"),
    "a week of two days": (edited_encoder(4, weekdays=[1.0, 2.0]), "weekdays of column 'at' must be 7 penalties"),
    "an encoder with a part more": (edited_encoder(0, code="import os"), "'code' is unknown"),
    "an encoder of another kind": (edited_encoder(0, kind="colour"), "colour"),
    "an encoding without a kind": (edited("preprocessor.json", encodings=[{"name": "x"}]), "'kind'"),
    "no encoding": (replaced("preprocessor.json", b'{"encodings": [], "limits": [[], []]}'), "there is no encoding"),
    "no limits": (edited("preprocessor.json", limits=[]), "limits of shape"),
    "limits that are too large": (edited("preprocessor.json", limits=[[1e300] * 12] * 2), "further than 1e.15"),
    "limits upside down": (turned_limits, "a limit is above its other end"),
    "a probe that is too large": (edited("probe.json", Z=[[-1e300]]), "further than 1e.15 deviations away"),
    "limits of texts": (edited("preprocessor.json", limits=[["0"] * 12] * 2), "Expected `float`, got `str`"),
    "no probe": (replaced("probe.json", b"{}"), r"probe.json is not readable \(KeyError\('Z'\)\)"),
    "a probe without rows": (edited("probe.json", Z=[], anomaly_score=[]), r"it is of shape \(0,\)"),
    "a narrow probe": (edited("probe.json", Z=[[1.0]], anomaly_score=[1.0]), r"it is of shape \(1, 1\)"),
    "a ragged probe": (edited("probe.json", Z=[[1.0], []]), "inhomogeneous"),
    "a probe of texts": (edited("probe.json", Z=[["1"]]), "Expected `float`, got `str`"),
    "a probe with too few scores": (edited("probe.json", anomaly_score=[1.0]), "1 scores for 8 rows"),
    "a probe without records": (edited("probe.json", records={}), "KeyError"),
    "a probe of ragged records": (records(at=[1, 2]), "not of one length"),
    "a probe of no records": (records(number=[], amount=[], flag=[], mode=[], at=[]), "not of one length"),
    "a probe of a text for a number": (records(number=["1"]), r"Expected `float \| null`, got `str`"),
    "a probe of a number for a category": (records(mode=[1]), r"Expected `str \| null`, got `"),
    "a reference of numbers": (edited("reference.json", columns=1), "reference.json is not readable .*got `int`"),
    "a reference with a part more": (edited("reference.json", columns={"number": {"run": 1}}), "unknown field `run`"),
    "a column's summary that is none": (edited("reference.json", columns={"number": []}), "Expected `object`"),
    "quantiles without a middle": (
        edited("reference.json", columns={"number": {"quantiles": {"0": 1, "1": 2}}}),
        "missing required field `0.05`",
    ),
    "counts of texts": (edited("reference.json", columns={"mode": {"counts": {"run": "x"}}}), "Expected `int`"),
    "a typical value that is a list": (edited("reference.json", columns={"mode": {"typical": []}}), "got `array`"),
    "no calibration scores": (replaced("calibration.npy", b""), "its calibration is not readable"),
    "another file for an array": (replaced("calibration.npy", b"PK\x03\x04" * 20), "its calibration is not readable"),
    "scores alone": (replaced("calibration.npy", npy(np.array([1.0, 2.0]))), "of type float64"),
    "a score that is none": (replaced("calibration.npy", npy(held_out(score=np.nan))), "not ascending finite numbers"),
    "scores of two dimensions": (replaced("calibration.npy", npy(np.array([[1.0]]))), "it has 2 dimensions, not one"),
    "rows in another order": (replaced("calibration.npy", npy(held_out(score=2.0))), "not ascending finite numbers"),
    "rows without a score": (replaced("calibration.npy", npy(held_out(score=np.nan))), "not ascending finite numbers"),
    "rows of an unknown label": (replaced("calibration.npy", npy(held_out(label=7))), "other labels than normal"),
    "rows of no segment's name": (replaced("calibration.npy", npy(held_out(segment=0))), "segments without a name"),
    "rows of a negative segment": (replaced("calibration.npy", npy(held_out(segment=-2))), "segments without a name"),
    "no rows": (replaced("calibration.npy", npy(held_out()[:0])), "not ascending finite numbers"),
    "an empty array": (replaced("calibration.npy", npy(held_out()[:0])), "not ascending finite numbers"),
    "an array of objects": (
        replaced("calibration.npy", npy(np.array([{"a": 1}], object), allow_pickle=True)),
        "it holds object, not numbers",
    ),
    "a header that is cut off": (
        replaced("calibration.npy", SCORES.replace(b"(199,)", b"(199, ")),
        "its header is not",
    ),
    "a header that never ends": (replaced("calibration.npy", SCORES.replace(b"'<f8'", b"[[[[[")), "its header is not"),
    "a header of another version": (replaced("calibration.npy", SCORES[:6] + b"\x03" + SCORES[7:]), "of version"),
    "an array that is cut off": (
        replaced("calibration.npy", SCORES[:-8]),
        "199 entries of 8 bytes, 1,584 bytes follow",
    ),
    "an array with more behind it": (replaced("calibration.npy", SCORES + b"0"), "1,593 bytes follow"),
    "an array that claims too much": (
        replaced("calibration.npy", SCORES.replace(b"(199,), }         ", b"(1000000000000,),}")),
        "1,000,000,000,000 entries",
    ),
    "extremes that are a text": (edited("ensemble.json", extremes="x"), "The extremes are not readable"),
    "extremes of other features": (
        edited(
            "ensemble.json",
            extremes={"positions": [99], "fences": [[0.0], [1.0]], "units": [[1.0], [1.0]], "scale": 1.0},
        ),
        "extremes of other features",
    ),
    "extremes of another fit": (
        edited(
            "ensemble.json",
            extremes={"positions": [0], "fences": [[-0.1], [0.1]], "units": [[1.0], [1.0]], "scale": 1.0},
        ),
        "network.onnx scores the probe up to",
    ),
    "a network of very many parts": (
        replaced("network.onnx", b"\x42\x00" * 10**6),
        "has 2,000,000 bytes, and the weights of the network that the manifest describes [0-9,]+. Train",
    ),
    "a network that is none": (replaced("network.onnx", b"junk"), "network.onnx: ONNX Runtime .* refuses it"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_file_with_a_right_digest_is_refused_in_one_line(forgery, copied):
    damage, complaint = FORGERIES[forgery]
    damage(copied)
    with pytest.raises(BundleError, match=complaint) as caught:
        load_detector(copied)
    assert str(caught.value).startswith(f"{copied}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["anomaly_score", "records_anomaly_score"])
def test_another_score_for_any_row_of_the_probe_is_refused(name, copied):
    scores = json.loads((copied / "probe.json").read_text())[name]
    for row, score in enumerate(scores):
        apart = 3e-5 * max(1.0, score)
        forge_json(copied, "probe.json", **{name: [*scores[:row], score + apart, *scores[row + 1 :]]})
        with pytest.raises(BundleError, match=r"up to 3\.0e-05 apart from the network"):
            load_detector(copied)
        forge_json(copied, "probe.json", **{name: [*scores[:row], score + 0.1 * apart, *scores[row + 1 :]]})
        load_detector(copied)


@pytest.mark.parametrize(
    "change",
    [
        edited_encoder(0, center=50.01),
        edited_encoder(0, missing_share=0.11),
        edited_encoder(1, unit=4.1),
        edited_encoder(2, share=0.31),
        edited_encoder(3, categories=["rum", "idle"]),
        edited_encoder(3, categories=["idle", "run"]),
        edited_encoder(3, rare=["flush"]),
        edited_encoder(3, novelty_penalty=9.001),
        edited_encoder(4, start=1_704_060_000.0),
    ],
)
def test_a_change_of_what_a_column_becomes_is_noticed_by_the_records_of_the_probe(change, copied):
    change(copied)
    with pytest.raises(BundleError, match="apart from the network that was trained"):
        load_detector(copied)


@pytest.mark.parametrize("missing_share", [0.0, 0.1])
def test_the_probe_is_made_of_rows_at_both_ends_and_of_records_of_every_kind(missing_share):
    preprocessor = sample_preprocessor(missing_share=missing_share)
    low, high = preprocessor.limits.astype(float)
    scorer = Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: Z))
    plain = probe_of(scorer, FakeEngine(lambda Z: 0.5 * Z))
    assert json.loads(json.dumps(plain, allow_nan=False)) == probe_of(
        scorer, FakeEngine(lambda Z: 0.5 * Z)
    )  # no chance
    Z = np.array(plain["Z"])
    assert Z.shape == (8, len(preprocessor.features))
    np.testing.assert_allclose(Z[:2], [low - 0.1 * (high - low), high + 0.1 * (high - low)], rtol=1e-6)
    assert (np.abs(Z) <= 3.6001).all()
    assert len(np.unique(Z)) > 5 * len(preprocessor.features)  # the other rows are neither ends nor each other
    records = plain["records"]
    assert {name: len(cells) for name, cells in records.items()} == dict.fromkeys(SAMPLE_NAMES, 9)
    assert records["flag"] == [0.0, 1.0, None] * 3
    assert records["mode"] == ["run", "idle", "flush", "purge", "(never seen)", None, "run", "idle", "flush"]
    at = np.array(records["at"][:8])
    start, scale = preprocessor.encodings[4].start, preprocessor.encodings[4].scale
    assert (at[:2] < start).all()
    np.testing.assert_allclose((at - start) / scale, np.linspace(-1, 3, 8) + 0.05, atol=0.05)
    numbers = np.array(records["number"][:8])
    assert 4 < np.ptp((numbers - 50) / 5) < 8
    assert records["number"][8] is records["amount"][8] is records["at"][8] is None
    expected = Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z))
    assert plain["anomaly_score"] == expected.score(Encoded(Z=Z.astype(np.float32))).anomaly_score.tolist()
    columns = {name: np.array(cells, object if name == "mode" else float) for name, cells in records.items()}
    scores = expected.score(preprocessor.transform(columns)).anomaly_score
    assert plain["records_anomaly_score"] == scores.tolist()


def test_a_column_of_very_many_categories_makes_the_probe_no_longer():
    encoder = CategoricalEncoding(
        name="c",
        categories=tuple(f"c{i}" for i in range(50)),
        shares=(0.01,) * 50,
        rare_share=0.5,
        rare=tuple(f"r{i}" for i in range(1000)),
    )
    preprocessor = Preprocessor(encodings=(encoder,), limits=np.array([[-1.0] * 51, [1.0] * 51], np.float32))
    cells = probe_of(Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: Z)), FakeEngine(lambda Z: Z))[
        "records"
    ]["c"]
    assert cells == [*encoder.categories, *encoder.rare[:14], "(never seen)", None]


def test_a_bundles_texts_are_utf_8_that_people_can_read_and_strict_json():
    assert json_bytes({"größe": [1]}) == '{\n "größe": [\n  1\n ]\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes({"a": float("inf")})


def test_an_array_is_the_same_after_it_was_a_file_and_never_holds_objects():
    rows = held_out(score=0.25)
    np.testing.assert_array_equal(array_in(array_bytes(rows)), rows)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        array_bytes(np.array([{}], object))


def test_a_recalibrated_bundle_has_the_network_and_encoders_of_the_other_one_byte_for_byte(made, tmp_path):
    detector = load_detector(made)
    calibration = Calibration.of(detector.calibration.pooled.scores, method="contamination", value=0.2)
    changed = dataclasses.replace(detector, calibration=calibration, version="2", card={"rows": 7})
    with new_bundle(tmp_path / "2") as folder:
        loaded = write_recalibrated(folder, made, changed, created="2025-01-01T00:00:00+00:00")
    before, after = read_manifest(made), read_manifest(tmp_path / "2")
    assert {name for name in FILES if before["files"][name] != after["files"][name]} == set()
    assert {name for name in before if before[name] != after[name]} == {"version", "created", "calibration", "card"}
    assert (after["version"], after["created"], after["card"]) == ("2", "2025-01-01T00:00:00+00:00", {"rows": 7})
    assert after["format_version"] == FORMAT_VERSION
    assert (loaded.version, loaded.calibration.spec.method) == ("2", "contamination")
    assert (
        load_detector(tmp_path / "2").calibration.threshold == calibration.threshold != detector.calibration.threshold
    )


def test_a_recalibrated_bundle_of_another_detector_is_refused(made, tmp_path):
    other = load_detector(make_bundle(tmp_path / "other", seed=5))
    with pytest.raises(BundleError, match="the new version scores differently"), new_bundle(tmp_path / "2") as folder:
        write_recalibrated(folder, made, other, created="2025-01-01T00:00:00+00:00")
    assert not (tmp_path / "2").exists()


def test_the_probe_holds_a_missing_value_of_each_column_and_a_category_that_was_never_seen(made):
    probe = json.loads((made / "probe.json").read_text())
    assert set(probe["records"]) == set(load_detector(made).schema.names)
    assert all(None in cells for cells in probe["records"].values())
    assert {"run", "idle", "flush", "purge", "(never seen)"} <= set(probe["records"]["mode"])


def test_the_probe_is_made_up_and_reaches_beyond_the_training_range(trained):
    probe = json.loads((trained.bundle / "probe.json").read_text())
    Z, limits = np.array(probe["Z"]), trained.detector.preprocessor.limits
    assert len(Z) == len(probe["anomaly_score"]) == 8
    assert (limits[0] > Z).any()
    assert (limits[1] < Z).any()


def test_a_save_is_refused_where_the_exported_network_is_another_one(trained, tmp_path):
    from training.network.keras_network import DenseNetwork, save_network
    from training.network.onnx_export import onnx_bytes

    config = trained.result.learned.config
    other = onnx_bytes(config, DenseNetwork(config, seed=99).arrays())
    with pytest.raises(BundleError, match="Train the detector anew"), new_bundle(tmp_path / "b") as folder:
        bundle.write_bundle(
            folder,
            trained.result.detector,
            network=config,
            graph=other,
            write_network=lambda path: save_network(trained.result.learned.network, path),
            trained=trained.result.learned.network,
            versions={},
            created="2024-01-01T00:00:00",
        )
    assert list(tmp_path.iterdir()) == []


def test_a_first_member_of_another_fit_is_refused(copied: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other", seed=1)
    forge(copied, "first_member.onnx", (other / "first_member.onnx").read_bytes())
    with pytest.raises(BundleError, match="expects other values than the first member"):
        load_detector(copied)
