"""`python -m training.calibrate`: another threshold without fitting anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from said import english_in
from samples import machine_records, of_two_sites, with_anomalies, write_csv

from models.bundle import MANIFEST, load_detector, read_manifest
from models.calibration import Calibration
from training.calibrate import main

CATALOGUE = Path(__file__).resolve().parents[3] / "models" / "languages" / "pt.po"


@pytest.fixture
def versions(bundle_path, tmp_path):
    """The folder of a detector with one version, which was fitted on normal rows."""
    shutil.copytree(bundle_path, tmp_path / "machines" / "1")
    return tmp_path / "machines"


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """New rows with labels."""
    folder = tmp_path_factory.mktemp("inspected")
    return write_csv(folder / "inspected.csv", with_anomalies(of_two_sites(machine_records(1500, seed=77)), every=20))


def calibrate(*arguments):
    return main([*map(str, arguments), "--quiet"])


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_version_shares_the_network_and_has_another_threshold(versions):
    before = files(versions / "1")
    assert calibrate(versions, "--alert-rate", "0.2") == 0
    old, new = load_detector(versions / "1"), load_detector(versions / "2")
    assert new.version == "2"
    assert new.calibration.threshold == Calibration.of(old.calibration.pooled.scores, method="fpr", value=0.2).threshold
    assert new.calibration.threshold < old.calibration.threshold
    one, two = (read_manifest(versions / version)["files"] for version in "12")
    assert {name for name in one if one[name] != two[name]} <= {"reference.json"}
    assert files(versions / "1") == before
    records = machine_records(100, seed=8)
    np.testing.assert_array_equal(old.score_records(records).anomaly_score, new.score_records(records).anomaly_score)
    np.testing.assert_array_equal(old.score_records(records).p_value, new.score_records(records).p_value)


def test_the_card_says_what_it_was_calibrated_from_and_forgets_figures_of_the_old_threshold(versions):
    assert calibrate(versions, "--threshold-method", "contamination", "--contamination", "0.2") == 0
    old, new = load_detector(versions / "1").card, load_detector(versions / "2").card
    assert new["calibrated_from"]["version"] == "1"
    assert new["calibrated_from"]["created"] == old["created"]
    assert "calibration rows of version 1" in new["calibrated_from"]["rows"]
    assert new["promise"].startswith("About 20 %")
    assert new["realised_alert_rate"] is None
    assert new["metrics"]["roc_auc"] == old["metrics"]["roc_auc"] is not None
    assert new["metrics"]["recall"] is None
    settings = new["settings"]
    assert (settings["threshold_method"], settings["contamination"]) == ("contamination", 0.2)
    assert settings["alert_rate"] is None
    assert settings["epochs"] == old["settings"]["epochs"]


def test_there_and_back_is_the_same_threshold(versions):
    assert calibrate(versions, "--threshold-method", "fixed", "--threshold", "3.5") == 0
    assert load_detector(versions / "2").calibration.threshold == 3.5
    assert calibrate(versions, "--threshold-method", "fpr", "--alert-rate", "0.05") == 0
    one, three = (load_detector(versions / version).calibration for version in "13")
    assert one.threshold == three.threshold


def test_without_flags_the_method_and_the_rate_stay(versions, inspected):
    assert calibrate(versions, "--data", inspected, "--label", "state") == 0
    new = load_detector(versions / "2")
    assert (new.calibration.spec.method, new.calibration.spec.value) == ("fpr", 0.05)
    assert new.calibration.rows.population == "normal"  # as the detector was fitted
    assert "1,500 rows of inspected.csv" in new.card["calibrated_from"]["rows"]


def test_new_rows_with_labels_give_a_wanted_recall(versions, inspected, capsys):
    command = ["--threshold-method", "labels", "--recall", "0.8", "--data", inspected, "--label", "state"]
    assert main([str(versions), *map(str, command), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    figures = report["threshold_report"]["figures"]
    assert set(figures) == {"precision", "recall", "f_beta", "false_positive_rate"}
    for figure in figures.values():
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    assert figures["recall"]["value"] >= 0.8
    new = load_detector(versions / "2")
    assert report["threshold"] == new.calibration.threshold
    rows = new.calibration.rows
    assert (rows.anomalies > report["threshold"]).mean() == figures["recall"]["value"]
    fresh = with_anomalies(of_two_sites(machine_records(4000, seed=99)), every=10)
    verdicts = new.score_records(fresh)
    broken = np.array([record["state"] == "fault" for record in fresh])
    assert verdicts.is_anomaly[broken].mean() > 0.65
    assert new.card["threshold"]["figures"] == figures


def test_the_labels_in_a_bundle_are_enough_to_change_the_target_and_the_population(versions, inspected):
    assert calibrate(versions, "--data", inspected, "--label", "state") == 0
    assert calibrate(versions, "--threshold-method", "labels", "--precision", "0.5") == 0
    assert load_detector(versions / "3").calibration.spec.target == "precision"
    assert calibrate(versions, "--threshold-method", "fpr", "--alert-rate", "0.02", "--rests-on", "all") == 0
    four = load_detector(versions / "4").calibration
    assert (four.rows.population, len(four.pooled.scores)) == ("all", 1500)
    assert calibrate(versions, "--rests-on", "normal") == 0
    assert len(load_detector(versions / "5").calibration.pooled.scores) == 1425


def test_a_tail_is_fitted_and_its_fit_is_shown(versions, inspected, capsys):
    command = ["--threshold-method", "evt", "--alert-rate", "0.0001", "--data", str(inspected), "--label", "state"]
    assert main([str(versions), *command]) == 0
    out = capsys.readouterr().out
    assert "Anderson–Darling" in out
    assert "shape" in out
    new = load_detector(versions / "2")
    assert new.calibration.threshold > new.calibration.pooled.scores.max() / 3
    assert new.card["threshold"]["tail"]["excesses"] == new.calibration.pooled.tail.excesses


def test_thresholds_by_segment_come_with_new_rows_stay_and_go(versions, inspected):
    assert calibrate(versions, "--threshold-by", "site", "--data", inspected) == 0
    two = load_detector(versions / "2")
    assert (two.schema.threshold_by, set(two.calibration.by_segment)) == ("site", {"north", "south"})
    assert calibrate(versions, "--alert-rate", "0.1") == 0
    assert set(load_detector(versions / "3").calibration.by_segment) == {"north", "south"}
    assert calibrate(versions, "--no-threshold-by") == 0
    four = load_detector(versions / "4")
    assert (four.schema.threshold_by, four.calibration.by_segment) == (None, {})
    assert four.score_records(machine_records(5, seed=1)).segments is None


def test_the_estimator_of_a_new_version_has_its_threshold(versions):
    from training.estimator import AutoencoderDetector

    assert calibrate(versions, "--threshold-method", "fixed", "--threshold", "3.5") == 0
    estimator = AutoencoderDetector.load(versions / "2")
    assert (estimator.threshold_method, estimator.threshold, estimator.alert_rate) == ("fixed", 3.5, None)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--threshold-method", "labels"], "No calibration row is labelled an anomaly: give rows with labels, --data"),
        (["--threshold-by", "mode"], "keeps no column of its calibration rows. Give rows that have the column: --data"),
        (["--threshold-by", "at", "--data", "ROWS"], "--threshold-by at holds dates and times"),
        (["--threshold-by", "state", "--data", "ROWS"], "--threshold-by state is the label"),
        (["--threshold-by", "mode", "--no-threshold-by"], "exclude one another"),
        (["--threshold-by", "line", "--data", "ROWS"], "Missing: 'line'"),
        (
            ["--threshold-by", "serial", "--data", "ROWS"],
            "No segment of --threshold-by can have a threshold",
        ),
        (["--label", "state"], "--label is read from new rows: give them, --data FILE"),
        (["--label", "mode", "--data", "ROWS"], "'mode' is a feature of the detector"),
        (["--alert-rate", "0.0001"], "needs at least 9,999 calibration rows"),
        (["--alert-rate", "2"], "alert_rate must be in (0, 1), got 2.0"),
        (["--threshold", "2"], "threshold has no effect with threshold_method 'fpr'"),
        (["--threshold-method", "evt"], "'evt' needs at least 500 calibration rows"),
        (["--threshold-method", "fixed", "--threshold", "2", "--threshold-by", "mode"], "which gives one threshold"),
        (["--data", "missing.csv"], "there is no such file"),
    ],
)
def test_nonsense_is_refused_in_one_line_and_nothing_is_written(flags, complaint, versions, inspected, capsys):
    assert calibrate(versions, *[str(inspected) if flag == "ROWS" else flag for flag in flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert complaint in error
    assert [path.name for path in versions.iterdir()] == ["1"]


def test_p_values_cannot_rest_on_normal_rows_where_none_is_known(made, tmp_path, capsys):
    shutil.copytree(made, tmp_path / "old" / "1")
    assert calibrate(tmp_path / "old", "--rests-on", "normal") == 2
    assert "No calibration row is known to be normal: give rows with labels" in capsys.readouterr().err


def test_a_bundle_that_is_no_version_needs_a_place_to_write_to(bundle_path, tmp_path, capsys):
    folder = Path(shutil.copytree(bundle_path, tmp_path / "mine"))
    assert calibrate(folder, "--alert-rate", "0.1") == 2
    assert "say where to write, --output DIR" in capsys.readouterr().err
    assert calibrate(folder, "--alert-rate", "0.1", "--output", tmp_path / "other") == 0
    assert load_detector(tmp_path / "other").calibration.spec.value == 0.1


def test_a_bundle_is_never_replaced_by_a_calibration_without_overwrite(versions, capsys):
    assert calibrate(versions, "--alert-rate", "0.1", "--output", versions / "1") == 2
    assert "say --overwrite" in capsys.readouterr().err
    assert calibrate(versions, "--alert-rate", "0.1", "--output", versions / "1", "--overwrite") == 0
    assert load_detector(versions / "1").calibration.spec.value == 0.1


def test_a_damaged_bundle_is_refused(versions, capsys):
    manifest = json.loads((versions / "1" / MANIFEST).read_text())
    manifest["calibration"]["threshold"] *= 2
    (versions / "1" / MANIFEST).write_text(json.dumps(manifest))
    assert calibrate(versions, "--alert-rate", "0.1") == 2
    assert "is not the one of its scores" in capsys.readouterr().err


def test_nothing_is_fitted_and_tensorflow_is_not_imported(versions, run_python):
    code = (
        "import sys; from training.calibrate import main;"
        f"code = main([{str(versions)!r}, '--alert-rate', '0.1', '--quiet']);"
        "print(code, sorted({'tensorflow', 'keras', 'onnx', 'sklearn', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.strip() == "0 []"


def test_what_is_printed_is_in_the_language_that_is_asked_for(versions, inspected, capsys):
    command = [str(versions / "1"), "--data", str(inspected), "--label", "state", "--alert-rate", "0.1", "--lang", "pt"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "1.500 linhas de inspected.csv" in " ".join(text.split())
    assert english_in(text, CATALOGUE) == []
    card = read_manifest(versions / "2")["card"]
    assert card["calibrated_from"]["rows"] == "1,500 rows of inspected.csv"
