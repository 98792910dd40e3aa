"""The scores of the training rows: in the bundle as in any other file, the strangest first, and in the estimator."""

from __future__ import annotations

import json
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from rich.console import Console
from samples import machine_records, write_csv

from models.bundle import load_detector
from models.bundle.__main__ import main as bundle_main
from models.bundle.layout import TRAINING_SCORES
from models.errors import BundleError
from service.batch import main as batch_main
from training.calibrate import main as calibrate_main
from training.estimator import AutoencoderDetector
from training.programs.strangest import show_strangest
from training.train import main
from training.training_scores import StrangeRow

QUICK = ("--epochs", "2", "--alert-rate", "0.1", "--hidden-units", "8", "--preset", "fast")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = machine_records(400, seed=2)
    records[123]["flow"] = 900.0
    return write_csv(tmp_path_factory.mktemp("data") / "machines.csv", records)


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A bundle, and what its training printed."""
    bundle = tmp_path_factory.mktemp("out") / "machines" / "1"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.setenv("COLUMNS", "200")
        assert main([str(data), "--id", "serial", "--output", str(bundle), "--lang", "pt", *QUICK]) == 0
    return bundle, out.getvalue()


def scores_in(bundle: Path) -> list[dict[str, Any]]:
    return pyarrow.parquet.read_table(bundle / TRAINING_SCORES).to_pylist()


def test_the_bundle_scores_its_own_rows_as_they_stand_in_it_to_the_digit(data, finished, tmp_path):
    bundle, _ = finished
    again = tmp_path / "scores.parquet"
    assert batch_main([str(bundle), str(data), "--output", str(again), "--explain", "1", "--quiet"]) == 0
    names = ["serial", "anomaly_score", "p_value", "is_anomaly"]
    kept = pyarrow.parquet.read_table(bundle / TRAINING_SCORES)
    assert kept.column_names == [*names, "reason"]
    assert kept.select(names).equals(pyarrow.parquet.read_table(again).select(names))
    reasons = pyarrow.parquet.read_table(again).column("reason").to_pylist()
    for row, reason in zip(kept.to_pylist(), reasons, strict=True):
        assert row["reason"] in (reason, None)
        assert row["reason"] is not None or (row["p_value"] > 0.1 and not row["is_anomaly"])
    [odd] = [row for row in kept.to_pylist() if row["serial"] == "m-00123"]
    assert odd["reason"].startswith("flow: 900 (usually ")  # two epochs teach nothing that could be expected


def test_the_strangest_rows_are_the_first_thing_after_the_training(finished):
    _, out = finished
    lines = out.splitlines()
    start = lines.index("As mais estranhas de 400 linhas:")
    assert lines[start + 2].split() == ["serial", "score", "p-valor", "veredito", "porque"]
    assert lines[start + 4].split()[0] == "m-00123"
    assert "sinalizada" in lines[start + 4]
    assert "flow: 900 (normalmente de " in lines[start + 4]
    assert not any("linhas  " in line[:10] for line in lines[:start])


def test_programs_get_the_strangest_rows(data, tmp_path, capsys):
    assert main([str(data), "--output", str(tmp_path / "1"), "--json", *QUICK]) == 0
    strangest = json.loads(capsys.readouterr().out)["strangest"]
    assert len(strangest) == 10
    assert strangest[0]["row"] == 124
    assert strangest[0]["ids"] == {}
    assert strangest[0].keys() == {"row", "ids", "anomaly_score", "p_value", "is_anomaly", "reason"}
    scores = [row["anomaly_score"] for row in strangest]
    assert scores == sorted(scores, reverse=True)
    kept = scores_in(tmp_path / "1")
    assert kept[123].keys() == {"anomaly_score", "p_value", "is_anomaly", "reason"}
    for row in strangest:
        assert {name: row[name] for name in kept[0]} == kept[row["row"] - 1]


def test_an_id_that_is_called_like_a_column_of_the_scores_gets_another_name(data, tmp_path):
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(data.read_text().replace("serial,", "reason,", 1))
    assert main([str(renamed), "--id", "reason", "--output", str(tmp_path / "1"), "--quiet", *QUICK]) == 0
    row = scores_in(tmp_path / "1")[123]
    assert row["reason_id"] == "m-00123"
    assert row["reason"].startswith("flow: 900 (")


def test_a_text_of_the_table_cannot_write_to_the_terminal():
    row = StrangeRow(
        row=1,
        ids={"\x1b[31mid": "[red]\x1b]0;x\x07"},
        anomaly_score=12345.678,
        p_value=0.00123,
        is_anomaly=True,
        reason="",
        shown_reason="[bold]a\x1b[0m",
        label=False,
    )
    console = Console(width=120)
    with console.capture() as captured:
        show_strangest(console, [row], rows=1200)
    out = captured.get()
    assert "\x1b" not in out
    assert "[red]\\x1b]0;x\\x07" in out
    assert "[bold]a" in out
    assert "12346" in out
    assert "0.0012" in out
    assert "The strangest of 1,200 rows:" in out


def test_no_detector_reads_the_scores_and_verifying_does(finished, tmp_path, capsys):
    bundle, _ = finished
    copied = Path(shutil.copytree(bundle, tmp_path / "copied"))
    (copied / TRAINING_SCORES).write_bytes(b"PAR1 something else")
    load_detector(copied)
    assert bundle_main(["verify", str(copied)]) == 2
    assert f"{TRAINING_SCORES} is not the file that was saved" in capsys.readouterr().out
    (copied / TRAINING_SCORES).unlink()
    load_detector(copied)
    assert bundle_main(["verify", str(copied)]) == 0
    (copied / "other.parquet").write_bytes(b"")
    with pytest.raises(BundleError, match=r"holds 'other\.parquet', which is no part of a bundle"):
        load_detector(copied)


def test_another_calibration_has_other_p_values_so_the_scores_are_not_taken_along(data, finished, tmp_path):
    bundle, _ = finished
    folder = tmp_path / "2"
    assert calibrate_main([str(bundle), "--data", str(data), "--output", str(folder), "--quiet"]) == 0
    assert not (folder / TRAINING_SCORES).exists()
    assert bundle_main(["verify", str(folder)]) == 0


def test_an_estimator_has_the_scores_of_its_own_rows(tmp_path):
    frame = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])
    detector = AutoencoderDetector(epochs=2, alert_rate=0.2, hidden_units=(8,), preset="fast")
    predicted = detector.fit_predict(frame)
    np.testing.assert_array_equal(predicted, detector.predict(frame))
    np.testing.assert_allclose(detector.training_scores_, detector.anomaly_score(frame), rtol=1e-5)
    detector.save(tmp_path / "1")
    kept = pyarrow.parquet.read_table(tmp_path / "1" / TRAINING_SCORES).column("anomaly_score").to_numpy()
    np.testing.assert_array_equal(kept, detector.training_scores_)
    assert not hasattr(AutoencoderDetector.load(tmp_path / "1"), "training_scores_")
    weights = np.where(np.arange(250) % 2, 1.0, 0.0)
    assert detector.fit_predict(frame, sample_weight=weights).shape == (250,)
    assert detector.training_scores_.shape == (125,)
