"""The contract of `python -m training.compare`: what it prints, keeps, goes on from and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import machine_records, with_anomalies, write_csv

from models.bundle import load_detector
from models.bundle.card import card_of
from training.compare import main
from training.comparison.compare import RESULTS

TWO = (
    "--activations",
    "relu",
    "elu",
    "--seeds",
    "2",
    "--epochs",
    "3",
    "--hidden-units",
    "8",
    "--jobs",
    "1",
    "--preset",
    "fast",
)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = with_anomalies(machine_records(300, seed=2), every=10)
    return write_csv(tmp_path_factory.mktemp("data") / "machines.csv", records)


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory, run_python: Any) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("comparison") / "machines"
    run = run_python("-m", "training.compare", data, "--label", "state", *TWO, "--output", folder, "--json")
    return run, folder


def test_json_is_one_object_with_means_intervals_and_a_reason(finished: tuple[Any, Path]) -> None:
    run, folder = finished
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") == 1
    report = json.loads(run.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert set(report["activations"]) == {"relu", "elu"}
    for figures in report["activations"].values():
        for name in ("validation_error", "seconds", "dead_share", "step_seconds", "scoring_seconds", "roc_auc"):
            low, high = figures[name]["interval"]
            assert low <= figures[name]["mean"] <= high
        assert figures["validation_error"]["mean"] > 0
        assert list(figures["gradients"]) == ["encoder_1", "bottleneck", "output"]
        assert figures["seeds"] == [0, 1]
    assert (
        report["activations"]["relu"]["zero_share"]["mean"] > 0.1 > report["activations"]["elu"]["zero_share"]["mean"]
    )
    assert report["recommendation"] in report["ties"]
    assert report["reason"].startswith(report["verdict"])
    assert report["judged_by"] in {"labels", "planted errors"}
    assert set(report["gains"]) == set(report["label_gains"]) == {"relu", "elu"}
    assert report["gains"]["relu"]["verdict"] == "baseline"
    for figures in report["activations"].values():
        found = figures["found"]
        assert 0.5 < found["mean"] <= 1
        assert "value of another row" in found["kinds"]
        assert found["mean"] == pytest.approx(np.mean([kind["roc_auc"] for kind in found["kinds"].values()]))
        assert all(0 <= kind["at_rate"] <= 1 and kind["errors"] > 0 for kind in found["kinds"].values())
    assert report["folder"] == str(folder)


def test_the_same_command_fits_nothing_again_and_says_the_same(
    finished: tuple[Any, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = finished
    before = (folder / RESULTS).read_bytes()
    assert main([str(data), "--label", "state", *TWO, "--output", str(folder), "--json", "--quiet"]) == 0
    assert (folder / RESULTS).read_bytes() == before
    assert json.loads(capsys.readouterr().out) == json.loads(run.stdout)


def test_fewer_seeds_and_activations_are_read_from_what_is_kept(
    finished: tuple[Any, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = [*TWO, "--seeds", "1", "--activations", "elu"]
    assert main([str(data), "--label", "state", *fewer, "--output", str(finished[1]), "--json", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["recommendation"] is None
    assert "--seeds 2" in report["reason"]
    assert report["activations"]["elu"]["validation_error"]["interval"] is None


def test_other_settings_are_another_comparison(
    finished: tuple[Any, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(data), "--label", "state", *TWO, "--dropout", "0.1", "--output", str(finished[1])]) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert "another comparison (what differs: dropout)" in complaint


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--seeds", "0"), "seeds must be at least 1"),
        (("--seconds", "1", "--epochs", "3"), "--seconds and --epochs exclude one another"),
        (("--depth", "1", "--hidden-units", "8"), "--depth and --hidden-units exclude one another"),
        (("--depth", "0"), "depths must be in [1, 32] each"),
        (("--learning-rates", "0"), "learning_rates must be above 0"),
        (("--save-best", "--seeds", "1"), "--save-best needs a recommendation: --seeds 2"),
    ],
)
def test_settings_outside_their_limits_are_refused_at_once(
    data: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], complaint: str
) -> None:
    assert main([str(data), *flags]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.slow  # starts and stops it
def test_after_ctrl_c_it_resumes_with_the_same_results(data: Path, tmp_path: Path, run_python: Any) -> None:
    arguments = ["-m", "training.compare", str(data), *TWO, "--seeds", "3", "--json"]
    whole = json.loads(run_python(*arguments, "--output", tmp_path / "whole").stdout)
    kept = tmp_path / "stopped" / RESULTS
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, *arguments, "--output", str(kept.parent)]
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 120
        while not (kept.exists() and kept.read_bytes().count(b"\n") > 2) and time.monotonic() < deadline:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, printed = run.communicate(timeout=60)
    assert run.returncode == 130, printed
    assert "of 6 networks are kept, the same command goes on from there" in printed
    assert "Traceback" not in printed
    resumed = json.loads(run_python(*arguments, "--output", kept.parent).stdout)
    for name, figures in whole["activations"].items():
        for figure in ("validation_error", "dead_share", "best_epoch", "zero_share"):
            assert resumed["activations"][name][figure] == figures[figure]
    assert resumed["differences"] == whole["differences"]


def test_ctrl_c_while_the_report_is_written_says_that_the_networks_are_kept(
    finished: tuple[Any, Path], data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.report.comparison.write_comparison_report", interrupted)
    with pytest.raises(SystemExit) as end:
        main([str(data), "--label", "state", *TWO, "--output", str(finished[1])])
    assert end.value.code == 130
    printed = " ".join(capsys.readouterr().err.split())
    assert "4 of 4 networks are kept, the same command goes on from there" in printed


@pytest.mark.slow
def test_overwrite_leaves_other_files_in_the_folder(data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    (tmp_path / RESULTS).write_text("of another comparison\n")
    flags = [*TWO, "--epochs", "1", "--output", str(tmp_path), "--quiet"]
    assert main([str(data), *flags]) == 2
    assert main([str(data), *flags, "--overwrite"]) == 0
    assert mine.read_text() == "mine"


@pytest.mark.slow
def test_the_recommended_detector_is_saved_with_the_comparison_in_its_card(
    data: Path, tmp_path: Path, run_python: Any
) -> None:
    arguments = [data, *TWO, "--json", "--save-best", "--preset", "fast", "--name", f"saved-{tmp_path.name}"]
    run = run_python("-m", "training.compare", *arguments, "--output", tmp_path / "c")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    bundle = ROOT / report["bundle"]
    try:
        card, shown = load_detector(bundle).card, card_of(bundle)
    finally:
        subprocess.run(["rm", "-r", str(bundle.parent)], check=True)
    assert card["settings"]["activation"] == report["recommendation"]
    assert card["comparison"]["reason"] == report["reason"]
    assert shown["comparison"] == {name: report[name] for name in ("recommendation", "ties", "reason", "settled")}


@pytest.mark.slow
def test_relu_dies_at_a_high_learning_rate_and_what_is_found_decides_all_the_same(
    data: Path, tmp_path: Path, run_python: Any
) -> None:
    flags = ["--activations", "relu", "leaky_relu", "--seeds", "3", "--jobs", "1", "--learning-rates", "0.05"]
    flags += ["--preset", "fast"]
    run = run_python("-m", "training.compare", data, *flags, "--output", tmp_path / "c", "--json")
    report = json.loads(run.stdout)
    assert report["activations"]["relu"]["dead_share"]["mean"] > 0.3
    assert report["activations"]["leaky_relu"]["dead_share"]["mean"] == 0
    assert report["judged_by"] == "planted errors"
    assert set(report["gains"]) == {"relu", "leaky_relu"}
    assert (report["recommendation"] == "leaky_relu") == (report["gains"]["leaky_relu"]["verdict"] == "more")


@pytest.mark.slow
def test_a_sweep_compares_each_activation_under_its_best_setting(data: Path, tmp_path: Path, run_python: Any) -> None:
    flags = ["--activations", "relu", "sigmoid", "--seeds", "2", "--jobs", "2", "--depth", "1", "6", "--epochs", "5"]
    flags += ["--preset", "fast"]
    run = run_python("-m", "training.compare", data, *flags, "--output", tmp_path / "c", "--json")
    report = json.loads(run.stdout)
    found = {(one["activation"], len(one["hidden_units"])): one["found"]["mean"] for one in report["sweep"]}
    assert set(found) == {("relu", 1), ("relu", 6), ("sigmoid", 1), ("sigmoid", 6)}
    best = report["activations"]["sigmoid"]
    assert best["found"]["mean"] == max(found["sigmoid", depth] for depth in (1, 6))
    ratios = {
        (one["activation"], len(one["hidden_units"])): one["first_gradient_ratio"]["mean"] for one in report["sweep"]
    }
    assert ratios["sigmoid", 6] < 0.01 * ratios["sigmoid", 1]
    assert ratios["relu", 6] > 0.1 * ratios["relu", 1]


@pytest.mark.slow
def test_where_there_is_nothing_to_learn_there_is_no_difference_and_relu_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns that have nothing to do with one another."""
    values = np.random.default_rng(0).normal(size=(5000, 3)).round(4)
    data = tmp_path / "independent.csv"
    data.write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in values.tolist()) + "\n")
    kinds = ["--activations", "relu", "leaky_relu", "prelu", "--seeds", "3", "--preset", "fast"]
    assert main([str(data), *kinds, "--output", str(tmp_path / "kept"), "--json", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["reason"].startswith("No difference that matters: take relu, ")
    assert report["recommendation"] == "relu"
    assert set(report["ties"]) == {"relu", "leaky_relu", "prelu"}
    assert report["verdict"] in report["reason"]
